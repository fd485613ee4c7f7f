"""Long byte strings that lie in pieces of an image, read by position."""

from array import array
from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from edge.bundle.delta.mapped import Bytes
from edge_signing.formats.patch import BLOCK_BYTES
from edge_signing.formats.patch_map import BlockMap, Source


@dataclass(frozen=True, slots=True)
class Row:
    """Ranges of an image, one after the other.

    Attributes:
        image: Where they lie; may be mapped from a file of any length.
        starts: Where in the row each range begins.
        offsets: Where it begins in the image.
        length: Of the row.
    """

    image: Bytes
    starts: "array[int]"
    offsets: "array[int]"
    length: int

    def read(self, begin: int, end: int) -> Bytes:
        """Return the bytes from `begin` to `end`, which the row has."""
        index = bisect_right(self.starts, begin) - 1
        after = index + 1
        if after >= len(self.starts) or end <= self.starts[after]:
            shift = self.offsets[index] - self.starts[index] if self.starts else 0
            return self.image[begin + shift : end + shift]
        parts: list[Bytes] = []
        while begin < end:
            stop = self.starts[after] if after < len(self.starts) else self.length
            part = min(end, stop) - begin
            shift = self.offsets[after - 1] - self.starts[after - 1]
            parts.append(self.image[begin + shift : begin + shift + part])
            begin, after = begin + part, after + 1
        return np.concatenate(parts)


def source_row(source: Source, old: Bytes) -> Row:
    """Return the source of a patch."""
    return Row(old, source.starts, source.offsets, source.old_bytes)


def fresh_row(block_map: BlockMap, new: Bytes) -> Row:
    """Return the fresh bytes of a new image."""
    starts, offsets = array("Q"), array("Q")
    at = block = 0
    for run in block_map.runs():
        if run.fresh:
            starts.append(at * BLOCK_BYTES)
            offsets.append(block * BLOCK_BYTES)
        at += run.fresh
        block += run.fresh + run.copied
    return Row(new, starts, offsets, block_map.fresh_bytes)
