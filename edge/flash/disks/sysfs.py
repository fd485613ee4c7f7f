"""Read what disks there are from /sys, /proc and the database of udev, below any root folder.

Source: Linux Documentation/ABI/stable/sysfs-block, proc_pid_mountinfo(5), and udev's
`/run/udev/data/b<major>:<minor>` (lines `E:NAME=value`). udev is not needed: without it serial
numbers come from /sys, and what partitions hold is unknown unless it is in use.
"""

import contextlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.flash.disks.disk import Disk, Transport, Volume

SECTOR_BYTES: Final = 512  # of /sys/block/*/size, whatever the disk's own are
_NO_DISKS: Final = re.compile(r"(ram|zram|dm-|md|sr|fd|nbd|mtdblock)\d*")
_USB_PORT: Final = re.compile(r"/usb\d+/(?:[^/]+/)*?(\d+-\d+(?:\.\d+)*)/[^/]+:\d+\.\d+/")
_BOOT_AREA: Final = re.compile(r"mmcblk\d+(boot\d+|rpmb|gp\d+)")
_ESCAPE: Final = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class _Use:
    """What the running system does with devices, by their numbers `major:minor` or paths."""

    mounts: Mapping[str, tuple[str, ...]]
    swaps: frozenset[str]


def disks(root: Path = Path("/"), *, port: str | None = None) -> tuple[Disk, ...]:
    """Return the disks of this machine, by name; RAM disks, optical and built-up ones left out.

    Args:
        root: The folder that has `sys`, `proc`, `run` and `dev`.
        port: The port path of a USB device: only its disks, which is found out at little cost.
    """
    places = [
        one for one in _places(root / "sys/block") if port is None or _port(_device(one)) == port
    ]
    if not places:
        return ()
    use = _Use(_mounts(root), _swaps(root))
    found = []
    for place in places:
        with contextlib.suppress(OSError):  # it was pulled out while we looked
            disk = _disk(root, place, use)
            if disk.transport is not Transport.LOOP or disk.backing:
                found.append(disk)
    return tuple(found)


def _places(folder: Path) -> list[Path]:
    places = sorted(folder.iterdir()) if folder.is_dir() else []
    return [
        one
        for one in places
        if not (_NO_DISKS.fullmatch(one.name) or _BOOT_AREA.fullmatch(one.name))
    ]


def _device(place: Path) -> str:
    """Return where in /sys a disk's device is; empty when it was pulled out while we looked."""
    try:
        return str(place.readlink())
    except OSError:
        return ""


def _port(device: str) -> str:
    """Return the port path of the USB device that a device in /sys belongs to; empty if to none."""
    found = _USB_PORT.search(f"{device}/")
    return found[1] if found else ""


def volume_of(path: Path, root: Path = Path("/")) -> str | None:
    """Return the name of the volume that a file lies on, by the device number of its file system.

    None if that is no disk (tmpfs, overlay, network).
    """
    try:
        device = path.stat().st_dev
    except OSError:
        return None
    place = root / f"sys/dev/block/{device >> 8 & 0xFFF}:{device & 0xFF | device >> 12 & 0xFFF00}"
    return place.resolve().name if place.exists() else None


def _disk(root: Path, place: Path, use: _Use) -> Disk:
    name = place.name
    told = _told_by_udev(root, _text(place / "dev"))
    device = place.resolve()
    transport = _transport(place, device, told)
    return Disk(
        name=name,
        path=f"/dev/{name}",
        size_bytes=_number(place / "size") * SECTOR_BYTES,
        transport=transport,
        removable=_text(place / "removable") == "1",
        read_only=_text(place / "ro") == "1",
        vendor=_text(place / "device/vendor") if transport is not Transport.VIRTIO else "",
        model=_text(place / "device/model") or _text(place / "device/name"),
        serial=told.get("ID_SERIAL_SHORT", "") or _serial(place, device),
        port=_port(str(device)),
        backing=_text(place / "loop/backing_file"),
        whole=_volume(root, place, use, told),
        partitions=_partitions(root, place, use),
    )


def _partitions(root: Path, place: Path, use: _Use) -> tuple[Volume, ...]:
    parts = [one for one in place.iterdir() if (one / "partition").exists()]
    parts.sort(key=lambda one: _number(one / "start"))
    return tuple(_volume(root, one, use, _told_by_udev(root, _text(one / "dev"))) for one in parts)


