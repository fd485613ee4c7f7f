"""Streams that compress what is written to them, the same bytes for the same content."""

import hashlib
import zlib
from pathlib import Path
from typing import Final

import zstandard

from edge import atomic, digest
from edge.oci.tar_writer import TarSink

_GZIP_LEVEL: Final = 6  # Go's and gzip's default
_GZIP_WINDOW: Final = 31  # 32 KiB, with the header of gzip: no name, no time
_ZSTD_LEVEL: Final = 9
_PIECE_BYTES: Final = 1 << 20


class Hashed:
    """A stream that knows the digest and the length of what went through it."""

    def __init__(self, stream: TarSink) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self.size_bytes = 0

    def write(self, data: bytes, /) -> int:
        """Pass data on."""
        self._hash.update(data)
        self.size_bytes += len(data)
        self._stream.write(data)
        return len(data)

    @property
    def digest(self) -> str:
        """The digest of all that was written."""
        return f"{digest.ALGORITHM}:{self._hash.hexdigest()}"


class Gzip:
    """A gzip stream; `finish` writes its end. No time is in it, and no name."""

    def __init__(self, stream: TarSink) -> None:
        self._stream = stream
        self._packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)

    def write(self, data: bytes, /) -> int:
        """Compress data."""
        self._stream.write(self._packer.compress(data))
        return len(data)

    def finish(self) -> None:
        """Write what is left."""
        self._stream.write(self._packer.flush())


def write_zstd(source: Path, target: Path) -> None:
    """Write a file compressed by zstd, with its length and a check sum in the frame.

    Raises:
        OSError: A file cannot be read or written.
    """
    packer = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True)
    with source.open("rb") as stream, atomic.file(target) as packed:
        size_bytes = source.stat().st_size
        packer.copy_stream(
            stream, packed, size=size_bytes, read_size=_PIECE_BYTES, write_size=_PIECE_BYTES
        )
