"""What the device must never go below: rollback counter, version of targets.json, and time.

Kept twice outside slots and data, so that no fall-back, update or new data partition lowers it.
Only the version of targets.json is ever lowered: when a later root gave its role other keys, so
that it is void (`edge_signing.trust.sighting`).
Only the copy that does not count is written, whole and synced, and read back.
"""

from dataclasses import dataclass, replace
from typing import Protocol

from edge_agent.boot.storage import Storage
from edge_agent.boot.uboot import Copies
from edge_agent.errors import BootStateError, CountersError
from edge_signing.errors import FormatError
from edge_signing.formats import trust_state
from edge_signing.formats.trust_state import TrustState
from edge_signing.trust.sighting import UNSEEN, Sighting


@dataclass(frozen=True, slots=True)
class Floor:
    """What the device must never go below.

    Attributes:
        counter: The rollback counter.
        targets: The sighting of targets.json.
        floor_s: A time that has passed, in seconds since 1970.
    """

    counter: int = 0
    targets: Sighting = UNSEEN
    floor_s: int = 0

    def raised(self, other: "Floor") -> "Floor":
        """Return the higher of the two, each by each; see `Sighting.raised`."""
        return Floor(
            max(self.counter, other.counter),
            self.targets.raised(other.targets),
            max(self.floor_s, other.floor_s),
        )


class Counters(Protocol):
    """The floor and the last armed action. A power cut leaves the state before or after a call."""

    def floor(self) -> Floor:
        """Return what counts now: what is stored, and not below what runs."""

    def complaint(self) -> str:
        """Return why the stored state is not used, or one copy of it is all that is left.

        Empty when all is well, or nothing was ever written.
        """

    def is_blank(self) -> bool:
        """Return whether the state was never written: the first start of a device."""

    def begin(self) -> None:
        """Write a first state that forbids nothing, so that it is blank no more."""

    def raise_to(self, floor: Floor) -> None:
        """Raise what is lower; nothing is lowered but a version that is void."""

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
        if trust_state.newest_index(copies.data) is not None:
            return copies.reason
        if trust_state.is_blank(copies.data):
            return ""
        told = "trust state: no copy is valid, the floor of the running system counts"
        return f"{told} ({copies.reason})" if copies.reason else told

    def is_blank(self) -> bool:
        """See `Counters`; what cannot be read is not blank."""
        try:
            return trust_state.is_blank(self._copies().data)
        except CountersError:
            return False

    def begin(self) -> None:
        """See `Counters`.

        Raises:
            CountersError: The state cannot be written.
        """
        self._write(0, TrustState(1))

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
                    targets_version=new.targets.version,
                    root_version=new.targets.root_version,
                    targets_threshold=new.targets.threshold,
                    targets_keys=new.targets.keys,
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

    def _copies(self) -> Copies:
        offsets_bytes = trust_state.COPY_OFFSETS_BYTES
        try:
            return Copies.read(self._storage, offsets_bytes, trust_state.COPY_BYTES)
        except BootStateError as error:
            raise CountersError(error.reason) from error

    def _read(self) -> tuple[int, TrustState]:
        copies = self._copies().data
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
    return Floor(state.counter, state.targets, state.floor_s)
