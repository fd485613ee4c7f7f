"""What goes between a person and a device: frames that nobody between them can read or make.

Each is sealed with a key of its direction and a counter that is never sent. So a frame that was
changed, said again, left out or put in another place does not open; after it nothing opens any
more.

Source: RFC 8439 (ChaCha20-Poly1305).
"""

import re
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, ClassVar, Final

import construct
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from edge_signing import canonical
from edge_signing.errors import FormatError, TrustError
from edge_signing.fields import Fields
from edge_signing.formats.record import Record

BODY_MOST_BYTES: Final = 16 << 10
TAG_BYTES: Final = 16
FRAME_MOST_BYTES: Final = BODY_MOST_BYTES + 1 + TAG_BYTES
_NONCE_BYTES: Final = 12
_SIDE_MOST: Final = 1000
_TERM: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
_REASON: Final = re.compile(r"(?s:.{0,1000})")
STATUS_MOST: Final = 255


class Kind(IntEnum):
    """What a frame is; on devices in the field, so the numbers never change."""

    # To the device.
    START = 1
    KEYS = 2
    SIZE = 3
    LEAVE = 4
    # To the person.
    STARTED = 17
    OUTPUT = 18
    ERRORS = 19
    ENDED = 20


TO_DEVICE: Final = frozenset({Kind.START, Kind.KEYS, Kind.SIZE, Kind.LEAVE})
TO_PERSON: Final = frozenset(Kind) - TO_DEVICE


@dataclass(frozen=True, slots=True)
class Frame(Record):
    """A frame that is open."""

    LAYOUT: ClassVar[Any] = construct.Struct(
        "kind" / construct.Byte, "body" / construct.GreedyBytes
    )

    kind: int
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Size:
    """How large the person's window is.

    Attributes:
        term: What it understands, as `TERM` has it.
    """

    columns: int = 80
    rows: int = 24
    term: str = "dumb"

    def pack(self) -> bytes:
        """Return the body of a frame."""
        return canonical.encode({"columns": self.columns, "rows": self.rows, "term": self.term})

    @classmethod
    def unpack(cls, body: bytes) -> "Size":
        """Return what the body of a frame says.

        Raises:
            FormatError: It is no size.
        """
        fields = Fields(canonical.decode(body, limit_bytes=BODY_MOST_BYTES), "size")
        columns, rows = (
            fields.integer(name, least=1, most=_SIDE_MOST) for name in ("columns", "rows")
        )
        made = cls(columns, rows, fields.text("term", _TERM))
        fields.end()
        return made


@dataclass(frozen=True, slots=True)
class End:
    """How a session ended.

    Attributes:
        status: Of the program; None if it did not end by itself.
    """

    reason: str
    status: int | None = None

    def pack(self) -> bytes:
        """Return the body of a frame."""
        return canonical.encode({"reason": self.reason[:1000], "status": self.status})

    @classmethod
    def unpack(cls, body: bytes) -> "End":
        """Return what the body of a frame says.

        Raises:
            FormatError: It is no end.
        """
        fields = Fields(canonical.decode(body, limit_bytes=BODY_MOST_BYTES), "end")
        reason = fields.text("reason", _REASON)
        said = fields.anything("status")
        is_status = type(said) is int and 0 <= said <= STATUS_MOST
        if said is not None and not is_status:
            raise FormatError(f"end: status {said!r} is none")
        fields.end()
        return cls(reason, said if isinstance(said, int) else None)


class Sealer:
    """Seals the frames of one direction.

    Args:
        key: Of the direction; no other sealer may ever have it.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = ChaCha20Poly1305(key)
        self._count = 0

    def seal(self, kind: Kind, body: bytes = b"") -> bytes:
        """Return the next frame.

        Raises:
            FormatError: The body is too long.
        """
        if len(body) > BODY_MOST_BYTES:
            raise FormatError(f"frame: {len(body)} bytes are more than {BODY_MOST_BYTES}")
        sealed = self._cipher.encrypt(_nonce(self._count), Frame(kind, body).pack(), None)
        self._count += 1
        return sealed


class Opener:
    """Opens the frames of one direction, in order.

    Args:
        key: Of the direction.
        kinds: What may come in it.
    """

    def __init__(self, key: bytes, kinds: frozenset[Kind]) -> None:
        self._cipher = ChaCha20Poly1305(key)
        self._kinds = kinds
        self._count = 0
        self._is_broken = False

    def open(self, sealed: bytes) -> Frame:
        """Return the next frame.

        Raises:
            TrustError: It is not the next one as the other end has made it, or one before was not.
        """
        if self._is_broken:
            raise TrustError("a frame before this one did not open")
        try:
            return self._opened(sealed)
        except (FormatError, InvalidTag) as error:
            self._is_broken = True
            raise TrustError("a frame was changed, said again or left out") from error

    def _opened(self, sealed: bytes) -> Frame:
        if not TAG_BYTES < len(sealed) <= FRAME_MOST_BYTES:
            raise FormatError(f"frame: {len(sealed)} bytes")
        frame = Frame.unpack(self._cipher.decrypt(_nonce(self._count), sealed, None))
        if frame.kind not in self._kinds:
            raise FormatError(f"frame: the kind {frame.kind}")
        self._count += 1
        return frame


def _nonce(count: int) -> bytes:
    return count.to_bytes(_NONCE_BYTES, "big")
