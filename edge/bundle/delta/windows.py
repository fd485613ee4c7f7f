"""Which parts of the source a chunk of fresh bytes is compared with: memory has a bound.

When all that was replaced fits, it is all of that. Else bins of the source are chosen by votes:
samples of eight bytes, picked by their hash on both sides alike, that are found in both.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.bundle.delta.mapped import Bytes
from edge.bundle.delta.matching import Matches, matches
from edge.bundle.delta.rows import Row

CHUNK_BYTES: Final = 20 << 20
WINDOW_BYTES: Final = 28 << 20
_BIN_BYTES: Final = 1 << 20
_SAMPLES: Final = 2_000_000
_SCAN_BYTES: Final = 4 << 20
_MULTIPLIER: Final = np.uint64(0x9E37_79B9_7F4A_7C15)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Fresh bytes from `begin` on, with their matches: places in fresh bytes and source."""

    begin: int
    end: int
    matches: Matches


def chunks(
    source: Row, fresh: Row, replaced_bytes: int, release: Callable[[], None]
) -> Iterator[Chunk]:
    """Give the chunks of the fresh bytes in order.

    Args:
        source: All of the source.
        fresh: The fresh bytes.
        replaced_bytes: How much of the begin of the source was replaced.
        release: Lets go of the memory of what was read.
    """
    votes = None if replaced_bytes <= WINDOW_BYTES else _Votes(source, release)
    count = max(1, -(-fresh.length // CHUNK_BYTES))
    edges = [fresh.length * index // count for index in range(count + 1)]
    for begin, end in pairwise(edges):
        chunk = fresh.read(begin, end)
        ranges = [(0, replaced_bytes)] if votes is None else votes.ranges(chunk)
        release()
        yield Chunk(begin, end, _found(source, ranges, chunk, begin))


def _found(source: Row, ranges: list[tuple[int, int]], chunk: Bytes, begin: int) -> Matches:
    parts = [source.read(*each) for each in ranges]
    found = matches(np.concatenate(parts), chunk)
    starts = np.cumsum([0, *(len(part) for part in parts)])
    shifts = np.array([each[0] for each in ranges]) - starts[:-1]
    return _in_source(found, starts, shifts, begin)


def _in_source(
    found: Matches, starts: NDArray[np.int64], shifts: NDArray[np.int64], begin: int
) -> Matches:
    """Return matches with places in fresh bytes and source; those that leave a range are cut."""
    places = found.begins + found.shifts
    index = np.searchsorted(starts, places, side="right") - 1
    ends = np.minimum(found.ends, starts[index + 1] - found.shifts)
    begins, ends = (places.astype(np.int64) + begin for places in (found.begins, ends))
    return Matches(begins, ends, found.shifts + (shifts[index] - begin))


class _Votes:
    """Samples of the whole source."""

    def __init__(self, source: Row, release: Callable[[], None]) -> None:
        self._bits = max(0, int(np.ceil(np.log2(max(1, source.length / _SAMPLES)))))
        found: list[tuple[NDArray[np.uint64], NDArray[np.int64]]] = []
        for begin in range(0, source.length, _SCAN_BYTES):
            found.append(_samples(source, begin, self._bits))
            release()
        keys = np.concatenate([keys for keys, _places in found])
        places = np.concatenate([places for _keys, places in found])
        rank = np.argsort(keys, kind="stable")
        self._keys, self._places = keys[rank], places[rank]
        self._source_bytes = source.length

    def ranges(self, chunk: Bytes) -> list[tuple[int, int]]:
        """Return the ranges of the source with the most votes, ascending, of bounded length."""
        keys = np.unique(_keys(chunk, self._bits)[0])
        left = np.searchsorted(self._keys, keys, side="left")
        count = np.searchsorted(self._keys, keys, side="right") - left
        rare = (count > 0) & (count <= 8)
        left, count = left[rare], count[rare]
        offsets = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        places = self._places[np.repeat(left, count) + offsets]
        bins = -(-self._source_bytes // _BIN_BYTES)
        votes = np.bincount(
            places // _BIN_BYTES, weights=1 / np.repeat(count, count), minlength=bins
        )
        best = np.sort(np.argsort(-votes, kind="stable")[: WINDOW_BYTES // _BIN_BYTES])
        return _joined(best, self._source_bytes)


def _joined(bins: NDArray[np.int64], source_bytes: int) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for index in bins.tolist():
        begin, end = index * _BIN_BYTES, min((index + 1) * _BIN_BYTES, source_bytes)
        if ranges and ranges[-1][1] == begin:
            ranges[-1] = (ranges[-1][0], end)
        else:
            ranges.append((begin, end))
    return ranges


def _samples(source: Row, begin: int, bits: int) -> "tuple[NDArray[np.uint64], NDArray[np.int64]]":
    keys, places = _keys(source.read(begin, min(begin + _SCAN_BYTES, source.length)), bits)
    unique, first = np.unique(keys, return_index=True)
    return unique, places[first] + begin


def _keys(data: Bytes, bits: int) -> "tuple[NDArray[np.uint64], NDArray[np.int64]]":
    """Return the samples of some bytes, and their places."""
    if len(data) < 8:
        return np.empty(0, np.uint64), np.empty(0, np.int64)
    whole = np.ascontiguousarray(data)
    words = np.ndarray((len(data) - 7,), np.uint64, whole, strides=(1,))
    hashes = words * _MULTIPLIER
    places = np.flatnonzero(hashes >> np.uint64(64 - bits) == 0) if bits else np.arange(len(words))
    return words[places], places
