"""`Source` over a stream of bytes: reads the mapped ones, hashes them, passes over the others."""

import hashlib
from collections.abc import Callable, Iterator

from edge.errors import InputError, UntrustedError
from edge.flash.sources.buffers import CHUNK_BYTES, SECTOR_BYTES, Buffers, Chunk
from edge.flash.sources.byte_stream import ByteStream
from edge.flash.sources.source import Facts
from edge.flash.spans import Span


class ImageSource:
    """An image in a file or behind a URL, compressed or not.

    Args:
        facts: What is known of it.
        start: Opens its bytes from the first one on.
    """

    def __init__(self, facts: Facts, start: Callable[[], ByteStream]) -> None:
        self._facts = facts
        self._start = start

    @property
    def facts(self) -> Facts:
        """See `Source`."""
        return self._facts

    def chunks(self, buffers: Buffers, *, from_bytes: int = 0) -> Iterator[Chunk]:
        """See `Source`."""
        stream = self._start()
        position_bytes = 0
        first_bytes = from_bytes - from_bytes % SECTOR_BYTES
        try:
            for span in self._facts.spans:
                if span.end_bytes <= first_bytes:
                    continue
                begin_bytes = max(span.offset_bytes, first_bytes)
                self._pass_over(stream, begin_bytes - position_bytes, position_bytes)
                yield from self._span(stream, span, buffers, begin_bytes)
                position_bytes = span.end_bytes
        finally:
            stream.close()

    def _span(
        self, stream: ByteStream, span: Span, buffers: Buffers, begin_bytes: int
    ) -> Iterator[Chunk]:
        sha256 = hashlib.sha256() if span.sha256 and begin_bytes == span.offset_bytes else None
        for offset_bytes in range(begin_bytes, span.end_bytes, CHUNK_BYTES):
            length_bytes = min(CHUNK_BYTES, span.end_bytes - offset_bytes)
            memory = buffers.take()
            try:
                count = stream.readinto(memory[:length_bytes])
                if count < length_bytes:
                    raise self._too_short(offset_bytes + count)
                if sha256 is not None:
                    sha256.update(memory[:length_bytes])
                    if offset_bytes + length_bytes == span.end_bytes:
                        self._compare(span, sha256.digest())
            except BaseException:
                buffers.give_back(memory)
                raise
            yield Chunk(buffers, memory, offset_bytes=offset_bytes, length_bytes=length_bytes)

    def _pass_over(self, stream: ByteStream, length_bytes: int, position_bytes: int) -> None:
        count = stream.skip(length_bytes)
        if count < length_bytes:
            raise self._too_short(position_bytes + count)

    def _compare(self, span: Span, digest: bytes) -> None:
        if digest != span.sha256:
            raise UntrustedError(
                f"{self._facts.name}: bytes {span.offset_bytes} to {span.end_bytes - 1} are not"
                " what the block map says",
                hint="the image is damaged or was changed: build, copy or download it again",
            )

    def _too_short(self, end_bytes: int) -> InputError:
        return InputError(
            f"{self._facts.name}: it ends at byte {end_bytes} of {self._facts.image_bytes}",
            hint="it was cut short: copy or download it again",
        )
