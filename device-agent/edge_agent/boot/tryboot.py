"""Boot control for Raspberry Pis whose firmware starts the kernel itself: `autoboot.txt`, tryboot.

The file names two partitions: `[all]` is started always, `[tryboot]` once after a restart with the
word `tryboot`, whose flag the firmware clears before it starts anything. So an armed slot has one
try, whatever is asked for. What the file says besides is in `[none]`, which never applies.

The file is one sector, and always written as a whole: a power cut leaves the old one or the new,
as far as the medium keeps its promise about sectors.

Source: Raspberry Pi documentation, config.txt, "autoboot.txt", and "tryboot".
"""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_agent.boot.control import Running, other_slot
from edge_agent.boot.fat import SECTOR_BYTES, Volume
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

FILE: Final = "autoboot.txt"
# The firmware counts partitions: `firmware` is the first one of the disk.
PARTITIONS: Final[dict[Slot, int]] = {"a": 2, "b": 3}
ARGUMENT: Final = "0 tryboot"  # of the restart; 0 is the partition that the file names
RESTART: Final = Path("/run/edge-agent/restart")
TRIES: Final = 1
_LINE: Final = re.compile(r"\[(\w+)\]|(\w+)=(\w+)")


@dataclass(frozen=True, slots=True)
class Autoboot:
    """What the file says.

    Attributes:
        default: The slot that is started.
        tried: The slot that is started once when that is asked for; `default` for none.
        is_armed: Whether that is to be asked for.
    """

    default: Slot
    tried: Slot
    is_armed: bool = False

    @classmethod
    def unpack(cls, data: bytes) -> "Autoboot":
        """Return what a file says.

        Raises:
            BootStateError: It does not name the slots.
        """
        values: dict[tuple[str, str], str] = {}
        section = ""
        for line in data.decode("ascii", "replace").split("\n"):
            if found := _LINE.fullmatch(line.strip()):
                section = found[1] or section
                if found[2]:
                    values[section, found[2]] = found[3]
        slots = {str(number): slot for slot, number in PARTITIONS.items()}
        default = slots.get(values.get(("all", "boot_partition"), ""))
        tried = slots.get(values.get(("tryboot", "boot_partition"), ""))
        if default is None or tried is None or values.get(("all", "tryboot_a_b")) != "1":
            raise BootStateError(f"{FILE} does not name the partitions of the slots")
        return cls(default, tried, values.get(("none", "edge_armed")) == "1")

    def pack(self) -> bytes:
        """Return the file: one sector."""
        lines = (
            "[all]",
            "tryboot_a_b=1",
            f"boot_partition={PARTITIONS[self.default]}",
            "[tryboot]",
            f"boot_partition={PARTITIONS[self.tried]}",
            "[none]",
            f"edge_armed={int(self.is_armed)}",
        )
        text = "".join(f"{line}\n" for line in lines).encode()
        return text.ljust(SECTOR_BYTES, b"\n")


class TrybootControl(Running):
    """`BootControl` over `autoboot.txt`.

    Args:
        storage: The first partition of the disk, which holds the file.
        current: The slot that runs, from the partition that the firmware says it has started.
        restart: Where init looks for the word that a restart is to have.
    """

    def __init__(
        self, storage: Storage, *, current: Callable[[], str], restart: Path = RESTART
    ) -> None:
        self._storage = storage
        self._restart = restart
        named = current().strip()
        if named not in SLOTS:
            raise BootStateError(f"the slot that runs is not known: {named!r}")
        self._current = "a" if named == "a" else "b"

    def state(self) -> BootState:
        """Return what the firmware would see now, as far as it is in the file.

        Raises:
            BootStateError: The file can not be read, or does not name the slots.
        """
        found = self._read()
        if found.tried == found.default:
            order: tuple[Slot, ...] = (found.default,)
        elif found.is_armed:
            order = (found.tried, found.default)
        else:
            order = (found.default, found.tried)
        left = dict.fromkeys(SLOTS, EMPTY_LEFT) | dict.fromkeys(order, COMMITTED_LEFT)
        if found.is_armed:
            left[found.tried] = EMPTY_LEFT if self._current == found.tried else TRIES
        return BootState(1, order, left)

    def arm(self, slot: Slot, tries: int = ARMED_LEFT) -> None:
        """Let the next start be of `slot`, once; a slot that is the default needs no try.

        Raises:
            BootStateError: The file can not be read or written, or `tries` is not 1 to 9.
        """
        if not 1 <= tries <= COMMITTED_LEFT:
            raise BootStateError(f"cannot arm slot {slot} for {tries} starts")
        found = self._read()
        if slot == found.default:
            self._forget_restart()
            self._write(Autoboot(slot, other_slot(slot)))
            return
        self._write(Autoboot(found.default, slot, is_armed=True))
        try:
            self._restart.write_text(f"{ARGUMENT}\n")
        except OSError as error:
            raise BootStateError(f"{self._restart}: {error.strerror}") from error

    def disarm(self) -> None:
        """Let nothing start the other slot.

        Raises:
            BootStateError: The file can not be read or written.
        """
        self._forget_restart()
        self._write(Autoboot(self._current, self._current))

    def commit(self) -> None:
        """Make the slot that runs the default; a second choice stays one.

        Raises:
            BootStateError: The file can not be read or written.
        """
        self._forget_restart()
        second = self.other() if self.other() in self.state().order else self._current
        self._write(Autoboot(self._current, second))

    def _forget_restart(self) -> None:
        with suppress(OSError):
            self._restart.unlink(missing_ok=True)

    def _read(self) -> Autoboot:
        volume = Volume(self._storage)
        return Autoboot.unpack(b"".join(volume.read(volume.find(FILE))))

    def _write(self, wanted: Autoboot) -> None:
        volume = Volume(self._storage)
        entry = volume.find(FILE)
        if entry.length_bytes != SECTOR_BYTES:
            raise BootStateError(f"{FILE} has {entry.length_bytes} bytes, not {SECTOR_BYTES}")
        volume.write_over(entry, iter((wanted.pack(),)))
