"""What of an image must be written: byte spans in order, the rest is never read."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from edge.errors import InputError

ALIGN_BYTES: Final = 512


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of an image that must be written.

    Attributes:
        offset_bytes: Where they begin, a multiple of 512.
        length_bytes: How many, at least one.
        sha256: What they hash to, if a block map says so.
    """

    offset_bytes: int
    length_bytes: int
    sha256: bytes | None = None

    @property
    def end_bytes(self) -> int:
        """Where they end."""
        return self.offset_bytes + self.length_bytes


def require_in_order(spans: Iterable[Span], *, image_bytes: int, place: str) -> None:
    """Refuse spans that overlap, are out of order, or reach behind the image.

    Raises:
        InputError: They do.
    """
    end_bytes = 0
    for span in spans:
        if span.offset_bytes < end_bytes or span.length_bytes < 1:
            raise InputError(f"{place}: the span at byte {span.offset_bytes} is not in order")
        if span.offset_bytes % ALIGN_BYTES:
            raise InputError(f"{place}: the span at byte {span.offset_bytes} begins in a sector")
        end_bytes = span.end_bytes
        if end_bytes > image_bytes:
            raise InputError(
                f"{place}: the span at byte {span.offset_bytes} ends at {end_bytes},"
                f" behind the image of {image_bytes} bytes"
            )


def mapped_bytes(spans: Iterable[Span]) -> int:
    """Return how many bytes the spans have together."""
    return sum(span.length_bytes for span in spans)