def _volume(root: Path, place: Path, use: _Use, told: Mapping[str, str]) -> Volume:
    """Return what lies on a disk or partition; mounts of what is built on it count as its own."""
    holders = _above(root, place)
    names = [(_text(place / "dev"), f"/dev/{place.name}")]
    names += [(_text(root / f"sys/block/{one}/dev"), f"/dev/{one}") for one in holders]
    places = [at for number, path in names for at in _mounted(use, number, path)]
    return Volume(
        name=place.name,
        size_bytes=_number(place / "size") * SECTOR_BYTES,
        label=_label(place, told),
        content=told.get("ID_FS_TYPE", ""),
        mounted_at=tuple(dict.fromkeys(places)),
        is_swap=any({number, path} & use.swaps for number, path in names),
        holders=holders,
    )


def _above(root: Path, place: Path) -> tuple[str, ...]:
    """Return all that the kernel has built on a volume, however high."""
    found: list[str] = []
    waiting = [place]
    while waiting:
        folder = waiting.pop() / "holders"
        for holder in sorted(folder.iterdir()) if folder.is_dir() else ():
            if holder.name not in found:
                found.append(holder.name)
                waiting.append(root / "sys/block" / holder.name)
    return tuple(found)


def _mounted(use: _Use, number: str, path: str) -> Iterable[str]:
    return (*use.mounts.get(number, ()), *use.mounts.get(path, ()))


def _transport(place: Path, device: Path, told: Mapping[str, str]) -> Transport:
    name, where = place.name, f"{device}/"
    if name.startswith("loop"):
        return Transport.LOOP
    if name.startswith("mmcblk"):
        return Transport.SD if _text(place / "device/type") == "SD" else Transport.EMMC
    if "/usb" in where or told.get("ID_BUS") == "usb":
        return Transport.USB
    by_name = {"nvme": Transport.NVME, "vd": Transport.VIRTIO, "xvd": Transport.VIRTIO}
    for start, transport in by_name.items():
        if name.startswith(start):
            return transport
    if "/ata" in where or told.get("ID_BUS") == "ata":
        return Transport.SATA
    return Transport.SCSI if name.startswith("sd") else Transport.OTHER


def _serial(place: Path, device: Path) -> str:
    for file in (place / "serial", place / "device/serial", place / "device/cid"):
        if found := _text(file):
            return found
    for folder in device.parents:  # the USB device that the disk belongs to
        if (folder / "idVendor").exists():
            return _text(folder / "serial")
    return ""


def _label(place: Path, told: Mapping[str, str]) -> str:
    if found := told.get("ID_FS_LABEL") or told.get("ID_PART_ENTRY_NAME"):
        return found
    for line in _text(place / "uevent").splitlines():
        if line.startswith("PARTNAME="):
            return line.partition("=")[2]
    return ""


def _told_by_udev(root: Path, number: str) -> dict[str, str]:
    told = {}
    for line in _text(root / f"run/udev/data/b{number}").splitlines():
        if line.startswith("E:"):
            name, _equals, value = line[2:].partition("=")
            told[name] = value
    return told


def _mounts(root: Path) -> dict[str, tuple[str, ...]]:
    """Return mount points by device number and by path: a btrfs has a number of its own."""
    found: dict[str, tuple[str, ...]] = {}
    for line in _text(root / "proc/self/mountinfo").splitlines():
        left, _dash, right = line.partition(" - ")
        words, source = left.split(), right.split()
        if len(words) < 5 or len(source) < 2:
            continue
        place = _unescaped(words[4])
        for key in (words[2], _unescaped(source[1])):
            found[key] = (*found.get(key, ()), place)
    return {key: tuple(dict.fromkeys(places)) for key, places in found.items()}


def _swaps(root: Path) -> frozenset[str]:
    lines = _text(root / "proc/swaps").splitlines()[1:]
    return frozenset(_unescaped(line.split()[0]) for line in lines if line.split())


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 8)), text)


def _number(file: Path) -> int:
    text = _text(file)
    return int(text) if text.isdecimal() else 0


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace").strip("\0 \t\n")
    except OSError:
        return ""
