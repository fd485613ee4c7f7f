"""What a device is asked once, and what it answers: four words, and nothing that runs code.

A command is not signed, so that it may never do more than its word says: what a device installs is
decided by signed metadata alone. It expires; its id makes it the same one when it comes again. The
content of an answer is one gzip stream in parts, that all together and when unpacked stay below
1 MiB; it is hostile until somebody has looked at it.

Source: RFC 1952 (gzip), RFC 4648 §4 (base64).
"""

import base64
import binascii
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from edge_signing import canonical, running
from edge_signing.errors import FormatError
from edge_signing.fields import Fields
from edge_signing.messages import FORMAT, ID, MESSAGE_MOST_BYTES, REASON_MOST

Word = Literal["logs", "inventory", "restart", "reboot"]
Ending = Literal["done", "refused", "failed", "expired"]
WORDS: Final[tuple[Word, ...]] = ("logs", "inventory", "restart", "reboot")
ENDINGS: Final[tuple[Ending, ...]] = ("done", "refused", "failed", "expired")
# These change something, so that each is done once at most.
ACTING: Final[tuple[Word, ...]] = ("restart", "reboot")

SERVICE: Final = running.SERVICE
LINES_MOST: Final = 10_000
EXPIRY_MOST_S: Final = 7 * 86_400
COMMANDS_MOST: Final = 16  # in one message
PART_MOST_BYTES: Final = 128 << 10
CONTENT_MOST_BYTES: Final = 1 << 20
PARTS_MOST: Final = CONTENT_MOST_BYTES // PART_MOST_BYTES
REPLY_MOST_BYTES: Final = 192 << 10  # base64 of a part, and what stands around it
_SERVICE_OR_NONE: Final = re.compile(rf"(?:{SERVICE.pattern})?")
_REASON: Final = re.compile(r"(?s:.{0,1000})")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{0,174764}={0,2}")
_GZIP: Final = zlib.MAX_WBITS + 16


@dataclass(frozen=True, slots=True)
class Command:
    """What is asked of a device, once.

    Attributes:
        service: The one that is meant; empty for all, which `logs` alone can be about.
        lines: How many lines of `logs` at most, the last ones; 0 for all other words.
        expires_at_s: Seconds since 1970; the device's clock may be wrong.
        expires_in_s: Seconds from when this was sent.
    """

    id: str
    word: Word
    expires_at_s: int
    expires_in_s: int
    service: str = ""
    lines: int = 0

    def __post_init__(self) -> None:
        if (self.word == "logs") != (self.lines > 0):
            raise FormatError(f"command {self.word}: {self.lines} lines")
        if bool(self.service) and self.word not in ("logs", "restart"):
            raise FormatError(f"command {self.word}: not about a service")
        if not self.service and self.word == "restart":
            raise FormatError("command restart: of no service")

    def object(self) -> dict[str, object]:
        """Return it as a value for JSON."""
        return {
            "expires_at_s": self.expires_at_s,
            "expires_in_s": self.expires_in_s,
            "id": self.id,
            "lines": self.lines,
            "service": self.service,
            "word": self.word,
        }

    def pack(self) -> bytes:
        """Return the message."""
        return canonical.encode({**self.object(), "format": FORMAT})

    @classmethod
    def take(cls, fields: Fields) -> "Command":
        """Return the command whose fields these are.

        Raises:
            FormatError: They are others.
        """
        return cls(
            id=fields.text("id", ID),
            word=fields.one_of("word", WORDS),
            expires_at_s=fields.integer("expires_at_s"),
            expires_in_s=fields.integer("expires_in_s", most=EXPIRY_MOST_S),
            service=fields.text("service", _SERVICE_OR_NONE),
            lines=fields.integer("lines", most=LINES_MOST),
        )

    @classmethod
    def unpack(cls, message: bytes) -> "Command":
        """Return what a message says.

        Raises:
            FormatError: It is not such a message.
        """
        fields = _opened(message, "command", MESSAGE_MOST_BYTES)
        command = cls.take(fields)
        fields.end()
        return command


