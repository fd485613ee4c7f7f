"""An image with a data partition of our own: all else stays as it is, and is checked as before."""

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from edge.errors import InputError, RefusedError
from edge.flash import spans as spanning
from edge.flash.sources.buffers import CHUNK_BYTES, SECTOR_BYTES, Buffers, Chunk
from edge.flash.sources.source import Facts, Source
from edge.flash.spans import Span
from edge.image import gpt
from edge.image.extent import Extent
from edge.image.plan import Partition
from edge.image.provision import MAGIC, MAGIC_OFFSET_BYTES, PARTITION

_TABLE_BYTES: Final = gpt.PRIMARY_SECTORS * SECTOR_BYTES
Fill = Callable[[int], Sequence[Extent]]


@dataclass(frozen=True, slots=True)
class _Piece:
    """Bytes of ours, and where on the disk they go."""

    span: Span
    content: bytes


class Overlaid:
    """A source whose data partition is replaced.

    Args:
        source: The image.
        fill: Gets the length of the data partition and returns what goes into it, in order.

    Raises:
        InputError: The image has no data partition.
        RefusedError: There is a file system in it: the image is of a disk that was used.
    """

    def __init__(self, source: Source, fill: Fill) -> None:
        self._source = source
        self._data = data = _data_partition(source)
        _require_empty(source, data)
        self._pieces = _pieces(fill(data.size_bytes), data, source.facts)
        ours = [piece.span for piece in self._pieces]
        spans = [*_outside(source.facts.spans, data), *ours]
        spans.sort(key=lambda span: span.offset_bytes)
        spanning.require_in_order(
            spans, image_bytes=source.facts.image_bytes, place=source.facts.name
        )
        self._facts = replace(
            source.facts, spans=tuple(spans), fingerprint=_fingerprint(source.facts, ours)
        )

    @property
    def facts(self) -> Facts:
        """See `Source`; who signed it vouches for all but the data partition."""
        return self._facts

    def chunks(self, buffers: Buffers, *, from_bytes: int = 0) -> Iterator[Chunk]:
        """See `Source`.

        A span of the image that only begins or ends in the data partition is compared as a whole,
        but after the first of its chunks were given.
        """
        begin_bytes = self._data.offset_bytes
        end_bytes = begin_bytes + self._data.size_bytes
        is_behind = False
        for chunk in self._source.chunks(buffers, from_bytes=from_bytes):
            if is_behind or chunk.end_bytes <= begin_bytes:
                yield chunk
                continue
            # Let go of before ours are given: there may be one buffer only.
            offset_bytes, content = chunk.offset_bytes, bytes(chunk.data)
            chunk.release()
            before = content[: max(begin_bytes - offset_bytes, 0)]
            yield from _as_chunks(offset_bytes, before, buffers)
            if is_behind := offset_bytes + len(content) > end_bytes:
                yield from self._ours(buffers, from_bytes)
                rest_bytes = max(offset_bytes, end_bytes)
                yield from _as_chunks(rest_bytes, content[rest_bytes - offset_bytes :], buffers)
        if not is_behind:
            yield from self._ours(buffers, from_bytes)

    def _ours(self, buffers: Buffers, from_bytes: int) -> Iterator[Chunk]:
        first_bytes = from_bytes - from_bytes % SECTOR_BYTES
        for piece in self._pieces:
            inside = max(first_bytes - piece.span.offset_bytes, 0)
            content = piece.content[inside:]
            yield from _as_chunks(piece.span.offset_bytes + inside, content, buffers)


def _as_chunks(offset_bytes: int, content: bytes, buffers: Buffers) -> Iterator[Chunk]:
    for start in range(0, len(content), CHUNK_BYTES):
        data = content[start : start + CHUNK_BYTES]
        memory = buffers.take()
        memory[: len(data)] = data
        yield Chunk(buffers, memory, offset_bytes=offset_bytes + start, length_bytes=len(data))


