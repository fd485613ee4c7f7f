"""Android sparse images: an image in pieces that a boot loader takes at a time, and expands.

Each piece is a whole sparse file of the full length, which says for what is not in it that it is to
stay as it is.

Source: AOSP, system/core/libsparse/sparse_format.h; U-Boot 2025.01, include/sparse_format.h.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from construct import Const, Int16ul, Int32ul, Struct

BLOCK_BYTES: Final = 4096
HEADER: Final = Struct(
    "magic" / Const(0xED26FF3A, Int32ul),
    "major" / Const(1, Int16ul),
    "minor" / Const(0, Int16ul),
    "header_bytes" / Const(28, Int16ul),
    "chunk_header_bytes" / Const(12, Int16ul),
    "block_bytes" / Int32ul,
    "blocks" / Int32ul,
    "chunks" / Int32ul,
    "crc32" / Int32ul,
)
CHUNK_HEADER: Final = Struct(
    "kind" / Int16ul,
    "reserved" / Const(0, Int16ul),
    "blocks" / Int32ul,
    "whole_bytes" / Int32ul,
)
RAW: Final = 0xCAC1
FILL: Final = 0xCAC2
DONT_CARE: Final = 0xCAC3
FILL_BYTES: Final = 4
_CHUNK_BYTES: Final = 12
# Header, a lead-in, a lead-out, and a chunk of its own for what comes next.
_FRAME_BYTES: Final = 28 + 3 * _CHUNK_BYTES


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes of the image; the first parts of an image come first.

    Attributes:
        offset_bytes: Where they belong, a multiple of 512.
        data: At least one byte.
    """

    offset_bytes: int
    data: bytes | memoryview

    @property
    def end_bytes(self) -> int:
        """Where they end."""
        return self.offset_bytes + len(self.data)


@dataclass(frozen=True, slots=True)
class Piece:
    """A sparse file.

    Attributes:
        data: The file.
        content_bytes: How many bytes of the image it writes.
    """

    data: bytes
    content_bytes: int


@dataclass(slots=True)
class _Extent:
    """Blocks that follow one another: of any content, or four bytes over and over."""

    first: int
    blocks: int
    data: bytearray
    is_fill: bool

    @property
    def end(self) -> int:
        return self.first + self.blocks

    @property
    def wire_bytes(self) -> int:
        return _CHUNK_BYTES + len(self.data)

    def written(self) -> bytes:
        kind = FILL if self.is_fill else RAW
        return _chunk(kind, self.blocks, self.wire_bytes) + bytes(self.data)


@dataclass(slots=True)
class Sparse:
    """A sparse file in the making.

    Attributes:
        blocks: The length of the whole image.
    """

    blocks: int
    _extents: list[_Extent] = field(default_factory=list)
    _holes: int = 0
    _wire_bytes: int = 0

    def __bool__(self) -> bool:
        return bool(self._extents)

    @property
    def wire_bytes(self) -> int:
        """How long the file becomes at most."""
        return _FRAME_BYTES + self._wire_bytes + self._holes * _CHUNK_BYTES

    def fill(self, first: int, blocks: int, word: bytes = bytes(FILL_BYTES)) -> None:
        """Add blocks that are four bytes over and over."""
        last = self._last(first)
        if last and last.is_fill and last.data == word:
            last.blocks += blocks
            return
        self._add(_Extent(first, blocks, bytearray(word), is_fill=True))

    def block(self, number: int, data: bytes) -> None:
        """Add a block; blocks come in order."""
        word = data[:FILL_BYTES]
        if data == word * (BLOCK_BYTES // FILL_BYTES):
            self.fill(number, 1, word)
            return
        last = self._last(number)
        if last and not last.is_fill:
            last.blocks += 1
            last.data += data
            self._wire_bytes += len(data)
            return
        self._add(_Extent(number, 1, bytearray(data), is_fill=False))

    def piece(self) -> Piece:
        """Return the file."""
        chunks = []
        at = 0
        for extent in self._extents:
            chunks += _hole(at, extent.first)
            chunks.append(extent.written())
            at = extent.end
        chunks += _hole(at, self.blocks)
        words = {"block_bytes": BLOCK_BYTES, "blocks": self.blocks, "crc32": 0}
        head = bytes(HEADER.build({**words, "chunks": len(chunks)}))
        content = sum(extent.blocks for extent in self._extents) * BLOCK_BYTES
        return Piece(head + b"".join(chunks), content)

    def _last(self, number: int) -> _Extent | None:
        last = self._extents[-1] if self._extents else None
        return last if last and last.end == number else None

    def _add(self, extent: _Extent) -> None:
        end = self._extents[-1].end if self._extents else 0
        self._holes += extent.first > end
        self._wire_bytes += extent.wire_bytes
        self._extents.append(extent)


def block_count(image_bytes: int) -> int:
    """Return how many blocks an image has; the last one may be filled up with zeros."""
    return -(-image_bytes // BLOCK_BYTES)


def pieces(parts: Iterable[Part], image_bytes: int, most_bytes: int) -> Iterator[Piece]:
    """Give sparse files that hold all parts, none longer than `most_bytes`.

    A block of which only a part is given is filled up with zeros.

    Args:
        parts: In order, none over another.
        image_bytes: The length of the whole image.
        most_bytes: Room for one block and its headers, at least.
    """
    made = Sparse(block_count(image_bytes))
    for number, data in _blocks(parts):
        if made and made.wire_bytes + BLOCK_BYTES > most_bytes:
            yield made.piece()
            made = Sparse(made.blocks)
        made.block(number, data)
    if made:
        yield made.piece()


def cleared(end_bytes: int, image_bytes: int) -> Piece:
    """Return a sparse file that makes the start of an image zeros."""
    made = Sparse(block_count(image_bytes))
    made.fill(0, min(block_count(end_bytes), made.blocks))
    return made.piece()


def _blocks(parts: Iterable[Part]) -> Iterator[tuple[int, bytes]]:
    """Give whole blocks and their numbers, once each."""
    number = -1
    block = bytearray()  # of which more may come
    for part in parts:
        view = memoryview(part.data)
        at = part.offset_bytes
        while view:
            if block and at // BLOCK_BYTES != number:
                yield number, bytes(block.ljust(BLOCK_BYTES, b"\0"))
                block.clear()
            number, inside = divmod(at, BLOCK_BYTES)
            taken = view[: BLOCK_BYTES - inside]
            if len(taken) == BLOCK_BYTES:
                yield number, bytes(taken)
            else:
                block = block.ljust(inside, b"\0") + taken
            view = view[len(taken) :]
            at += len(taken)
    if block:
        yield number, bytes(block.ljust(BLOCK_BYTES, b"\0"))


def _hole(start: int, end: int) -> list[bytes]:
    return [_chunk(DONT_CARE, end - start, _CHUNK_BYTES)] if end > start else []


def _chunk(kind: int, blocks: int, whole_bytes: int) -> bytes:
    return bytes(CHUNK_HEADER.build({"kind": kind, "blocks": blocks, "whole_bytes": whole_bytes}))
