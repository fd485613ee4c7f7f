"""Is a disk image the one that its block map describes, to the last byte?

Mapped ranges have the hashes that the map says; all else is zero. Holes are not read.
"""

import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from edge.image import bmap_reader
from edge.image.bmap_reader import BlockMap, MappedRange

_PIECE_BYTES: Final = 1 << 20


def is_described(disk: Path, block_map: Path) -> bool:
    """Say whether a disk image is what its block map says, and nothing besides.

    Raises:
        InputError: The block map is none.
        OSError: A file cannot be read.
    """
    described = bmap_reader.read(block_map.read_bytes(), str(block_map))
    with disk.open("rb") as stream:
        if os.fstat(stream.fileno()).st_size != described.image_bytes:
            return False
        return all(_holds(stream, described, one) for one in described.ranges) and all(
            _is_zero(stream, start, end) for start, end in _gaps(described)
        )


def _holds(stream: BinaryIO, described: BlockMap, one: MappedRange) -> bool:
    start, end = _bytes(described, one)
    digest = hashlib.new(described.checksum_type or "sha256", usedforsecurity=False)
    for piece in _pieces(stream, start, end):
        digest.update(piece)
    return digest.hexdigest() == one.checksum


def _bytes(described: BlockMap, one: MappedRange) -> tuple[int, int]:
    end = min((one.last + 1) * described.block_bytes, described.image_bytes)
    return one.first * described.block_bytes, end


def _gaps(described: BlockMap) -> Iterator[tuple[int, int]]:
    """Give what lies between the ranges."""
    position = 0
    for one in described.ranges:
        start, end = _bytes(described, one)
        yield position, start
        position = end
    yield position, described.image_bytes


def _is_zero(stream: BinaryIO, start: int, end: int) -> bool:
    while start < end:
        try:
            start = os.lseek(stream.fileno(), start, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            return True  # a hole up to the end of the file
        hole = min(os.lseek(stream.fileno(), start, os.SEEK_HOLE), end)
        if any(piece.strip(b"\0") for piece in _pieces(stream, start, hole)):
            return False
        start = max(hole, start + 1)
    return True


def _pieces(stream: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    stream.seek(start)
    while start < end and (piece := stream.read(min(_PIECE_BYTES, end - start))):
        yield piece
        start += len(piece)
