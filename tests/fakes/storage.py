"""A disk in memory with a cache that loses what was not flushed, bad blocks and a loose plug."""

import random
from dataclasses import dataclass, field

from edge.errors import LinkError
from edge.flash.transports.storage import BadBlockError

SECTOR = 512


class PowerCutError(BaseException):
    """The power was cut: nothing runs any more."""


@dataclass
class MemoryStorage:
    """What `edge.flash.transports.storage.Storage` says.

    Attributes:
        medium: What stays when the power is cut; before that, what it holds at the last flush.
        can_discard: It forgets what it held when it is told to.
        forgetful: Sectors that keep other bytes than those that were written, so many times.
        bad: Sectors that cannot be written, so many times.
        cut_at: The power is cut at this write or flush, counted from 1.
        pulled_at: The card is pulled out there.
        torn: What a cut does with writes that were not flushed: seed of a choice by sector.
    """

    medium: bytearray
    can_discard: bool = True
    forgetful: dict[int, int] = field(default_factory=dict)
    bad: dict[int, int] = field(default_factory=dict)
    cut_at: int | None = None
    pulled_at: int | None = None
    torn: int = 0
    steps: int = 0
    finished: list[bool] = field(default_factory=list)
    _cache: dict[int, bytes] = field(default_factory=dict)
    _is_gone: bool = False

    @property
    def size_bytes(self) -> int:
        return len(self.medium)

    def write(self, offset_bytes: int, memory: memoryview) -> None:
        assert offset_bytes % SECTOR == len(memory) % SECTOR == 0
        assert offset_bytes + len(memory) <= self.size_bytes
        for start in range(0, len(memory), SECTOR):
            place = offset_bytes + start
            if self.bad.get(place, 0):
                self.bad[place] -= 1
                raise BadBlockError(f"cannot write at byte {place}", place)
            data = bytes(memory[start : start + SECTOR])
            if self.forgetful.get(place, 0):
                self.forgetful[place] -= 1
                data = bytes(byte ^ 1 for byte in data)
            self._cache[place] = data
        self._step()

    def read(self, offset_bytes: int, memory: memoryview) -> None:
        self._require_there()
        assert offset_bytes % SECTOR == len(memory) % SECTOR == 0
        for start in range(0, len(memory), SECTOR):
            place = offset_bytes + start
            found = self._cache.get(place)
            memory[start : start + SECTOR] = found or self.medium[place : place + SECTOR]

    def sync(self) -> None:
        self._step()
        for place, data in self._cache.items():
            self.medium[place : place + SECTOR] = data
        self._cache.clear()

    def discard(self) -> bool:
        if self.can_discard:
            self._cache.clear()
            self.medium[:] = b"\xdd" * len(self.medium)
        return self.can_discard

    def finish(self, *, eject: bool) -> None:
        self.finished.append(eject)

    def close(self) -> None:
        """Let others have it."""

    def start_again(self) -> None:
        """Bring the power back, or the card."""
        self._cache.clear()
        self.cut_at = self.pulled_at = None
        self._is_gone = False

    def _step(self) -> None:
        self._require_there()
        self.steps += 1
        if self.steps == self.pulled_at:
            self._lose()
            self._require_there()
        if self.steps == self.cut_at:
            self._lose()
            raise PowerCutError

    def _lose(self) -> None:
        """Drop, keep or mix what was not flushed."""
        chance = random.Random(self.torn)
        for place, data in self._cache.items():
            if self.torn == 1 or (self.torn > 1 and chance.random() < 0.5):
                self.medium[place : place + SECTOR] = data
        self._cache.clear()
        self._is_gone = True

    def _require_there(self) -> None:
        if self._is_gone:
            raise LinkError("it was pulled out", hint="put it in again")
