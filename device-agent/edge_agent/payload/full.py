"""Payloads of kind `full`: segments of 1 MiB, each coded alone."""

import hashlib
import lzma
from collections.abc import Iterator
from typing import Any, Final

from edge_agent.ahead import ahead
from edge_agent.payload.piece import Piece
from edge_agent.payload.units import Units
from edge_signing.errors import FormatError, TrustError
from edge_signing.formats.payload_table import UNIT_BYTES, Coding, Row

LZMA_FILTERS: Final[list[dict[str, Any]]] = [{"id": lzma.FILTER_LZMA2, "dict_size": UNIT_BYTES}]


def segments(units: Units, *, first: int = 0) -> Iterator[Piece]:
    """Yield the segments of an image from number `first` on, each checked.

    The next ones are checked and decoded in other threads meanwhile.

    Raises:
        TrustError: A unit, or what it decodes to, is not what was signed.
        FormatError: A unit cannot be decoded.
    """
    zeros = _Zeros()

    def made(one: tuple[int, bytes]) -> Piece:
        index, stored = one
        row, offset = units.table.rows[index], index * UNIT_BYTES
        length = min(UNIT_BYTES, units.table.image_bytes - offset)
        if row.coding is Coding.ZERO:
            data, digest = zeros.of(length)
        else:
            data = decoded(row, units.checked(index, stored), length, units.name(index))
            digest = hashlib.sha256(data).digest()
        if digest != row.result_sha256:
            raise TrustError(f"{units.name(index)}: decodes to other bytes than were signed")
        return Piece(offset, data, index)

    fetched = ((index, units.fetched(index)) for index in range(first, len(units)))
    return ahead(fetched, made)


class _Zeros:
    """Zeros with their digest, which are made once for many segments."""

    def __init__(self) -> None:
        self._made = (b"", b"")

    def of(self, length: int) -> tuple[bytes, bytes]:
        """Return zeros and their digest."""
        made = self._made
        if len(made[0]) != length:
            made = self._made = bytes(length), hashlib.sha256(bytes(length)).digest()
        return made


def decoded(row: Row, stored: bytes, length: int, name: str) -> bytes:
    """Return the `length` bytes that a stored segment stands for; it never makes more.

    Raises:
        FormatError: It is not `length` bytes in its coding.
    """
    decoder = _DECODERS.get(row.coding)
    if decoder is None:
        raise FormatError(f"{name}: nothing is stored in coding {row.coding.name}")
    data = decoder(stored, length, name)
    if len(data) != length:
        raise FormatError(f"{name}: {len(data)} bytes where {length} are due")
    return data


def _as_stored(stored: bytes, _length: int, _name: str) -> bytes:
    return stored


def _unpacked_lzma(stored: bytes, length: int, name: str) -> bytes:
    decoder = lzma.LZMADecompressor(format=lzma.FORMAT_RAW, filters=LZMA_FILTERS)
    try:
        data = decoder.decompress(stored, max_length=length + 1)
    except (lzma.LZMAError, EOFError) as error:
        raise FormatError(f"{name}: {error}") from error
    if not decoder.eof or decoder.unused_data:
        raise FormatError(f"{name}: the stream does not end where it should")
    return data


def _unpacked_zstd(stored: bytes, length: int, name: str) -> bytes:
    import zstandard  # the binding is loaded only where a release uses it

    try:
        if zstandard.frame_content_size(stored) != length:
            raise FormatError(f"{name}: the frame does not say {length} bytes")
        decoder = zstandard.ZstdDecompressor(max_window_size=UNIT_BYTES)
        return decoder.decompress(stored, max_output_size=length, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise FormatError(f"{name}: {error}") from error


_DECODERS: Final = {
    Coding.STORED: _as_stored,
    Coding.LZMA: _unpacked_lzma,
    Coding.ZSTD: _unpacked_zstd,
}
