"""The block map of two images: blocks that are equal are copied, the others are fresh.

An equal block is taken from where the copy before goes on, else from the nearest place: neighbours
stay neighbours, and runs are few.
"""

import hashlib
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from edge.bundle.delta.mapped import Mapped
from edge_signing.formats.patch import BLOCK_BYTES
from edge_signing.formats.patch_map import RUNS_MOST, BlockMap


def block_map(old: Mapped, new: Mapped) -> BlockMap:
    """Return the map with the most copied blocks that has no more runs than the format allows."""
    sources = _sources(old, new)
    shortest = 1
    while True:
        mapped = _map(_runs(sources, shortest), len(old.data), len(new.data))
        if len(mapped.fresh) < RUNS_MOST:
            return mapped
        shortest *= 2


def _digests(image: Mapped) -> Iterator[bytes]:
    for block in image.pieces(BLOCK_BYTES):
        yield hashlib.blake2b(block.data, digest_size=16).digest()


def _sources(old: Mapped, new: Mapped) -> list[int]:
    """Return for each block of the new image where it lies in the old one, or -1."""
    places: dict[bytes, list[int]] = {}
    for index, digest in enumerate(_digests(old)):
        places.setdefault(digest, []).append(index)
    sources: list[int] = []
    expected = 0
    for digest in _digests(new):
        found = _nearest(places.get(digest, ()), expected)
        sources.append(found)
        expected = (found if found >= 0 else expected) + 1
    return sources


def _nearest(places: Sequence[int], expected: int) -> int:
    if not places:
        return -1
    index = bisect_left(places, expected)
    near = places[max(0, index - 1) : index + 1]
    return min(near, key=lambda place: (abs(place - expected), place))


def _runs(sources: list[int], shortest: int) -> Iterator[tuple[int, int, int]]:
    """Give runs (fresh, copied, source), with copies of fewer blocks than `shortest` left out."""
    fresh = copied = source = 0
    for place in [*sources, -2]:
        if copied and place == source + copied:
            copied += 1
            continue
        if copied >= shortest:
            yield fresh, copied, source
            fresh = copied = 0
        fresh, copied = fresh + copied, 0
        if place >= 0:
            source, copied = place, 1
        elif place == -1:
            fresh += 1
    if fresh:
        yield fresh, 0, 0


def _map(runs: Iterator[tuple[int, int, int]], old_bytes: int, new_bytes: int) -> BlockMap:
    columns = array("I"), array("I"), array("I")
    for run in runs:
        for column, value in zip(columns, run, strict=True):
            column.append(value)
    return BlockMap(old_bytes, new_bytes, *columns)
