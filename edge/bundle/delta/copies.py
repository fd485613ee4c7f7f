"""Which matches become copies: a walk that keeps its shift until another is clearly better.

The method is that of Percival's bsdiff: a copy goes on over differing bytes as long as at least
half of them are equal, and borders between two copies lie where most bytes are equal.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np

from edge.bundle.delta import pruning
from edge.bundle.delta.likeness import Copy, Pair, best, longest
from edge.bundle.delta.rows import Row
from edge.bundle.delta.windows import Chunk

_BETTER_BYTES: Final = 2
_BEHIND_MOST_BYTES: Final = 1 << 20


def copies(source: Row, fresh: Row, found: Iterable[Chunk]) -> list[Copy]:
    """Return the copies worth their cost, ascending and without overlaps."""
    walk, kept = _Walk(source, fresh), list[Copy]()
    for chunk in found:
        walk.go(chunk)
        del chunk
        pruning.keep(walk.taken(), kept, walk.pair)
    walk.end()
    pruning.keep(walk.taken(), kept, walk.pair)
    return pruning.filled(kept, walk.pair)


class _Walk:
    """One pass over the matches in the order of the fresh bytes."""

    def __init__(self, source: Row, fresh: Row) -> None:
        self.pair = Pair(source, fresh)
        self._copies: list[Copy] = []
        self._begin = 0
        self._shift: int | None = None
        self._exact_end = 0

    def go(self, chunk: Chunk) -> None:
        """Take the matches of the next chunk."""
        for begin, end, shift in chunk.matches.rows():
            if shift == self._shift:
                self._exact_end = max(self._exact_end, end)
            elif end > self._exact_end + _BETTER_BYTES and self._is_better(begin, end):
                self._turn(begin, shift)
                self._shift, self._exact_end = shift, end

    def end(self) -> None:
        """End the copy at hand: there are no more matches."""
        self._turn(self.pair.fresh.length, None)

    def taken(self) -> list[Copy]:
        """Return the copies that ended since this was last asked."""
        taken, self._copies = self._copies, []
        return taken

    def _is_better(self, begin: int, end: int) -> bool:
        """Tell whether a match beats what the shift at hand has equal there."""
        equal = self.pair.equal(begin, end, self._shift)
        return end - begin > int(np.count_nonzero(equal)) + _BETTER_BYTES

    def _turn(self, at: int, shift: int | None) -> None:
        """End the copy at hand before `at`, and begin one with another shift as early as good."""
        ahead = self.pair.reach(self._begin, at, self._shift)
        behind = 0
        if shift is not None and at + shift > 0:
            behind = best(
                self.pair.equal(max(self._begin, at - _BEHIND_MOST_BYTES), at, shift)[::-1]
            )
        end, begin = self._begin + ahead, at - behind
        if end > begin:
            end = begin = begin + self._border(begin, end, shift)
        if self._shift is not None and end > self._begin:
            self._copies.append(Copy(self._begin, end, self._shift))
        self._begin = begin

    def _border(self, begin: int, end: int, shift: int | None) -> int:
        """Return how many bytes of an overlap are better left to the copy at hand."""
        mine = self.pair.equal(begin, end, self._shift).view(np.int8)
        other = self.pair.equal(begin, end, shift).view(np.int8)
        return longest(np.cumsum(mine - other, dtype=np.int32))
