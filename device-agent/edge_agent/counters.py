"""What the device must never go below: rollback counter, version of targets.json, and time.

Kept twice outside slots and data, so that no fall-back, reinstall or new data partition lowers it.
Only the copy that does not count is written, whole and synced, and read back.
"""

from dataclasses import dataclass, replace
from typing import Protocol

from edge_agent.boot.uboot import Storage
from edge_agent.errors import BootStateError, CountersError
from edge_signing.errors import FormatError
from edge_signing.formats import trust_state
from edge_signing.formats.trust_state import TrustState


@dataclass(frozen=True, slots=True)
class Floor:
    """What the device must never go below."""

    counter: int = 0
    targets_version: int = 0
    floor_s: int = 0

    def raised(self, other: "Floor") -> "Floor":
        """Return the higher of the two, each by each."""
        return Floor(
            max(self.counter, other.counter),
            max(self.targets_version, other.targets_version),
            max(self.floor_s, other.floor_s),
        )


class Counters(Protocol):
    """The floor and the last armed action. A power cut leaves the state before or after a call."""

    def floor(self) -> Floor:
        """Return what counts now: what is stored, and not below what runs."""

    def complaint(self) -> str:
        """Return why the stored state is not used, empty when it is, or was never written."""

    def raise_to(self, floor: Floor) -> None:
        """Raise what is lower; nothing is ever lowered."""

    def armed(self) -> bytes:
        """Return the mark of what was last armed, zeros for nothing."""

    def set_armed(self, mark: bytes) -> None:
        """Keep the mark of what will be armed: 32 bytes."""


class StoredCounters:
    """`Counters` in the partition `bootstate`.

    Args:
        storage: The partition.
        running: The floor of the system that runs: its own counter, and when it was built.
    """

    def __init__(self, storage: Storage, *, running: Floor) -> None:
        self._storage = storage
        self._running = running

    def floor(self) -> Floor:
        """See `Counters`; what cannot be read does not count."""
        try:
            state = self._read()[1]
        except CountersError:
            return self._running
        return _floor_of(state).raised(self._running)

    def complaint(self) -> str:
        """See `Counters`."""
        try:
            copies = self._copies()
        except CountersError as error:
            return error.reason
        if trust_state.newest_index(copies) is None and not trust_state.is_blank(copies):
            return "trust state: no copy is valid, the floor of the running system counts"
        return ""

    def raise_to(self, floor: Floor) -> None:
        """See `Counters`.

        Raises:
            CountersError: The state cannot be read or written.
        """
        index, old = self._read()
        new = _floor_of(old).raised(self._running).raised(floor)
        if new != _floor_of(old):
            self._write(
                1 - index,
                replace(
                    old,
                    seq=old.seq + 1,
                    counter=new.counter,
                    targets_version=new.targets_version,
                    floor_s=new.floor_s,
                ),
            )

    def armed(self) -> bytes:
        """See `Counters`; zeros if it cannot be read."""
        try:
            return self._read()[1].armed
        except CountersError:
            return trust_state.NOTHING_ARMED

    def set_armed(self, mark: bytes) -> None:
        """See `Counters`.

        Raises:
            CountersError: The state cannot be read or written.
        """
        index, old = self._read()
        if old.armed != mark:
            self._write(1 - index, replace(old, seq=old.seq + 1, armed=mark))

    def _copies(self) -> list[bytes]:
        try:
            return [
                self._storage.read(offset_bytes, trust_state.COPY_BYTES)
                for offset_bytes in trust_state.COPY_OFFSETS_BYTES
            ]
        except BootStateError as error:
            raise CountersError(error.reason) from error

    def _read(self) -> tuple[int, TrustState]:
        copies = self._copies()
        index = trust_state.newest_index(copies)
        if index is None:  # the first copy is written next
            return 1, TrustState(1)
        return index, TrustState.unpack(copies[index])

    def _write(self, index: int, state: TrustState) -> None:
        offset_bytes = trust_state.COPY_OFFSETS_BYTES[index]
        try:
            packed = state.pack()
            self._storage.write(offset_bytes, packed)
            found = self._storage.read(offset_bytes, len(packed))
        except (BootStateError, FormatError) as error:
            raise CountersError(str(error)) from error
        if found != packed:
            raise CountersError(f"trust state copy {index + 1} does not read back as written")


def _floor_of(state: TrustState) -> Floor:
    return Floor(state.counter, state.targets_version, state.floor_s)
