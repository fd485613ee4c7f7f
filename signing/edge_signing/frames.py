"""Messages on a console that others write to as well: each is some lines, each line is checked.

A message is a JSON object in its canonical form. Its bytes go in pieces of Base64, one a line:

    @E> 7 1/2 eyJhc2siOiJuZXciLCJkZXZpY2Ui 1c291ca3

which is: to the device (`<` from it), message 7, piece 1 of 2, the piece, CRC-32 of all before it.
What the kernel says in between is no such line; what it says within one damages that one, which
does not count then. The sender says it again.
"""

import base64
import binascii
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from edge_signing import canonical
from edge_signing.errors import FormatError

MESSAGE_MOST_BYTES: Final = 24 << 10
# With what stands around it a line is below 255 bytes, which every line discipline takes.
_PIECE_BYTES: Final = 129
_LINE: Final = re.compile(
    r"@E([<>]) ([0-9]{1,10}) ([0-9]{1,3})/([0-9]{1,3}) ([A-Za-z0-9+/=]{4,200}) ([0-9a-f]{8})"
)


class Way(StrEnum):
    """Where a message goes."""

    TO_DEVICE = ">"
    FROM_DEVICE = "<"


@dataclass(frozen=True, slots=True)
class Piece:
    """One line of a message, counted from 1."""

    way: Way
    message: int
    number: int
    count: int
    data: bytes

    def line(self) -> str:
        """Return the line, without its end."""
        text = base64.b64encode(self.data).decode()
        head = f"@E{self.way} {self.message} {self.number}/{self.count} {text}"
        return f"{head} {zlib.crc32(head.encode()):08x}"


def pieces(way: Way, message: int, content: Mapping[str, Any]) -> tuple[Piece, ...]:
    """Return the lines of a message.

    Raises:
        FormatError: It is too long, or has no canonical form.
    """
    data = canonical.encode(dict(content))
    if len(data) > MESSAGE_MOST_BYTES:
        raise FormatError(f"a message of {len(data)} bytes is too long for a console")
    parts = [data[at : at + _PIECE_BYTES] for at in range(0, len(data), _PIECE_BYTES)]
    return tuple(
        Piece(way, message, number, len(parts), part) for number, part in enumerate(parts, 1)
    )


def piece_in(line: str, way: Way) -> Piece | None:
    """Return the piece that ends a line, whatever stands before it; None for no whole one."""
    for found in _LINE.finditer(line):
        head = found[0].rpartition(" ")[0]
        number, count = int(found[3]), int(found[4])
        if found[1] != way or f"{zlib.crc32(head.encode()):08x}" != found[6]:
            continue
        if not 1 <= number <= count:
            continue
        try:
            data = base64.b64decode(found[5], validate=True)
        except binascii.Error:
            continue
        return Piece(way, int(found[2]), number, count, data)
    return None


@dataclass(slots=True)
class Assembly:
    """Puts the pieces of the message of one number together; another number begins anew."""

    message: int = -1
    _count: int = 0
    _parts: dict[int, bytes] = field(default_factory=dict)

    def take(self, piece: Piece) -> None:
        """Take a piece, as often as it comes."""
        if (piece.message, piece.count) != (self.message, self._count):
            self.message, self._count, self._parts = piece.message, piece.count, {}
        self._parts[piece.number] = piece.data

    def content(self) -> dict[str, Any] | None:
        """Return the message once all of it is there.

        Raises:
            FormatError: It is no JSON object.
        """
        if not self._parts or len(self._parts) < self._count:
            return None
        data = b"".join(self._parts[number] for number in sorted(self._parts))
        found = canonical.decode(data, limit_bytes=MESSAGE_MOST_BYTES)
        if not isinstance(found, dict):
            raise FormatError("a message is no JSON object")
        return found
