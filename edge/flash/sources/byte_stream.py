"""Bytes that come one after the other: of a file, or of what decompresses one."""

import lzma
import os
import sys
import zlib
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Final, Protocol

from edge.errors import InputError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PIECE_BYTES: Final = 1 << 18
_WINDOW_LOG_MOST: Final = 27
_LZMA_MOST_BYTES: Final = 1 << 28


class ByteStream(Protocol):
    """Bytes from first to last."""

    def readinto(self, memory: memoryview) -> int:
        """Fill memory from its start and return how much; less than all only at the end."""

    def skip(self, length_bytes: int) -> int:
        """Pass over bytes and return how many; fewer only at the end."""

    def close(self) -> None:
        """Give up what it holds."""


class Pieces:
    """What pieces of a file come to, once they are decompressed.

    Args:
        pieces: Of the file, in order.
        name: What to call it in errors: `disk.img.zst`.
        coding: `zst`, `gz` or `xz`; None for bytes that are what they are.
    """

    def __init__(self, pieces: Generator[bytes], *, name: str, coding: str | None) -> None:
        self._name = name
        self._pieces = pieces
        self._decoded = pieces if coding is None else _frames(pieces, _DECODERS[coding])
        self._left = memoryview(b"")

    def readinto(self, memory: memoryview) -> int:
        """See `ByteStream`.

        Raises:
            InputError: It is damaged, cut short, or something follows.
        """
        done = 0
        while done < len(memory):
            if not self._left and not self._more():
                break
            count = min(len(self._left), len(memory) - done)
            memory[done : done + count] = self._left[:count]
            self._left = self._left[count:]
            done += count
        return done

    def skip(self, length_bytes: int) -> int:
        """See `ByteStream`."""
        done = 0
        while done < length_bytes:
            if not self._left and not self._more():
                break
            count = min(len(self._left), length_bytes - done)
            self._left = self._left[count:]
            done += count
        return done

    def close(self) -> None:
        """See `ByteStream`."""
        self._pieces.close()

    def _more(self) -> bool:
        try:
            self._left = memoryview(next(self._decoded, b""))
        except (zlib.error, lzma.LZMAError, zstd.ZstdError, EOFError) as error:
            raise InputError(
                f"{self._name}: {error}", hint="it is damaged: copy or download it again"
            ) from error
        return bool(self._left)


class _Decoder(Protocol):
    """What `lzma.LZMADecompressor` is; zstd's has the same shape."""

    @property
    def eof(self) -> bool:
        """Whether the frame has ended."""

    @property
    def needs_input(self) -> bool:
        """Whether more comes only from more input."""

    @property
    def unused_data(self) -> bytes:
        """What came after its end."""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Return at most `max_length` bytes that the data comes to."""


class _Gzip:
    """One member of a gzip file, in the shape of the others."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def needs_input(self) -> bool:
        return not self._member.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._member.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._member.decompress(self._member.unconsumed_tail + data, max_length)


def _zstd() -> _Decoder:
    limit = {int(zstd.DecompressionParameter.window_log_max): _WINDOW_LOG_MOST}
    return zstd.ZstdDecompressor(options=limit)


def _xz() -> _Decoder:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_LZMA_MOST_BYTES)


def _frames(pieces: Iterator[bytes], start: Callable[[], _Decoder]) -> Iterator[bytes]:
    """Decode one frame after the other, in bounded memory; zeros may follow the last, as in tapes.

    Raises:
        EOFError: The last frame has no end.
    """
    decoder, is_open = start(), False
    for piece in pieces:
        data = piece
        while is_open or (data := data.lstrip(b"\0")):
            is_open = True
            if found := decoder.decompress(data, PIECE_BYTES):
                yield found
            data = b""
            if decoder.eof:
                data, decoder, is_open = decoder.unused_data, start(), False
            elif decoder.needs_input:
                break
    if is_open:
        raise EOFError("it ends in the middle")


_DECODERS: Final[dict[str, Callable[[], _Decoder]]] = {"zst": _zstd, "gz": _Gzip, "xz": _xz}
CODINGS: Final = tuple(_DECODERS)


def file_pieces(path: Path) -> Generator[bytes]:
    """Give the bytes of a file in pieces."""
    with path.open("rb") as stream:
        while piece := stream.read(PIECE_BYTES):
            yield piece


class RawFile:
    """The bytes of a file as they are."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_RDONLY)
        self._offset_bytes = 0
        self._size_bytes = os.lseek(self._handle, 0, os.SEEK_END)
        os.posix_fadvise(self._handle, 0, 0, os.POSIX_FADV_SEQUENTIAL)

    def readinto(self, memory: memoryview) -> int:
        """See `ByteStream`."""
        done = 0
        while done < len(memory):
            count = os.preadv(self._handle, [memory[done:]], self._offset_bytes)
            if not count:
                break
            done += count
            self._offset_bytes += count
        return done

    def skip(self, length_bytes: int) -> int:
        """See `ByteStream`."""
        count = min(length_bytes, self._size_bytes - self._offset_bytes)
        self._offset_bytes += count
        return count

    def close(self) -> None:
        """See `ByteStream`."""
        os.close(self._handle)
