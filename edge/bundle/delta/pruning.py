"""Which copies are worth their cost: the others are left to the copies around them, or literals."""

from collections.abc import Iterable
from typing import Final

import numpy as np

from edge.bundle.delta.likeness import Copy, Pair, best

_WORTH_BYTES: Final = 24
_REACH_BYTES: Final = 64 << 10
_LONG_BYTES: Final = 256 << 10


def keep(found: Iterable[Copy], kept: list[Copy], pair: Pair) -> None:
    """Add the copies that save more than their operation costs to those kept before.

    A copy that has hardly more equal bytes than the one before it would have in its place is
    dropped, and that one goes on.
    """
    for copy in found:
        before = kept.pop() if kept else None
        kept += _joined(before, copy, pair)


def _joined(before: Copy | None, copy: Copy, pair: Pair) -> list[Copy]:
    """Return what is left of a copy and the one before it."""
    if before is None or copy.end - before.end > _LONG_BYTES:
        return [*([before] if before else []), *([copy] if _gain(copy, pair, 0) else [])]
    equal = pair.equal(before.end, copy.end, before.shift)
    ahead = best(equal)
    longer = Copy(before.begin, before.end + ahead, before.shift)
    if copy.shift == before.shift:
        return [longer] if longer.end == copy.end else [before, copy]
    had = int(np.count_nonzero(equal[copy.begin - before.end : ahead]))
    return [before, copy] if _gain(copy, pair, had) else [longer]


def _gain(copy: Copy, pair: Pair, had: int) -> bool:
    """Tell whether a copy is worth it where another one has `had` equal bytes."""
    if copy.end - copy.begin > _LONG_BYTES:
        return True
    equal = int(np.count_nonzero(pair.equal(copy.begin, copy.end, copy.shift)))
    mostly = equal * 2 >= copy.end - copy.begin or equal >= 2 * _WORTH_BYTES
    return mostly and equal - had >= _WORTH_BYTES


def filled(kept: Iterable[Copy], pair: Pair) -> list[Copy]:
    """Return copies that go back over the literals before them as far as is good."""
    longer: list[Copy] = []
    end = 0
    for copy in kept:
        begin = max(end, copy.begin - _REACH_BYTES, -copy.shift)
        behind = best(pair.equal(begin, copy.begin, copy.shift)[::-1])
        longer.append(Copy(copy.begin - behind, copy.end, copy.shift))
        end = copy.end
    return longer
