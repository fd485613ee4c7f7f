"""Boot control for boards whose U-Boot script keeps the state in the partition `bootstate`.

Only the copy that does not count is written, whole and synced, and read back: a power cut at any
point leaves the other copy, which is what held before.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edge_agent.boot.control import Running, other_slot, slot_of
from edge_agent.boot.storage import Storage
from edge_agent.errors import BootStateError
from edge_signing.errors import FormatError
from edge_signing.formats import boot_state
from edge_signing.formats.boot_state import (
    ARMED_LEFT,
    COMMITTED_LEFT,
    EMPTY_LEFT,
    BootState,
    Slot,
)


@dataclass(frozen=True, slots=True)
class Copies:
    """What is kept in several places, so that one is enough.

    Attributes:
        data: By place; nothing of a copy that can not be read, which is then no valid one.
        reason: Why one can not be read; empty when all can.
    """

    data: list[bytes]
    reason: str

    @classmethod
    def read(cls, storage: Storage, offsets_bytes: Sequence[int], length_bytes: int) -> "Copies":
        """Return the copies as they are on the medium.

        Raises:
            BootStateError: None can be read.
        """
        data: list[bytes] = []
        failures: list[BootStateError] = []
        for offset_bytes in offsets_bytes:
            try:
                data.append(storage.read(offset_bytes, length_bytes))
            except BootStateError as error:
                data.append(b"")
                failures.append(error)
        if len(failures) == len(offsets_bytes):
            raise failures[0]
        return cls(data, "; ".join(error.reason for error in failures))


class UbootControl(Running):
    """`BootControl` over the two copies of the boot state.

    Args:
        storage: The partition `bootstate`.
        command_line: What the kernel was started with, from /proc/cmdline.

    Raises:
        BootStateError: The command line names no slot.
    """

    def __init__(self, storage: Storage, *, command_line: str) -> None:
        self._storage = storage
        self._current = slot_of(command_line)

    def state(self) -> BootState:
        """Return the copy that counts.

        Raises:
            BootStateError: No copy can be read, or none is valid.
        """
        return self._read()[1]

    def arm(self, slot: Slot, tries: int = ARMED_LEFT) -> None:
        """Make `slot` the first choice for `tries` starts; the other slot keeps its own.

        Raises:
            BootStateError: The state cannot be read or written, or `tries` is not 1 to 9.
        """
        if not 1 <= tries <= COMMITTED_LEFT:
            raise BootStateError(f"cannot arm slot {slot} for {tries} starts")
        self._store(order=(slot, other_slot(slot)), slot=slot, left=tries)

    def disarm(self) -> None:
        """Take the other slot out of the order, without any start; the running one keeps its own.

        It has to be out of the order: when no start is left, the boot script gives new ones to
        each slot that is in it.

        Raises:
            BootStateError: The state cannot be read or written.
        """
        self._store(order=(self._current,), slot=self.other(), left=EMPTY_LEFT)

    def commit(self) -> None:
        """Make the slot that runs the first choice, with all its starts; safe to repeat.

        A second choice stays one; a slot that was never in the order stays out of it.

        Raises:
            BootStateError: The state cannot be read or written.
        """
        second = tuple(slot for slot in self.state().order if slot != self._current)
        self._store(order=(self._current, *second), slot=self._current, left=COMMITTED_LEFT)

    def _store(self, *, order: tuple[Slot, ...], slot: Slot, left: int) -> None:
        index, old = self._read()
        new = replace(old, order=order, left={**old.left, slot: left})
        if new != old:
            self._write(1 - index, replace(new, seq=old.seq + 1))

    def _read(self) -> tuple[int, BootState]:
        offsets_bytes = boot_state.COPY_OFFSETS_BYTES
        copies = Copies.read(self._storage, offsets_bytes, boot_state.COPY_BYTES).data
        try:
            index = boot_state.newest_index(copies)
            return index, BootState.unpack(copies[index])
        except FormatError as error:
            raise BootStateError(str(error)) from error

    def _write(self, index: int, state: BootState) -> None:
        offset_bytes = boot_state.COPY_OFFSETS_BYTES[index]
        packed = state.pack()
        self._storage.write(offset_bytes, packed)
        if self._storage.read(offset_bytes, len(packed)) != packed:
            raise BootStateError(f"boot state copy {index + 1} does not read back as written")
