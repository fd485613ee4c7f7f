"""Whose turn is when: the devices of a campaign drawn by a seed, as places in their list.

Numbers are drawn in place of names: of a million devices they take a tenth of the memory, and no
step is so long that reports would wait for it.
"""

import random
from array import array
from collections.abc import Collection, Sequence
from typing import Final

from edge.console.campaigns.plan import Wave, shares

# Turns of each wave that are drawn.
DRAWN: Final = 1000
_NONE: Final = 255


def drawn(
    total: int, named: Collection[int], waves: Sequence[Wave], seed: int, *, most: int = DRAWN
) -> dict[int, "array[int]"]:
    """Return the places of each wave by percent or count, in the order of their turns.

    Which ones they are was drawn. The first of them come as they were drawn, all others in order:
    a million rows in no order at all would cost several times as much to store.

    Args:
        total: How many devices there are.
        named: Places of those that have their wave.
        waves: Of the plan, at most 100.
        seed: By which turns are drawn.
        most: So many turns of each wave are in no order.
    """
    places = array(
        "I", (one for one in range(total) if one not in named) if named else range(total)
    )
    # No secret: the same seed gives the same turns.
    random.Random(seed).shuffle(places)  # noqa: S311
    wave_of = bytearray([_NONE]) * total
    parts: dict[int, array[int]] = {}
    begin = 0
    for share in shares(waves, len(places)):
        parts[share.wave] = places[begin : min(begin + most, share.upto)]
        for place in places[begin + most : share.upto]:
            wave_of[place] = share.wave
        begin = max(begin, share.upto)
    for place, wave in enumerate(wave_of):
        if wave != _NONE:
            parts[wave].append(place)
    return parts
