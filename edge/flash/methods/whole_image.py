"""An image as parts, for methods that send it and do not place it."""

from collections.abc import Iterator
from typing import Final

from edge.flash.sources.buffers import Buffers
from edge.flash.sources.source import Source
from edge.flash.sparse import Part

BUFFERS: Final = 4
ZEROS: Final = bytes(1 << 20)


def parts(source: Source) -> Iterator[Part]:
    """Give the mapped bytes of an image, in order; each is the caller's own."""
    for chunk in source.chunks(Buffers(BUFFERS)):
        part = Part(chunk.offset_bytes, bytes(chunk.data))
        chunk.release()
        yield part


def with_gaps(source: Source) -> Iterator[bytes]:
    """Give all bytes of an image from its first to its last, the gaps as zeros."""
    at = 0
    for part in parts(source):
        yield from _zeros(part.offset_bytes - at)
        yield bytes(part.data)
        at = part.end_bytes
    yield from _zeros(source.facts.image_bytes - at)


def _zeros(length_bytes: int) -> Iterator[bytes]:
    for start in range(0, length_bytes, len(ZEROS)):
        yield ZEROS[: length_bytes - start]
