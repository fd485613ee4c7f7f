"""An image in memory, as a source."""

import hashlib
from collections.abc import Iterator, Sequence

from edge.flash.sources.buffers import CHUNK_BYTES, Buffers, Chunk
from edge.flash.sources.source import Facts
from edge.flash.spans import Span


class MemorySource:
    """An image of which some spans count; all of it when none are named."""

    def __init__(self, image: bytes, spans: Sequence[tuple[int, int]] | None = None) -> None:
        self._image = image
        bounds = [(0, len(image))] if spans is None else spans
        self.facts = Facts(
            name="image in memory",
            image_bytes=len(image),
            spans=tuple(Span(start, end - start) for start, end in bounds),
            fingerprint=hashlib.sha256(image + repr(bounds).encode()).digest(),
        )

    def chunks(self, buffers: Buffers, *, from_bytes: int = 0) -> Iterator[Chunk]:
        """Give the bytes of the spans."""
        for span in self.facts.spans:
            for start in range(span.offset_bytes, span.end_bytes, CHUNK_BYTES):
                end = min(start + CHUNK_BYTES, span.end_bytes)
                if end > from_bytes:
                    memory = buffers.take()
                    memory[: end - start] = self._image[start:end]
                    yield Chunk(buffers, memory, offset_bytes=start, length_bytes=end - start)
