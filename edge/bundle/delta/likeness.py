"""How like fresh bytes and bytes of the source are, and how far that goes."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.bundle.delta.rows import Row

_SLICE_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Copy:
    """Fresh bytes from `begin` to `end` that are like those of the source `shift` further."""

    begin: int
    end: int
    shift: int


@dataclass(frozen=True, slots=True)
class Pair:
    """The two rows that are compared."""

    source: Row
    fresh: Row

    def equal(self, begin: int, end: int, shift: int | None) -> NDArray[np.bool_]:
        """Return which bytes a shift has equal; fewer where the source begins or ends."""
        if shift is None:
            return np.empty(0, np.bool_)
        begin, end = max(begin, -shift), min(end, self.source.length - shift)
        if begin >= end:
            return np.empty(0, np.bool_)
        old = self.source.read(begin + shift, end + shift)
        return np.equal(self.fresh.read(begin, end), old)

    def reach(self, begin: int, end: int, shift: int | None) -> int:
        """Return how far after `begin` a shift is best; memory does not grow with the range."""
        total = best_total = reached = 0
        for at in range(begin, end, _SLICE_BYTES):
            scores = _scores(self.equal(at, min(at + _SLICE_BYTES, end), shift))
            if len(scores) and total + int(scores.max()) > best_total:
                best_total = total + int(scores.max())
                reached = at - begin + int(np.argmax(scores)) + 1
            total += int(scores[-1]) if len(scores) else 0
        return reached


def best(equal: NDArray[np.bool_]) -> int:
    """Return the length with the most equal bytes over differing ones."""
    return longest(_scores(equal))


def longest(scores: NDArray[np.int32]) -> int:
    """Return the length with the highest score, if that is above 0."""
    if not len(scores):
        return 0
    place = int(np.argmax(scores))
    return place + 1 if scores[place] > 0 else 0


def _scores(equal: NDArray[np.bool_]) -> NDArray[np.int32]:
    return np.cumsum(2 * equal.view(np.int8) - 1, dtype=np.int32)
