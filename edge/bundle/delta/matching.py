"""Exact matches between a window of the source and a chunk of the fresh bytes.

One suffix array over both; the neighbours of each fresh suffix that are source suffixes have its
longest match among them. Where neighbours keep their distance from one place to the next, they
are one match. Everything is a pass over whole arrays; memory is some 12 bytes for each byte.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pydivsufsort
from numpy.typing import NDArray

from edge.bundle.delta.mapped import Bytes

SHORTEST_BYTES: Final = 8
_SLICE: Final = 1 << 20
_ROWS: Final = 1 << 16

Places = NDArray[np.int32]
Numbers = NDArray[np.int32] | NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Matches:
    """Equal bytes, by columns, in the order of their begin: of equal ones the longest first.

    Attributes:
        begins, ends: In the chunk.
        shifts: Place in the window less the place in the chunk.
    """

    begins: Numbers
    ends: Numbers
    shifts: Numbers

    def rows(self) -> Iterator[tuple[int, int, int]]:
        """Give each match; numbers of Python are made of a few at a time."""
        for at in range(0, len(self.begins), _ROWS):
            part = slice(at, at + _ROWS)
            yield from zip(
                self.begins[part].tolist(),
                self.ends[part].tolist(),
                self.shifts[part].tolist(),
                strict=True,
            )


def matches(window: Bytes, chunk: Bytes) -> Matches:
    """Return the matches of at least `SHORTEST_BYTES` bytes."""
    if len(window) < SHORTEST_BYTES or len(chunk) < SHORTEST_BYTES:
        empty = np.empty(0, np.int32)
        return Matches(empty, empty, empty)
    text = np.concatenate([window, chunk, np.zeros(SHORTEST_BYTES, np.uint8)])
    total = len(window) + len(chunk)
    order: Places = pydivsufsort.divsufsort(text[:total])
    found = [
        _runs(text, total, len(window), _neighbours(way, len(window), len(chunk)))
        for way in (order, order[::-1])
    ]
    del order
    begins, ends, shifts = (np.concatenate(column) for column in zip(*found, strict=True))
    rank = np.argsort(begins, kind="stable")
    rank = rank[_reaches_further(ends[rank])]
    return Matches(begins[rank], ends[rank], shifts[rank])


def _reaches_further(ends: Places) -> NDArray[np.bool_]:
    """Return which matches, in the order of their begin, are not inside of one before."""
    furthest = np.maximum.accumulate(ends)
    further = np.ones(len(ends), np.bool_)
    further[1:] = ends[1:] > furthest[:-1]
    return further


def _neighbours(order: Places, window_bytes: int, chunk_bytes: int) -> Places:
    """Return for each place of the chunk the source suffix next before it in the order."""
    near = np.zeros(chunk_bytes, np.int32)
    last = 0
    for part in _slices(order):
        rank = np.where(part < window_bytes, np.arange(1, len(part) + 1, dtype=np.int32), 0)
        rank = np.maximum.accumulate(rank)
        places = np.concatenate([np.array([last], np.int32), part])[rank]
        of_chunk = part >= window_bytes
        near[part[of_chunk] - window_bytes] = places[of_chunk]
        last = int(places[-1])
    return near


def _slices(order: Places) -> Iterator[Places]:
    for begin in range(0, len(order), _SLICE):
        yield order[begin : begin + _SLICE]


def _runs(
    text: Bytes, total: int, window_bytes: int, near: Places
) -> "tuple[Places, Places, Places]":
    """Return the matches (begins, ends, shifts) that neighbours are part of."""
    words = np.ndarray((total,), np.uint64, text, strides=(1,))
    equal = near <= window_bytes - SHORTEST_BYTES
    equal[len(near) - SHORTEST_BYTES + 1 :] = False
    for begin in range(0, len(near), _SLICE):
        part = slice(begin, min(begin + _SLICE, len(near)))
        equal[part] &= words[near[part]] == words[window_bytes:][part]
    near -= np.arange(len(near), dtype=np.int32)
    goes_on = equal[1:] & equal[:-1]
    goes_on &= near[1:] == near[:-1]
    begin_here, end_here = equal.copy(), equal
    begin_here[1:] &= ~goes_on
    end_here[:-1] &= ~goes_on
    begins = np.flatnonzero(begin_here).astype(np.int32)
    ends = np.flatnonzero(end_here).astype(np.int32) + np.int32(SHORTEST_BYTES)
    return begins, ends, near[begins]
