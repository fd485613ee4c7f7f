"""Which bytes of a file an HTTP request asks for.

Source: RFC 9110 §14. One range is answered; several, or other units, are as if none was asked.
"""

import re
from dataclasses import dataclass
from typing import Final

_RANGE: Final = re.compile(r"bytes=([0-9]{1,15})?-([0-9]{1,15})?")


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of a file.

    Attributes:
        is_part: Whether a range was asked for: status 206.
    """

    offset_bytes: int
    length_bytes: int
    is_part: bool


def asked(header: str, file_bytes: int) -> Span | None:
    """Return what a header `Range` asks for, None if nothing of it is there (status 416)."""
    whole = Span(0, file_bytes, is_part=False)
    found = _RANGE.fullmatch(header)
    if found is None or found[0] == "bytes=-":
        return whole
    if found[1] is None:
        length = min(int(found[2]), file_bytes)
        return Span(file_bytes - length, length, is_part=True) if length else None
    begin = int(found[1])
    last = min(int(found[2] or file_bytes), file_bytes - 1)
    if found[2] is not None and int(found[2]) < begin:
        return whole
    if begin >= file_bytes:
        return None
    return Span(begin, last + 1 - begin, is_part=True)
