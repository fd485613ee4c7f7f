"""What is sent to a board at a time: runs of the image that fit its memory.

Short gaps between spans are closed with zeros, as the blocks of a gap hold nothing that counts. The
first MiB has the partition table: it is a piece of its own, cleared first and written last, so that
a disk is never half valid.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from edge.flash.spans import ALIGN_BYTES, Span

HEAD_BYTES: Final = 1 << 20
GAP_BYTES: Final = 1 << 18  # as gzip it takes less time than the commands for one more piece


@dataclass(frozen=True, slots=True)
class Run:
    """Bytes of the image that go to the disk in one write: whole sectors."""

    offset_bytes: int
    length_bytes: int

    @property
    def end_bytes(self) -> int:
        """Where they end."""
        return self.offset_bytes + self.length_bytes

    @property
    def block(self) -> int:
        """The number of its first block."""
        return self.offset_bytes // ALIGN_BYTES

    @property
    def is_head(self) -> bool:
        """Whether it lies in the first MiB."""
        return self.end_bytes <= HEAD_BYTES


def runs(spans: Sequence[Span], piece_bytes: int) -> tuple[Run, ...]:
    """Return the runs that hold all spans, in order, none longer than `piece_bytes`.

    Args:
        spans: In order.
        piece_bytes: A multiple of 512.
    """
    return tuple(
        Run(start, min(piece_bytes, end - start))
        for begin, end in _joined(spans)
        for start in range(begin, end, piece_bytes)
    )


def _joined(spans: Sequence[Span]) -> Iterator[tuple[int, int]]:
    begin = end = None
    for start, stop in _cut_at_head(spans):
        if begin is None or end is None:
            begin, end = start, stop
        elif start - end <= GAP_BYTES and not (end <= HEAD_BYTES <= start):
            end = max(end, stop)
        else:
            yield begin, end
            begin, end = start, stop
    if begin is not None and end is not None:
        yield begin, end


def _cut_at_head(spans: Sequence[Span]) -> Iterator[tuple[int, int]]:
    """Give the bounds of spans in whole sectors, cut in two at the end of the first MiB."""
    for span in spans:
        stop = -(-span.end_bytes // ALIGN_BYTES) * ALIGN_BYTES
        if span.offset_bytes < HEAD_BYTES < stop:
            yield span.offset_bytes, HEAD_BYTES
            yield HEAD_BYTES, stop
        else:
            yield span.offset_bytes, stop