@dataclass(frozen=True, slots=True)
class Reply:
    """A part of an answer to a command.

    Attributes:
        command: Its id.
        state: How it ended; that of the last part counts.
        reason: Why, if it was not done.
        part: Counts from 0.
        is_last: No part follows.
        content: Of the gzip stream; empty if there is nothing to say.
    """

    command: str
    state: Ending
    reason: str = ""
    part: int = 0
    is_last: bool = True
    content: bytes = field(default=b"", repr=False)

    def pack(self) -> bytes:
        """Return the message."""
        return canonical.encode(
            {
                "command": self.command,
                "content": base64.b64encode(self.content).decode(),
                "format": FORMAT,
                "is_last": self.is_last,
                "part": self.part,
                "reason": self.reason[:REASON_MOST],
                "state": self.state,
            }
        )

    @classmethod
    def unpack(cls, message: bytes) -> "Reply":
        """Return what a message says.

        Raises:
            FormatError: It is not such a message.
        """
        fields = _opened(message, "reply", REPLY_MOST_BYTES)
        reply = cls(
            command=fields.text("command", ID),
            state=fields.one_of("state", ENDINGS),
            reason=fields.text("reason", _REASON),
            part=fields.integer("part", most=PARTS_MOST - 1),
            is_last=fields.one_of("is_last", (False, True)),
            content=_decoded(fields.text("content", _BASE64)),
        )
        fields.end()
        if not reply.is_last and (not reply.content or reply.part == PARTS_MOST - 1):
            raise FormatError(f"reply: part {reply.part} can not be followed by another one")
        return reply


def replies(
    command: str, state: Ending, reason: str = "", content: bytes = b""
) -> tuple[Reply, ...]:
    """Return the parts of an answer.

    Args:
        command: The id of what was asked.
        state: How it ended.
        reason: Why, if it was not done.
        content: Not packed yet.

    Raises:
        FormatError: The content is too long.
    """
    packed = pack_content(content) if content else b""
    pieces = [
        packed[at : at + PART_MOST_BYTES] for at in range(0, len(packed), PART_MOST_BYTES)
    ] or [b""]
    last = len(pieces) - 1
    return tuple(
        Reply(command, state, reason, part, part == last, piece)
        for part, piece in enumerate(pieces)
    )


def pack_content(content: bytes) -> bytes:
    """Return content as the parts of an answer carry it.

    Raises:
        FormatError: It is too long, before or after.
    """
    packing = zlib.compressobj(wbits=_GZIP)
    packed = packing.compress(content) + packing.flush()
    longest = max(len(content), len(packed))
    if longest > CONTENT_MOST_BYTES:
        raise FormatError(f"content: {longest} bytes are more than {CONTENT_MOST_BYTES}")
    return packed


def unpack_content(packed: bytes) -> bytes:
    """Return the content that the parts of an answer carry, joined.

    Raises:
        FormatError: They are no gzip stream, or one that is too long; no more than the limit is
            ever unpacked.
    """
    if not packed:
        return b""
    unpacking = zlib.decompressobj(wbits=_GZIP)
    try:
        content = unpacking.decompress(packed, CONTENT_MOST_BYTES + 1)
    except zlib.error as error:
        raise FormatError(f"content: {error}") from error
    if len(content) > CONTENT_MOST_BYTES:
        raise FormatError(f"content: more than {CONTENT_MOST_BYTES} bytes")
    if not unpacking.eof or unpacking.unused_data:
        raise FormatError("content: not one whole gzip stream")
    return content


def pack_commands(commands: Iterable[Command]) -> bytes:
    """Return the message that tells commands, at most `COMMANDS_MOST`."""
    return canonical.encode({"commands": [one.object() for one in commands], "format": FORMAT})


def unpack_commands(message: bytes) -> Sequence[Command]:
    """Return the commands that a message tells.

    Raises:
        FormatError: It is not such a message, or tells too many.
    """
    fields = _opened(message, "commands", MESSAGE_MOST_BYTES)
    found = fields.each("commands", Command.take)
    fields.end()
    if len(found) > COMMANDS_MOST:
        raise FormatError(f"commands: {len(found)} are more than {COMMANDS_MOST}")
    return found


def _decoded(text: str) -> bytes:
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise FormatError(f"reply: content: {error}") from error
    if base64.b64encode(content).decode() != text:
        raise FormatError("reply: content is not in its one form")
    if len(content) > PART_MOST_BYTES:
        raise FormatError(f"reply: content: {len(content)} bytes are more than {PART_MOST_BYTES}")
    return content


def _opened(message: bytes, place: str, most_bytes: int) -> Fields:
    fields = Fields(canonical.decode(message, limit_bytes=most_bytes), place)
    fields.one_of("format", (FORMAT,))
    return fields
