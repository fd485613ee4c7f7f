"""The `/sys`, `/proc` and `/run/udev` of machines in offices, as far as disks show there.

Laid out as Linux 6.1 does; the device paths of USB, MMC, NVMe and SATA are those of real machines.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_SECTOR_BYTES = 512
GB = 10**9


@dataclass
class HostDisks:
    """A folder that stands for `/`; disks are plugged in one by one."""

    root: Path
    _minor: int = field(default=0, init=False)
    _mounts: list[str] = field(default_factory=list, init=False)
    _swaps: list[str] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        (self.root / "sys/block").mkdir(parents=True)
        self._write_tables()

    def usb(self, name: str, *, port: str = "1-1", serial: str = "", **facts: Any) -> str:
        """Plug in a USB stick or reader at a port such as `1-1.2`."""
        bus, *hubs = port.split(".")
        above = "".join(f"/{'.'.join([bus, *hubs[:n]])}" for n in range(len(hubs)))
        usb = f"devices/pci0000:00/0000:00:14.0/usb{port[0]}{above}/{port}"
        self._file(f"sys/{usb}/idVendor", "0781")
        if serial:
            self._file(f"sys/{usb}/serial", serial)
        lun = sum(1 for one in (self.root / f"sys/{usb}").rglob("block"))
        place = f"{usb}/{port}:1.0/host6/target6:0:0/6:0:0:{lun}"
        return self._disk(name, place, **{"removable": True, **facts})

    def sd(self, name: str, *, kind: str = "SD", serial: str = "0x1a2b3c4d", **facts: Any) -> str:
        """Put a card into the reader of the machine, or solder an eMMC to it (kind `MMC`)."""
        place = f"devices/platform/soc/fe340000.mmc/mmc_host/mmc0/{name}-card"
        self._file(f"sys/{place}/type", kind)
        self._file(f"sys/{place}/name", "SU32G")
        self._file(f"sys/{place}/serial", serial)
        return self._disk(name, place, **facts)

    def nvme(self, name: str, *, serial: str = "S4EWNX0R", **facts: Any) -> str:
        """Build in an NVMe disk."""
        place = f"devices/pci0000:00/0000:00:1d.0/0000:03:00.0/nvme/{name.partition('n1')[0]}"
        self._file(f"sys/{place}/serial", serial)
        return self._disk(name, place, direct=True, **facts)

    def sata(self, name: str, *, serial: str = "", **facts: Any) -> str:
        """Build in a SATA disk."""
        place = "devices/pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0"
        return self._disk(name, f"{place}-{name}", udev={"ID_SERIAL_SHORT": serial}, **facts)

    def virtio(self, name: str, **facts: Any) -> str:
        """Give a virtual machine a disk."""
        return self._disk(name, f"devices/pci0000:00/0000:00:04.0/virtio1-{name}", **facts)

    def loop(self, name: str, backing: str | None) -> str:
        """Add a loop device, with a file behind it or none."""
        self._disk(name, f"devices/virtual-{name}", size_bytes=GB if backing else 0)
        if backing:
            self._file(f"sys/block/{name}/loop/backing_file", backing)
        return name

    def built(self, name: str, *on: str, mount: str = "", swap: bool = False) -> str:
        """Build a device such as `dm-0` or `md0` on volumes."""
        number = self._number()
        self._file(f"sys/block/{name}/dev", number)
        for volume in on:
            place = next((self.root / "sys").rglob(f"{volume}/dev"), None)
            folder = place.parent if place else self.root / "sys/block" / volume
            (folder / "holders").mkdir(exist_ok=True)
            (folder / "holders" / name).mkdir()
        if mount:
            self.mount(number, mount, source=f"/dev/mapper/{name}")
        if swap:
            self._swaps.append(f"/dev/{name} partition 1000 0 -2")
            self._write_tables()
        return name

    def mount(self, number: str, place: str, *, source: str) -> None:
        """Mount a device, known by `major:minor`."""
        escaped = place.replace(" ", "\\040")
        self._mounts.append(f"36 35 {number} / {escaped} rw,noatime shared:1 - ext4 {source} rw")
        self._write_tables()

    def _disk(
        self,
        name: str,
        place: str,
        *,
        size_bytes: int = 32 * GB,
        parts: dict[str, str] | None = None,
        udev: dict[str, str] | None = None,
        removable: bool = False,
        read_only: bool = False,
        model: str = "Ultra",
        vendor: str = "SanDisk",
        mount: str = "",
        direct: bool = False,
    ) -> str:
        """Add the block device.

        `parts` has what each partition is: a mount point, `swap`, or `=CONTENT` in udev's words.
        """
        device = f"sys/{place}/{name}" if direct else f"sys/{place}/block/{name}"
        number = self._number()
        self._file(f"{device}/dev", number)
        self._file(f"{device}/size", str(size_bytes // _SECTOR_BYTES))
        self._file(f"{device}/removable", str(int(removable)))
        self._file(f"{device}/ro", str(int(read_only)))
        self._file(f"sys/{place}/model", model)
        self._file(f"sys/{place}/vendor", vendor)
        self._link(f"{device}/device", f"sys/{place}")
        self._link(f"sys/block/{name}", device)
        self._udev(number, udev or {})
        if mount:
            self.mount(number, mount, source=f"/dev/{name}")
        for index, (part, what) in enumerate((parts or {}).items()):
            self._part(device, part, what, start=2048 * (index + 1))
        return name

    def _part(self, device: str, name: str, what: str, *, start: int) -> None:
        number = self._number()
        for file, text in (("dev", number), ("partition", "1"), ("start", str(start))):
            self._file(f"{device}/{name}/{file}", text)
        self._file(f"{device}/{name}/size", "2048")
        if what.startswith("="):
            self._udev(number, {"ID_FS_TYPE": what[1:]})
        elif what == "swap":
            self._swaps.append(f"/dev/{name} partition 1000 0 -2")
            self._write_tables()
        elif what:
            self.mount(number, what, source=f"/dev/{name}")

    def _number(self) -> str:
        self._minor += 1
        return f"8:{self._minor}"

    def _udev(self, number: str, told: dict[str, str]) -> None:
        lines = [f"E:{name}={value}" for name, value in told.items() if value]
        if lines:
            self._file(f"run/udev/data/b{number}", "\n".join(["S:disk/by-path/x", *lines]))

    def _write_tables(self) -> None:
        self._file("proc/self/mountinfo", "\n".join(self._mounts))
        head = "Filename Type Size Used Priority"
        self._file("proc/swaps", "\n".join([head, *self._swaps]))

    def _file(self, path: str, text: str) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"{text}\n")

    def _link(self, path: str, to: str) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(self.root / to)