def _data_partition(source: Source) -> Partition:
    image_bytes = source.facts.image_bytes
    table = gpt.read(io.BytesIO(_head(source)), disk_bytes=image_bytes)
    found = [one for one in table.partitions if one.name == PARTITION]
    if len(found) != 1 or found[0].offset_bytes + found[0].size_bytes > image_bytes:
        raise InputError(
            f"{source.facts.name}: it has no data partition of its own",
            hint="only an image that edge build made takes first settings",
        )
    return found[0]


def _head(source: Source) -> bytes:
    """Return the start of an image; what has a hash is compared with it before it is used."""
    head = bytearray(_TABLE_BYTES)
    for chunk in source.chunks(Buffers(2)):
        begin_bytes, end_bytes = chunk.offset_bytes, min(chunk.end_bytes, _TABLE_BYTES)
        if begin_bytes < end_bytes:
            head[begin_bytes:end_bytes] = chunk.data[: end_bytes - begin_bytes]
        is_compared = _is_compared(source.facts.spans, chunk.end_bytes)
        is_whole = chunk.end_bytes >= _TABLE_BYTES
        chunk.release()
        if is_whole and is_compared:
            break
    return bytes(head)


def _is_compared(spans: Iterable[Span], end_bytes: int) -> bool:
    """Return whether all up to here was compared with what there is to compare with."""
    return not any(one.sha256 and one.offset_bytes < end_bytes < one.end_bytes for one in spans)


def _require_empty(source: Source, data: Partition) -> None:
    """Refuse a data partition with a file system in it.

    Raises:
        RefusedError: There is one.
    """
    place_bytes = data.offset_bytes + MAGIC_OFFSET_BYTES
    span = next((one for one in source.facts.spans if _holds(one, place_bytes)), None)
    if span is None or span.sha256 == hashlib.sha256(bytes(span.length_bytes)).digest():
        return
    for chunk in source.chunks(Buffers(2), from_bytes=place_bytes):
        inside = place_bytes - chunk.offset_bytes
        found = bytes(chunk.data[inside : inside + len(MAGIC)])
        chunk.release()
        if found == MAGIC:
            raise RefusedError(
                f"{source.facts.name}: the data partition is in use",
                hint="first settings go onto an image that was never started",
            )
        return


def _holds(span: Span, place_bytes: int) -> bool:
    return span.offset_bytes <= place_bytes < span.end_bytes


def _outside(spans: Iterable[Span], data: Partition) -> Iterator[Span]:
    """Give the spans less what of them is in the partition; what is left of one has no hash."""
    begin_bytes, end_bytes = data.offset_bytes, data.offset_bytes + data.size_bytes
    for span in spans:
        if span.end_bytes <= begin_bytes or span.offset_bytes >= end_bytes:
            yield span
            continue
        if span.offset_bytes < begin_bytes:
            yield Span(span.offset_bytes, begin_bytes - span.offset_bytes)
        if span.end_bytes > end_bytes:
            yield Span(end_bytes, span.end_bytes - end_bytes)


def _pieces(extents: Sequence[Extent], data: Partition, facts: Facts) -> tuple[_Piece, ...]:
    found = []
    for one in extents:
        content = one.content if isinstance(one.content, bytes) else one.content.read_bytes()
        if one.end_bytes > data.size_bytes:
            raise InputError(f"{facts.name}: {one.end_bytes} bytes do not fit into data")
        offset_bytes = data.offset_bytes + one.offset_bytes
        span = Span(offset_bytes, len(content), hashlib.sha256(content).digest())
        found.append(_Piece(span, content))
    return tuple(found)


def _fingerprint(facts: Facts, ours: Sequence[Span]) -> bytes:
    sha256 = hashlib.sha256(facts.fingerprint)
    for span in ours:
        sha256.update(f"{span.offset_bytes} {span.length_bytes} ".encode())
        sha256.update(span.sha256 or b"")
    return sha256.digest()
