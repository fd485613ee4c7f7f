"""Contents of a disk or file system as extents: where which bytes go, without holding them.

What lies between extents is undefined for whoever writes the image to a used card, so all that
must be zero is an extent of zeros. In a file of ours blocks of zeros become holes.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from edge import block_file

BLOCK_BYTES: Final = 4096
_PIECE_BYTES: Final = 256 * BLOCK_BYTES
_ZEROS: Final = bytes(_PIECE_BYTES)


@dataclass(frozen=True, slots=True)
class Extent:
    """One run of bytes at `offset_bytes`; a path stands for all that the file holds."""

    offset_bytes: int
    content: bytes | Path
    length_bytes: int

    @property
    def end_bytes(self) -> int:
        """Where the byte after the last one goes."""
        return self.offset_bytes + self.length_bytes


@dataclass(frozen=True, slots=True)
class Contents:
    """What fills a partition; it may be longer than its last extent."""

    length_bytes: int
    extents: tuple[Extent, ...]


Source = bytes | Path | Contents


def length_of(source: bytes | Path) -> int:
    """Return how many bytes `source` has."""
    return source.stat().st_size if isinstance(source, Path) else len(source)


def contents_of(source: Source) -> Contents:
    """Return any source as extents."""
    if isinstance(source, Contents):
        return source
    length_bytes = length_of(source)
    return Contents(length_bytes, (Extent(0, source, length_bytes),))


def write(stream: BinaryIO, extents: Sequence[Extent], *, base_bytes: int = 0) -> None:
    """Write extents into a new, sparse file, at `base_bytes` on.

    Raises:
        OSError: The file that an extent names cannot be read, or `stream` cannot be written.
    """
    for extent in extents:
        offset_bytes = base_bytes + extent.offset_bytes
        if isinstance(extent.content, Path) and _is_large(extent, offset_bytes, stream):
            stream.flush()
            block_file.copy_into(stream.fileno(), extent.content, offset_bytes)
            continue
        stream.seek(offset_bytes)
        for piece in _pieces(extent.content):
            _write_sparse(stream, piece)


def _is_large(extent: Extent, offset_bytes: int, stream: BinaryIO) -> bool:
    """Say whether an extent is worth a copy past the page cache, and can have one."""
    is_on_disk = isinstance(stream, io.BufferedRandom | io.BufferedWriter)
    return is_on_disk and extent.length_bytes >= _PIECE_BYTES and offset_bytes % BLOCK_BYTES == 0


def _pieces(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        for start in range(0, len(content), _PIECE_BYTES):
            yield content[start : start + _PIECE_BYTES]
        return
    with content.open("rb") as stream:
        while piece := stream.read(_PIECE_BYTES):
            yield piece


def _write_sparse(stream: BinaryIO, piece: bytes) -> None:
    """Write what is not zero, in runs of blocks, and leave the rest a hole."""
    if piece == _ZEROS[: len(piece)]:
        stream.seek(len(piece), 1)
        return
    if _ZEROS[:BLOCK_BYTES] not in piece:
        stream.write(piece)
        return
    for start in range(0, len(piece), BLOCK_BYTES):
        block = piece[start : start + BLOCK_BYTES]
        if block.strip(b"\0"):
            stream.write(block)
        else:
            stream.seek(len(block), 1)
