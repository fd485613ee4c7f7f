"""The record of a session: all that was shown and typed, in chunks whose hashes are a chain.

The device makes it, where the person can not leave it out. Its lines are those of asciicast v2, so
that other players can show it. The chain begins with the transcript, and the device signs its last
digest: a console that keeps a record can cut nothing out of it that nobody would see.

Source: asciicast v2 (docs.asciinema.org/manual/asciicast/v2).
"""

import codecs
import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Final, Literal

from edge_signing import canonical
from edge_signing.errors import FormatError, TrustError
from edge_signing.fields import Fields
from edge_signing.terminal.frames import STATUS_MOST, Size
from edge_signing.terminal.grant import Grant
from edge_signing.terminal.handshake import require_signature

CHUNK_MOST_BYTES: Final = 64 << 10
RECORD_MOST_BYTES: Final = 16 << 20
CHUNKS_MOST: Final = 100_000
_PURPOSE: Final = "record"
_FORMAT: Final = 1
_CLOSING_MOST_BYTES: Final = 4096
_REASON: Final = re.compile(r"(?s:.{0,1000})")
_PIECE_BYTES: Final = 8 << 10
Stream = Literal["o", "i"]


@dataclass(frozen=True, slots=True)
class Closing:
    """What the device says of a record when the session is over.

    Attributes:
        chunks: How many there are.
        digest: The last one of the chain.
        reason: Why the session ended.
        status: Of the program; None if it did not end by itself.
        signature: Of all this, by the key of the device's certificate.
    """

    chunks: int
    digest: bytes
    reason: str
    status: int | None
    signature: bytes = field(default=b"", repr=False)

    def hashed(self) -> bytes:
        """Return the digest that the device signs."""
        return hashlib.sha256(canonical.encode(self._object())).digest()

    def pack(self) -> bytes:
        """Return the message."""
        return canonical.encode({**self._object(), "signature": self.signature.hex()})

    def _object(self) -> dict[str, object]:
        return {
            "chunks": self.chunks,
            "digest": self.digest.hex(),
            "format": _FORMAT,
            "reason": self.reason[:1000],
            "status": self.status,
        }

    @classmethod
    def unpack(cls, message: bytes) -> "Closing":
        """Return what a message says.

        Raises:
            FormatError: It is not such a message.
        """
        fields = Fields(canonical.decode(message, limit_bytes=_CLOSING_MOST_BYTES), "closing")
        fields.one_of("format", (_FORMAT,))
        status = fields.anything("status")
        if status is not None and (type(status) is not int or not 0 <= status <= STATUS_MOST):
            raise FormatError(f"closing: status {status!r} is none")
        made = cls(
            fields.integer("chunks", most=CHUNKS_MOST),
            fields.sha256("digest"),
            fields.text("reason", _REASON),
            status if isinstance(status, int) else None,
            bytes.fromhex(fields.text("signature", re.compile(r"(?:[0-9a-f]{2}){0,200}"))),
        )
        fields.end()
        return made

    def require(self, certificate: bytes, transcript: bytes, chunks: list[bytes]) -> None:
        """Refuse a record that is not the whole one that the device has signed.

        Args:
            certificate: Of the device, in DER.
            transcript: Of the session.
            chunks: The record, in order.

        Raises:
            TrustError: It is not.
        """
        digest = transcript
        for one in chunks:
            digest = linked(digest, one)
        if len(chunks) != self.chunks or digest != self.digest:
            raise TrustError("record: it is not the whole one that the device has signed")
        self.require_signed(certificate)

    def require_signed(self, certificate: bytes) -> None:
        """Refuse what a device has not said.

        Args:
            certificate: Of the device, in DER.

        Raises:
            TrustError: It has not.
        """
        require_signature(certificate, self.signature, _PURPOSE, self.hashed())


class Recorder:
    """Makes the record of one session; who calls brings the chunks away.

    Args:
        transcript: Of the session; the chain begins with it.
    """

    def __init__(self, transcript: bytes) -> None:
        self.digest = transcript
        self.chunks = 0
        self.length_bytes = 0
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._decoders = {
            stream: codecs.getincrementaldecoder("utf-8")("replace") for stream in ("o", "i")
        }

    @property
    def waiting_bytes(self) -> int:
        """How much is in no chunk yet."""
        return self._waiting_bytes

    @property
    def is_full(self) -> bool:
        """Whether it has to end."""
        return self.length_bytes >= RECORD_MOST_BYTES or self.chunks >= CHUNKS_MOST - 1

    def begin(self, grant: Grant, size: Size, now_s: int) -> None:
        """Note who begins what, and when."""
        self._add(
            {
                "version": 2,
                "width": size.columns,
                "height": size.rows,
                "timestamp": now_s,
                "title": f"{grant.device} {grant.session} {grant.who}",
                "env": {"TERM": size.term},
                **({"command": grant.command} if grant.command else {}),
            }
        )

    def add(self, at_s: float, stream: Stream, data: bytes) -> None:
        """Note what was shown (`o`) or typed (`i`), so many seconds after the begin."""
        # In pieces of which each fits into a chunk, however long it gets as JSON.
        for at in range(0, len(data), _PIECE_BYTES):
            text = self._decoders[stream].decode(data[at : at + _PIECE_BYTES])
            if text:
                self._add([round(at_s, 3), stream, text])

    def resize(self, at_s: float, size: Size) -> None:
        """Note that the window has another size."""
        self._add([round(at_s, 3), "r", f"{size.columns}x{size.rows}"])

    def chunk(self) -> bytes:
        """Return what was noted since the last time, empty if nothing; the chain has it then."""
        taken = b""
        while self._waiting and len(taken) + len(self._waiting[0]) <= CHUNK_MOST_BYTES:
            taken += self._waiting.pop(0)
        if taken:
            self._waiting_bytes -= len(taken)
            self.digest = linked(self.digest, taken)
            self.chunks += 1
        return taken

    def closing(self, reason: str, status: int | None) -> Closing:
        """Return what is said of the record at its end, not signed yet."""
        return Closing(self.chunks, self.digest, reason, status)

    def _add(self, line: object) -> None:
        # In ASCII: a line that json can not tell from another has no place in a record.
        data = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        self.length_bytes += len(data)


def linked(digest: bytes, chunk: bytes) -> bytes:
    """Return the digest of a chain with one chunk more."""
    return hashlib.sha256(digest + hashlib.sha256(chunk).digest()).digest()
