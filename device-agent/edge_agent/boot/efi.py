"""Boot control for boards with EFI firmware and systemd-boot, which counts the tries itself.

systemd-boot starts the first of the entries in `loader/entries` of the EFI system partition, in the
order of their names backwards, those without a try left last. The name of an entry is the state:

    9a.conf        slot a is the first choice, for good
    5b.conf        slot b is the second
    9b+2-1.conf    slot b is the first choice for two starts more; it had one
    b.off          no entry: slot b is never started

Kernel and initramfs of a slot have files of a fixed size there, which `arm` fills from the boot
partition of the slot, while no entry names them. No cluster is ever allocated and no table written
by us. A name changes by one sector: each slot has two sectors of the folder for its own, the new
name is written to the one that holds none that counts, and the old one is taken away after. A power
cut between leaves both, which mean one slot.

Source: UAPI group, Boot Loader Specification and Automatic Boot Assessment; systemd 257,
src/boot/boot.c `boot_entry_compare` and `boot_entry_bump_counters`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from edge_agent.boot import fat
from edge_agent.boot.control import Running, other_slot, slot_of
from edge_agent.boot.fat import SECTOR_BYTES, Entry, Volume
from edge_agent.boot.storage import Storage
from edge_agent.errors import BootStateError
from edge_signing.formats.boot_state import (
    ARMED_LEFT,
    COMMITTED_LEFT,
    EMPTY_LEFT,
    SLOTS,
    BootState,
    Slot,
)

FOLDER: Final = "loader/entries"
PLACES: Final = "edge/places.txt"
FILES: Final = ("Image", "initrd.img")
SETTINGS: Final = "slot.env"
ENTRY_BYTES: Final = 4096
# Sectors of the folder that the names of each slot go to, in turn; the first has `.` and `..`.
HOMES: Final[dict[Slot, tuple[int, int]]] = {"a": (1, 2), "b": (3, 4)}
_FIRST, _SECOND = 9, 5
_SHOWN: Final = re.compile(r"([59])([ab])(?:\+(\d{1,2})(?:-\d{1,2})?)?\.conf")
_HIDDEN: Final = re.compile(r"([ab])\.off")
_PLACE: Final = re.compile(r"([ab]) (\d+)")
_SETTING: Final = re.compile(r"edge_cmdline=(.*)")


@dataclass(frozen=True, slots=True)
class Name:
    """What the name of an entry says; `left` is None for one that is committed.

    Attributes:
        slot: Whose it is.
        rank: The higher one is the first choice; 0 for one that is hidden.
        left: Starts that it still has.
    """

    slot: Slot
    rank: int
    left: int | None = None

    @classmethod
    def of(cls, text: str) -> "Name | None":
        """Return what a name says, None for a file of somebody else."""
        if hidden := _HIDDEN.fullmatch(text):
            return cls(_slot(hidden[1]), 0)
        if shown := _SHOWN.fullmatch(text):
            left = None if shown[3] is None else int(shown[3])
            return cls(_slot(shown[2]), int(shown[1]), left)
        return None

    def text(self) -> str:
        """Return the name."""
        if not self.rank:
            return f"{self.slot}.off"
        counter = "" if self.left is None else f"+{self.left}"
        return f"{self.rank}{self.slot}{counter}.conf"

    def order(self) -> tuple[bool, bool, int, Slot, bool]:
        """Return what systemd-boot sorts by; the greatest one is started.

        Of two of one slot and rank the one that is committed counts.
        """
        return self.rank != 0, self.left != 0, self.rank, self.slot, self.left is None


@dataclass(frozen=True, slots=True)
class Named:
    """An entry with what its name says."""

    name: Name
    entry: Entry


class Menu:
    """The entries of systemd-boot, and the files that they name.

    Args:
        storage: The EFI system partition.

    Raises:
        BootStateError: It is no such volume.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.volume = Volume(storage)

    def named(self) -> list[Named]:
        """Return the entries of slots, first choice first; what counts of a slot comes before."""
        found = [
            Named(name, entry)
            for entry in self.volume.entries(self.volume.find(FOLDER))
            if (name := Name.of(entry.name)) is not None
        ]
        return sorted(found, key=lambda one: one.name.order(), reverse=True)

    def of(self, slot: Slot) -> Name:
        """Return what counts of a slot: a name that is shown before one that is hidden."""
        return next((one.name for one in self.named() if one.name.slot == slot), Name(slot, 0))

    def rename(self, name: Name) -> None:
        """Let a slot have this name alone; the new one is there before the old one goes."""
        own = [one for one in self.named() if one.name.slot == name.slot]
        if len(own) == 1 and own[0].name == name:
            return
        start = self._folder_start()
        homes = [start + sector * SECTOR_BYTES for sector in HOMES[name.slot]]
        counts = {at // SECTOR_BYTES for one in own[:1] for at in one.entry.offsets_bytes}
        home = next(at for at in homes if at // SECTOR_BYTES not in counts)
        self._write(home, self._sector(name))
        for one in own:
            self._take_away(one.entry, but=home)

    def name_in(self, sector: int, name: Name) -> None:
        """Write a name into a sector of the folder."""
        self._write(self._folder_start() + sector * SECTOR_BYTES, self._sector(name))

    def write(self, slot: Slot, source: Volume) -> None:
        """Fill the files of a slot from its boot partition; no entry may show it meanwhile.

        Raises:
            BootStateError: A file is missing, too large, or does not stay as written.
        """
        for target, wanted in self._wanted(slot, source):
            self.volume.write_over(target, wanted)

    def differs(self, slot: Slot, source: Volume) -> bool:
        """Return whether the files of a slot are others than those of its boot partition."""
        return any(
            not _begins(self.volume.read(target), wanted)
            for target, wanted in self._wanted(slot, source)
        )

    def _wanted(self, slot: Slot, source: Volume) -> Iterator[tuple[Entry, Iterator[bytes]]]:
        """Give each file of a slot with what it has to hold."""
        settings = b"".join(source.read(source.find(SETTINGS))).decode("ascii", "replace")
        line = _SETTING.fullmatch(settings.strip())
        if line is None:
            raise BootStateError(f"{SETTINGS} of slot {slot} does not say how to start it")
        for name in FILES:
            yield self.volume.find(f"edge/{slot}/{name}"), source.read(source.find(name))
        # Found by its place, whatever name it has, and if a power cut left it none.
        own = Entry(Name(slot, 0).text(), self._places()[slot], ENTRY_BYTES, False, ())
        yield own, iter((entry_text(slot, line[1]),))

    def _places(self) -> dict[Slot, int]:
        text = b"".join(self.volume.read(self.volume.find(PLACES))).decode("ascii", "replace")
        found = {
            _slot(one[1]): int(one[2]) for one in map(_PLACE.fullmatch, text.split("\n")) if one
        }
        if set(found) != set(SLOTS):
            raise BootStateError(f"{PLACES} does not name the places of both slots")
        return found

    def _folder_start(self) -> int:
        spans = self.volume.spans(self.volume.find(FOLDER))
        if spans[0][1] <= max(HOMES["b"]) * SECTOR_BYTES:
            raise BootStateError(f"{FOLDER} is too small")
        return spans[0][0]

    def _sector(self, name: Name) -> bytes:
        alias = f"SLOT{name.slot.upper()}".ljust(8) + "CNF"
        cluster = self._places()[name.slot]
        pair = fat.packed(name.text(), alias.encode(), cluster=cluster, length_bytes=ENTRY_BYTES)
        return pair + free_entries((SECTOR_BYTES - len(pair)) // fat.ENTRY_BYTES)

    def _take_away(self, entry: Entry, *, but: int) -> None:
        sectors = sorted({at // SECTOR_BYTES for at in entry.offsets_bytes})
        for sector in (one for one in sectors if one != but // SECTOR_BYTES):
            data = bytearray(self._storage.read(sector * SECTOR_BYTES, SECTOR_BYTES))
            for at in entry.offsets_bytes:
                if at // SECTOR_BYTES == sector:
                    data[at % SECTOR_BYTES] = fat.FREE
            self._write(sector * SECTOR_BYTES, bytes(data))

    def _write(self, offset_bytes: int, sector: bytes) -> None:
        self._storage.write(offset_bytes, sector)
        if self._storage.read(offset_bytes, len(sector)) != sector:
            raise BootStateError(f"{FOLDER} does not read back as written")


class EfiControl(Running):
    """`BootControl` over the entries of systemd-boot.

    Args:
        storage: The EFI system partition.
        boot_of: The boot partition of a slot.
        command_line: What the kernel was started with, from /proc/cmdline.

    Raises:
        BootStateError: The command line names no slot.
    """

    def __init__(
        self, storage: Storage, boot_of: Callable[[Slot], Storage], *, command_line: str
    ) -> None:
        self._storage = storage
        self._boot_of = boot_of
        self._current = slot_of(command_line)

    def state(self) -> BootState:
        """Return what systemd-boot would see now.

        Raises:
            BootStateError: The entries can not be read, or show no slot.
        """
        menu = Menu(self._storage)
        shown = [name for name in map(menu.of, SLOTS) if name.rank]
        if not shown:
            raise BootStateError(f"{FOLDER} shows no slot")
        order = tuple(name.slot for name in sorted(shown, key=Name.order, reverse=True))
        left = dict.fromkeys(SLOTS, EMPTY_LEFT) | {name.slot: _left(name) for name in shown}
        return BootState(1, order, left)

    def arm(self, slot: Slot, tries: int = ARMED_LEFT) -> None:
        """Make `slot` the first choice for `tries` starts, with the files of its boot partition.

        Raises:
            BootStateError: Something can not be read or written, or `tries` is not 1 to 9.
        """
        if not 1 <= tries <= COMMITTED_LEFT:
            raise BootStateError(f"cannot arm slot {slot} for {tries} starts")
        menu = Menu(self._storage)
        if slot != self._current:
            source = Volume(self._boot_of(slot))
            if menu.differs(slot, source):
                menu.rename(Name(slot, 0))
            if not menu.of(slot).rank:
                menu.write(slot, source)
        self._step_back(menu, other_slot(slot))
        menu.rename(Name(slot, _FIRST, tries))

    def disarm(self) -> None:
        """Take the entry of the other slot away; the running one keeps its own.

        Raises:
            BootStateError: The entries can not be read or written.
        """
        menu = Menu(self._storage)
        if not menu.of(self._current).rank:
            raise BootStateError(f"slot {self._current} runs, and has no entry")
        menu.rename(Name(self.other(), 0))

    def commit(self) -> None:
        """Make the slot that runs the first choice for good; safe to repeat.

        Raises:
            BootStateError: The entries can not be read or written.
        """
        menu = Menu(self._storage)
        self._step_back(menu, self.other())
        menu.rename(Name(self._current, _FIRST))

    def _step_back(self, menu: Menu, slot: Slot) -> None:
        """Let a slot be the second choice, if it is one at all."""
        name = menu.of(slot)
        if name.rank == _FIRST:
            menu.rename(replace(name, rank=_SECOND))


def entry_text(slot: Slot, command_line: str) -> bytes:
    """Return the entry of systemd-boot for a slot, as long as its file.

    Raises:
        BootStateError: The command line is too long.
    """
    lines = (
        f"title slot {slot}",
        f"linux /edge/{slot}/{FILES[0]}",
        f"initrd /edge/{slot}/{FILES[1]}",
        f"options {command_line} edge.slot={slot}",
    )
    text = "".join(f"{line}\n" for line in lines).encode("ascii", "replace")
    if len(text) > ENTRY_BYTES:
        raise BootStateError(f"the command line of slot {slot} has {len(command_line)} bytes")
    return text.ljust(ENTRY_BYTES, b"\n")


def free_entries(count: int) -> bytes:
    """Return entries of a folder that are free, but not its end."""
    return (bytes((fat.FREE,)) + bytes(fat.ENTRY_BYTES - 1)) * count


def _left(name: Name) -> int:
    return COMMITTED_LEFT if name.left is None else min(name.left, COMMITTED_LEFT)


def _slot(text: str) -> Slot:
    return "a" if text == "a" else "b"


def _begins(found: Iterator[bytes], wanted: Iterator[bytes]) -> bool:
    """Return whether some bytes are others with nothing but zeros behind them."""
    held, more = b"", b""
    while True:
        held = held or next(found, b"")
        more = more or next(wanted, b"")
        if not held or not more:
            return not more and not any(held) and not any(map(any, found))
        length = min(len(held), len(more))
        if held[:length] != more[:length]:
            return False
        held, more = held[length:], more[length:]
