"""What links carry of a terminal: parcels that are numbered in each direction of a session.

A link may bring one twice, which is dropped, and may lose one, which ends the session. What is in
a frame no link can read; what else a parcel says, nobody has to believe.
"""

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from edge_signing import canonical
from edge_signing.errors import FormatError
from edge_signing.fields import Fields
from edge_signing.terminal.grant import SESSION

FORMAT: Final = 1
CONTENT_MOST_BYTES: Final = 64 << 10
MESSAGE_MOST_BYTES: Final = 192 << 10
PARCELS_MOST: Final = 64  # in one message
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{0,87382}={0,2}")
# Around the content of a parcel, at most.
_FRAME_BYTES: Final = 200


class Kind(StrEnum):
    """What a parcel is."""

    # To the device.
    OPEN = "open"  # a signed grant
    STORED = "stored"  # the chunk of this number is on the console's disk
    END = "end"  # the reason
    # From the device.
    ANSWER = "answer"
    REFUSED = "refused"  # the reason
    RECORD = "record"  # the chunk of this number
    CLOSED = "closed"
    # Either way.
    FRAME = "frame"
    ALIVE = "alive"


@dataclass(frozen=True, slots=True)
class Parcel:
    """Something of one session.

    Attributes:
        n: Counts from 0 in each direction.
        number: Of a chunk of the record, where it is about one.
    """

    session: str
    n: int
    kind: Kind
    content: bytes = field(default=b"", repr=False)
    number: int = 0

    @property
    def text(self) -> str:
        """The content as a reason: hostile text, in which nothing is that can not be seen."""
        said = self.content.decode(errors="replace")[:1000]
        return "".join(one if one.isprintable() else "\ufffd" for one in said)

    @property
    def packed_bytes(self) -> int:
        """How long it is in a message, at most."""
        return len(self.content) * 4 // 3 + _FRAME_BYTES

    def object(self) -> dict[str, object]:
        """Return it as a value for JSON."""
        return {
            "content": base64.b64encode(self.content).decode(),
            "kind": self.kind.value,
            "n": self.n,
            "number": self.number,
            "session": self.session,
        }

    @classmethod
    def take(cls, fields: Fields) -> "Parcel":
        """Return the parcel whose fields these are.

        Raises:
            FormatError: They are others.
        """
        return cls(
            session=fields.text("session", SESSION),
            n=fields.integer("n"),
            kind=Kind(fields.one_of("kind", tuple(one.value for one in Kind))),
            content=_decoded(fields.text("content", _BASE64)),
            number=fields.integer("number"),
        )


def pack(parcels: Iterable[Parcel]) -> bytes:
    """Return the message that brings parcels."""
    return canonical.encode({"format": FORMAT, "parcels": [one.object() for one in parcels]})


def unpack(message: bytes) -> Sequence[Parcel]:
    """Return the parcels that a message brings.

    Raises:
        FormatError: It is not such a message, or brings too many.
    """
    fields = Fields(canonical.decode(message, limit_bytes=MESSAGE_MOST_BYTES), "parcels")
    fields.one_of("format", (FORMAT,))
    found = fields.each("parcels", Parcel.take)
    fields.end()
    if len(found) > PARCELS_MOST:
        raise FormatError(f"parcels: {len(found)} are more than {PARCELS_MOST}")
    return found


def fitting(waiting: Sequence[Parcel]) -> Sequence[Parcel]:
    """Return the first of these that go into one message: at least one."""
    length_bytes, count = 0, 0
    for one in waiting[:PARCELS_MOST]:
        length_bytes += one.packed_bytes
        if count and length_bytes > MESSAGE_MOST_BYTES - _FRAME_BYTES:
            break
        count += 1
    return waiting[:count]


class Order:
    """Sees to it that nothing of one direction is taken twice, and that nothing is missing."""

    def __init__(self) -> None:
        self.next = 0

    def is_news(self, parcel: Parcel) -> bool:
        """Return whether a parcel is the next one; False if it came before.

        Raises:
            FormatError: One before it is missing.
        """
        if parcel.n > self.next:
            raise FormatError(f"parcel {parcel.n} came where {self.next} is due")
        if parcel.n < self.next:
            return False
        self.next += 1
        return True


def _decoded(text: str) -> bytes:
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise FormatError(f"parcel: content: {error}") from error
    if base64.b64encode(content).decode() != text:
        raise FormatError("parcel: content is not in its one form")
    if len(content) > CONTENT_MOST_BYTES:
        raise FormatError(f"parcel: {len(content)} bytes are more than {CONTENT_MOST_BYTES}")
    return content
