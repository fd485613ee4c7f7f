"""The block map of a patch: which blocks of the new image are copies of blocks of the old one.

What is not copied is *fresh*: the fresh bytes, in their order, are what the other units make. They
are made from the *source*: the old image with the blocks that the map never copies put first, as
what replaced them is most like them.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from edge_signing.errors import FormatError
from edge_signing.formats import varint
from edge_signing.formats.patch import BLOCK_BYTES, merged

IMAGE_MOST_BYTES: Final = 1 << 43
RUNS_MOST: Final = 1 << 16
MAP_MOST_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Run:
    """Fresh blocks, then blocks copied from the old image from the block `source` on."""

    fresh: int
    copied: int
    source: int


@dataclass(frozen=True, slots=True)
class BlockMap:
    """A whole map; only the last run may copy nothing.

    Attributes:
        old_bytes: Length of the old image.
        new_bytes: Length of the new image.
        fresh, copied, sources: The runs, by columns.
    """

    old_bytes: int
    new_bytes: int
    fresh: "array[int]"
    copied: "array[int]"
    sources: "array[int]"

    @classmethod
    def unpack(cls, data: bytes) -> "BlockMap":
        """Return the map that `data` (decoded) stands for.

        Raises:
            FormatError: It does not cover the new image exactly, or copies what is not there.
        """
        numbers = iter(varint.unpack(data))
        try:
            old_bytes, new_bytes = next(numbers), next(numbers)
            if max(old_bytes, new_bytes) > IMAGE_MOST_BYTES:
                raise FormatError("block map: an image of more than 8 TiB")
            unpacked = cls(old_bytes, new_bytes, array("I"), array("I"), array("I"))
            unpacked._fill(numbers)
        except StopIteration:
            raise FormatError("block map: ends before the new image does") from None
        if next(numbers, None) is not None:
            raise FormatError("block map: goes on after the end of the new image")
        return unpacked

    def _fill(self, numbers: Iterator[int]) -> None:
        done, expected, blocks = 0, 0, blocks_of(self.new_bytes)
        while done < blocks:
            fresh = next(numbers)
            copied = next(numbers) if fresh < blocks - done else 0
            source = expected + fresh + varint.unfolded(next(numbers)) if copied else 0
            done += fresh + copied
            self._check(done, fresh, copied, source)
            self.fresh.append(fresh)
            self.copied.append(copied)
            self.sources.append(source)
            expected = source + copied

    def _check(self, done: int, fresh: int, copied: int, source: int) -> None:
        if done > blocks_of(self.new_bytes):
            raise FormatError("block map: goes beyond the end of the new image")
        if not copied and done < blocks_of(self.new_bytes):
            raise FormatError("block map: a run copies nothing")
        copied_bytes = min(copied * BLOCK_BYTES, self.new_bytes - (done - copied) * BLOCK_BYTES)
        if source < 0 or (copied and source * BLOCK_BYTES + copied_bytes > self.old_bytes):
            raise FormatError(f"block map: block {source} is not in the old image")
        if self.fresh and not fresh and source == self.sources[-1] + self.copied[-1]:
            raise FormatError("block map: a run goes on where the last one ended")
        if len(self.fresh) >= RUNS_MOST:
            raise FormatError(f"block map: more than {RUNS_MOST} runs")

    def pack(self) -> bytes:
        """Return the bytes of this map, before they are compressed."""
        numbers = [self.old_bytes, self.new_bytes]
        expected = 0
        for run in self.runs():
            numbers.append(run.fresh)
            if run.copied:
                shift = run.source - expected - run.fresh
                numbers += [run.copied, varint.folded(shift)]
            expected = run.source + run.copied
        return varint.pack(numbers)

    def runs(self) -> Iterator[Run]:
        """Give the runs in the order of the new image."""
        for fresh, copied, source in zip(self.fresh, self.copied, self.sources, strict=True):
            yield Run(fresh, copied, source)

    @property
    def fresh_bytes(self) -> int:
        """How many bytes of the new image are not copied."""
        blocks = sum(self.fresh)
        ends_fresh = bool(self.fresh) and not self.copied[-1]
        return blocks * BLOCK_BYTES - (-self.new_bytes % BLOCK_BYTES if ends_fresh else 0)

    def source(self) -> "Source":
        """Return the source of the fresh bytes."""
        copied = merged(
            [(run.source, run.source + run.copied) for run in self.runs() if run.copied]
        )
        edges = [0, *(edge for pair in copied for edge in pair), blocks_of(self.old_bytes)]
        replaced = list(zip(edges[::2], edges[1::2], strict=True))
        copied_bytes = sum(
            min(end * BLOCK_BYTES, self.old_bytes) - begin * BLOCK_BYTES for begin, end in copied
        )
        return Source.of([*replaced, *copied], self.old_bytes, self.old_bytes - copied_bytes)


@dataclass(frozen=True, slots=True)
class Source:
    """The old image in another order: ranges of it, one after the other.

    Attributes:
        starts: Where in the source each range begins.
        offsets: Where it begins in the old image, in bytes.
        old_bytes: Length of the old image, and of the source.
        replaced_bytes: How much of the begin of the source the map never copies.
    """

    starts: "array[int]"
    offsets: "array[int]"
    old_bytes: int
    replaced_bytes: int

    @classmethod
    def of(cls, blocks: list[tuple[int, int]], old_bytes: int, replaced_bytes: int) -> "Source":
        """Return the source made of ranges of blocks (begin, end)."""
        starts, offsets = array("Q"), array("Q")
        position = 0
        for begin, end in blocks:
            begin_bytes, end_bytes = begin * BLOCK_BYTES, min(end * BLOCK_BYTES, old_bytes)
            if end_bytes > begin_bytes:
                starts.append(position)
                offsets.append(begin_bytes)
                position += end_bytes - begin_bytes
        return cls(starts, offsets, old_bytes, replaced_bytes)

    def pieces(self, position: int, length: int) -> Iterator[tuple[int, int]]:
        """Give the parts (offset in the old image, length) of a range of the source."""
        index = bisect_right(self.starts, position) - 1
        while length:
            after = index + 1
            end = self.starts[after] if after < len(self.starts) else self.old_bytes
            part = min(length, end - position)
            yield self.offsets[index] + position - self.starts[index], part
            position, length, index = position + part, length - part, after


def blocks_of(length_bytes: int) -> int:
    """Return how many blocks, the last one perhaps short, so many bytes are."""
    return -(-length_bytes // BLOCK_BYTES)
