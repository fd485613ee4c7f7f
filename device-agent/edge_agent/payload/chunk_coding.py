"""How one stored chunk becomes the chunk: zeros, itself, or a Zstandard frame with a history.

The history is what comes before the chunk in its group. Whoever needs the chunk has it already,
wherever it came from, so a chunk compresses about as well as in a large piece and is fetched alone.
"""

from typing import Final

import zstandard

from edge_signing.errors import FormatError

FRAME_MAGIC: Final = zstandard.FRAME_HEADER


def decoded(stored: bytes, raw_bytes: int, history: bytes) -> bytes:
    """Return the chunk of `raw_bytes` bytes; it never makes more.

    Args:
        stored: Its bytes in the blob, compared with their hash before.
        raw_bytes: Its length, which together with that of `stored` tells the coding.
        history: What is before it in its group, as far back as its encoder looked.

    Raises:
        FormatError: It cannot be decoded, or stands for another number of bytes.
    """
    if not stored:
        return bytes(raw_bytes)
    if len(stored) == raw_bytes:
        return stored
    frame = FRAME_MAGIC + stored
    try:
        header = zstandard.get_frame_parameters(frame)
        if header.content_size != raw_bytes or header.dict_id or header.has_checksum:
            raise FormatError(f"stored chunk: its frame is not one of {raw_bytes} bytes")
        decoder = zstandard.ZstdDecompressor(dict_data=dictionary(history))
        return decoder.decompress(frame, max_output_size=raw_bytes, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise FormatError(f"stored chunk: {error}") from error


def dictionary(history: bytes) -> zstandard.ZstdCompressionDict | None:
    """Return what makes zstandard know the history; None if there is none."""
    if not history:
        return None
    return zstandard.ZstdCompressionDict(history, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
