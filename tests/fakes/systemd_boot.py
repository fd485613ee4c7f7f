"""What systemd-boot does with its menu at each start, and the FAT driver of the firmware below it.

Sources: systemd 257, src/boot/boot.c (`boot_entry_compare`, `boot_entry_bump_counters`); edk2,
FatPkg/EnhancedFatDxe: a name is taken away, and the new one put where the folder has room first.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from edge_agent.boot import fat
from edge_agent.boot.fat import ENTRY_BYTES, FREE, SECTOR_BYTES, Entry, Volume
from edge_signing.formats.boot_state import Slot
from tests.fakes.block_device import NEVER, PowerCutError

ENTRIES = "loader/entries"
_COUNTED = re.compile(r"(?P<id>.*?)(?:\+(?P<left>\d+)(?:-(?P<done>\d+))?)?\.conf")


class NothingStartsError(Exception):
    """The menu has no entry that could be started."""


@dataclass
class MenuDevice:
    """A volume as `BlockDevice`, of which only what was written is held for itself.

    Args:
        base: What was there at first.
        written: Sectors that were written since, by number.
        sectors_before_cut: How many sectors still get written, over all writes.
        torn_bytes: How much of the sector at the cut gets written; its rest becomes garbage.
        backwards: Whether a write begins with its last sector.
    """

    base: bytes
    written: dict[int, bytes] = field(default_factory=dict)
    sectors_before_cut: int = NEVER
    torn_bytes: int = 0
    backwards: bool = False
    writes: list[int] = field(default_factory=list)

    def again(
        self, sectors: int = NEVER, torn_bytes: int = 0, *, backwards: bool = False
    ) -> "MenuDevice":
        """Return the device after a restart, whose power fails after so many sectors."""
        return MenuDevice(self.base, dict(self.written), sectors, torn_bytes, backwards)

    def read(self, offset_bytes: int, length_bytes: int) -> bytes:
        data = bytearray(self.base[offset_bytes : offset_bytes + length_bytes])
        for sector, content in self.written.items():
            at = sector * SECTOR_BYTES - offset_bytes
            if 0 <= at <= len(data) - SECTOR_BYTES:
                data[at : at + SECTOR_BYTES] = content
        return bytes(data)

    def write(self, offset_bytes: int, data: bytes) -> None:
        self.writes.append(offset_bytes)
        starts: Sequence[int] = range(0, len(data), SECTOR_BYTES)
        for start in reversed(starts) if self.backwards else starts:
            self._write_sector((offset_bytes + start) // SECTOR_BYTES, data[start:][:SECTOR_BYTES])

    def _write_sector(self, number: int, sector: bytes) -> None:
        if self.sectors_before_cut == 0:
            if self.torn_bytes:
                self.written[number] = sector[: self.torn_bytes].ljust(SECTOR_BYTES, b"\xa5")
            raise PowerCutError
        self.sectors_before_cut -= 1
        self.written[number] = sector


@dataclass(frozen=True)
class Started:
    """What a start came to: the slot that the kernel is told, and the bytes that were loaded."""

    slot: Slot
    kernel: bytes
    ramdisk: bytes


def start(device: MenuDevice) -> Started:
    """Start the machine: choose an entry, count the try, load what it names."""
    volume = Volume(device)
    folder = volume.find(ENTRIES)
    found = [(one, counted) for one in volume.entries(folder) if (counted := _read(one.name))]
    if not found:
        raise NothingStartsError
    found.sort(key=lambda one: f"{one[1]['id']}.conf", reverse=True)
    found.sort(key=lambda one: one[1]["left"] is not None and int(one[1]["left"]) == 0)
    entry, counted = found[0]
    words = _lines(b"".join(volume.read(entry)))
    if counted["left"] is not None and int(counted["left"]) > 0:
        left, done = int(counted["left"]), int(counted["done"] or 0)
        _rename(device, volume, folder, entry, f"{counted['id']}+{left - 1}-{done + 1}.conf")
    slot = re.search(r"edge\.slot=([ab])$", words["options"])
    assert slot is not None
    kernel, ramdisk = (
        b"".join(volume.read(volume.find(words[name].strip("/")))) for name in ("linux", "initrd")
    )
    return Started("a" if slot[1] == "a" else "b", kernel.rstrip(b"\0"), ramdisk.rstrip(b"\0"))


def _read(name: str) -> dict[str, str | None] | None:
    found = _COUNTED.fullmatch(name)
    return found.groupdict() if found else None


def _lines(text: bytes) -> dict[str, str]:
    lines = (line.partition(" ") for line in text.decode().splitlines() if line)
    return {key: value for key, _blank, value in lines}


def _rename(device: MenuDevice, volume: Volume, folder: Entry, entry: Entry, name: str) -> None:
    alias = f"{name[:2].upper()}~1".ljust(8).encode() + b"CON"
    pair = fat.packed(name, alias, cluster=entry.cluster, length_bytes=entry.length_bytes)
    for at in entry.offsets_bytes:
        _put(device, at, bytes((FREE,)) + device.read(at + 1, ENTRY_BYTES - 1))
    start_bytes, length_bytes = volume.spans(folder)[0]
    free = [
        at
        for at in range(start_bytes, start_bytes + length_bytes, ENTRY_BYTES)
        if device.read(at, 1)[0] in {0, FREE}
    ]
    place = next(at for at in free if at + ENTRY_BYTES in free)
    _put(device, place, pair)


def _put(device: MenuDevice, at: int, data: bytes) -> None:
    """Write into sectors as a whole, as a driver does."""
    first = at // SECTOR_BYTES * SECTOR_BYTES
    end = -(-(at + len(data)) // SECTOR_BYTES) * SECTOR_BYTES
    whole = bytearray(device.read(first, end - first))
    whole[at - first : at - first + len(data)] = data
    device.write(first, bytes(whole))
