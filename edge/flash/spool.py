"""The pieces of an image as gzip files in one temporary file, which has no name."""

import hashlib
import os
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Final

from edge.flash.pieces import Run, runs
from edge.flash.protocols.provision import Piece
from edge.flash.sources.buffers import Buffers, Chunk
from edge.flash.sources.source import Source

SMALLEST: Final = 9  # the line is slower than any compression
FASTEST: Final = 1
_GZIP: Final = 31  # zlib's word for a gzip file with the widest window
_ZEROS: Final = bytes(1 << 16)


class Spool:
    """Pieces and their gzip files.

    Args:
        pieces: In order of the image.
        places: Where each gzip file begins, by its name.
        file: What holds them.
    """

    def __init__(self, pieces: tuple[Piece, ...], places: dict[str, int], file: IO[bytes]) -> None:
        self.pieces = pieces
        self._places = places
        self._sizes_bytes = {piece.name: piece.packed_bytes for piece in pieces}
        self._file = file

    def packed(self, piece: Piece) -> bytes:
        """Return the gzip file of a piece."""
        return self.named(piece.name) or b""

    def named(self, name: str) -> bytes | None:
        """Return the gzip file with this name (its SHA-256 in hex), or None; threads may ask."""
        place = self._places.get(name)
        if place is None:
            return None
        return os.pread(self._file.fileno(), self._sizes_bytes[name], place)


@contextmanager
def spooled(
    source: Source, piece_bytes: int, *, level: int = SMALLEST, shortest_bytes: int = 0
) -> Iterator[Spool]:
    """Read the whole image once and give its pieces; the file goes away at the end.

    Args:
        source: The image; its hashes are checked as it is read.
        piece_bytes: How long a piece is at most, a multiple of 512.
        level: How hard gzip tries, 1 to 9.
        shortest_bytes: Shorter gzip files are filled up with zeros, which unpacking ignores.

    Raises:
        UntrustedError: The image is not what was signed.
        InputError: It is damaged.
    """
    planned = runs(source.facts.spans, piece_bytes)
    with tempfile.TemporaryFile(prefix="edge-pieces-") as file:
        chunks = source.chunks(Buffers(2))
        places: dict[str, int] = {}
        pieces = []
        for run, parts in _filled(planned, chunks):
            packer = _Packer(file, level)
            for part in parts:
                packer.add(part)
            packer.end(shortest_bytes)
            piece = packer.piece(run)
            if piece.name in places:
                file.seek(packer.place_bytes)  # the next one goes over it
            places.setdefault(piece.name, packer.place_bytes)
            pieces.append(piece)
        file.flush()
        yield Spool(tuple(pieces), places, file)


class _Packer:
    """Writes the gzip file of one piece as its content comes."""

    def __init__(self, file: IO[bytes], level: int) -> None:
        self.place_bytes = file.tell()
        self._file = file
        self._zlib = zlib.compressobj(level, zlib.DEFLATED, _GZIP)
        self._sha256 = hashlib.sha256()
        self._crc = self._packed_crc = self._packed_bytes = 0

    def add(self, data: bytes | memoryview) -> None:
        self._crc = zlib.crc32(data, self._crc)
        self._put(self._zlib.compress(data))

    def end(self, shortest_bytes: int) -> None:
        self._put(self._zlib.flush())
        self._put(bytes(max(shortest_bytes - self._packed_bytes, 0)))

    def piece(self, run: Run) -> Piece:
        name = self._sha256.hexdigest()
        return Piece(run, self._crc, self._packed_bytes, self._packed_crc, name)

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self._sha256.update(data)
        self._packed_crc = zlib.crc32(data, self._packed_crc)
        self._packed_bytes += len(data)


def _filled(
    planned: Sequence[Run], chunks: Iterator[Chunk]
) -> Iterator[tuple[Run, Iterator[bytes | memoryview]]]:
    """Give each run with its bytes in order, gaps as zeros; it is used up before the next."""
    cutter = _Cutter(chunks)
    for run in planned:
        yield run, cutter.parts(run)


class _Cutter:
    """Cuts chunks at the bounds of runs."""

    def __init__(self, chunks: Iterator[Chunk]) -> None:
        self._chunks = chunks
        self._chunk = next(chunks, None)

    def parts(self, run: Run) -> Iterator[bytes | memoryview]:
        at_bytes = run.offset_bytes
        while at_bytes < run.end_bytes:
            chunk = self._chunk
            if chunk is None or chunk.offset_bytes >= run.end_bytes:
                yield from _zeros(run.end_bytes - at_bytes)
                return
            yield from _zeros(max(chunk.offset_bytes - at_bytes, 0))
            at_bytes = max(at_bytes, chunk.offset_bytes)
            end_bytes = min(chunk.end_bytes, run.end_bytes)
            yield chunk.data[at_bytes - chunk.offset_bytes : end_bytes - chunk.offset_bytes]
            at_bytes = end_bytes
            if chunk.end_bytes <= run.end_bytes:
                chunk.release()
                self._chunk = next(self._chunks, None)


def _zeros(length_bytes: int) -> Iterator[bytes]:
    while length_bytes > 0:
        yield _ZEROS[:length_bytes]
        length_bytes -= len(_ZEROS)
