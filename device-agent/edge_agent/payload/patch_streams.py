"""The compressed streams of a patch: raw LZMA2 whose decoded length is known or bounded."""

import lzma
from typing import Any, Final

from edge_signing.errors import FormatError
from edge_signing.formats.patch import DICTIONARY_BYTES

_FILTERS: Final[list[dict[str, Any]]] = [
    {"id": lzma.FILTER_LZMA2, "dict_size": DICTIONARY_BYTES},
]


def decoded(stored: bytes | memoryview, most_bytes: int) -> bytes:
    """Return what a stream stands for; an empty one stands for nothing.

    Args:
        stored: All of it is one stream.
        most_bytes: The decoder stops here, so a lying stream costs no memory.

    Raises:
        FormatError: It is not LZMA2, makes more bytes, is cut off, or something follows it.
    """
    if not stored:
        return b""
    decoder = lzma.LZMADecompressor(format=lzma.FORMAT_RAW, filters=_FILTERS)
    try:
        data = decoder.decompress(stored, max_length=most_bytes + 1)
    except (lzma.LZMAError, EOFError) as error:
        raise FormatError(f"patch: {error}") from error
    if len(data) > most_bytes:
        raise FormatError(f"patch: a stream of more than {most_bytes} bytes")
    if not decoder.eof or decoder.unused_data:
        raise FormatError("patch: a stream is cut off, or is not the end of its bytes")
    return data


def exactly(stored: bytes | memoryview, length_bytes: int) -> bytes:
    """Return what a stream stands for, which has to be of one length.

    Raises:
        FormatError: As `decoded`, or it makes fewer bytes.
    """
    data = decoded(stored, length_bytes)
    if len(data) != length_bytes:
        raise FormatError(f"patch: a stream of {len(data)} bytes in place of {length_bytes}")
    return data
