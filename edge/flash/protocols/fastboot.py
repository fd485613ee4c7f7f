"""Fastboot: one command, one answer, in packets of ASCII; data only where it was agreed on.

A packet is what one `Send` or `Receive` carries: a transfer of USB, a message of TCP or UDP.

Source: Android's fastboot/README.md; U-Boot 2025.01, doc/android/fastboot-protocol.rst.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from edge.errors import EdgeError, InputError, LinkError
from edge.flash.events import Note, Phase
from edge.flash.protocols.steps import Dialog, Receive, Send, Step, Tell, shown

COMMAND_BYTES: Final = 64  # U-Boot's buffer; Android takes more
REPLY_S: Final = 30.0
WORK_S: Final = 180.0  # a slow card that erases says nothing meanwhile
PIECE_BYTES: Final = 1 << 18
MOST_NOTES: Final = 10_000  # a board that only babbles ends
_PRINTABLE: Final = re.compile(r"[ -~]+")
_SIZE: Final = re.compile(rb"[0-9a-fA-F]{8}")


class FastbootRefusedError(EdgeError):
    """The board answered FAIL."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What ended a command.

    Attributes:
        value: Behind OKAY.
        notes: The INFO and TEXT lines before it.
    """

    value: str
    notes: tuple[str, ...]


def command(text: str, *, timeout_s: float = REPLY_S, tells: bool = True) -> Dialog[Reply]:
    """Run one command without data.

    Args:
        text: As on the wire, such as `getvar:version`.
        timeout_s: How long the board may say nothing.
        tells: Pass on what the board says meanwhile.

    Raises:
        InputError: No board takes such a command.
        FastbootRefusedError: The board does not.
        LinkError: It does not answer, or not as fastboot does.
    """
    yield Send(_wire(text))
    return (yield from _end(text, timeout_s, tells=tells))


def variable(name: str) -> Dialog[str | None]:
    """Return a variable; None when the board has none of that name."""
    try:
        reply = yield from command(f"getvar:{name}")
    except FastbootRefusedError:
        return None
    return reply.value or None  # old ones say OKAY and nothing


def variables() -> Dialog[dict[str, str]]:
    """Return all variables; a board that does not list them has none."""
    try:
        reply = yield from command("getvar:all", tells=False)
    except FastbootRefusedError:
        return {}
    # `partition-size:boot: 0x1000`: the value is behind the last colon.
    pairs = (note.rpartition(":") for note in reply.notes)
    return {name.strip(): value.strip() for name, colon, value in pairs if colon}


def download(data: bytes, progress: Callable[[int], Step] | None = None) -> Dialog[None]:
    """Bring data into the memory of the board.

    Args:
        data: At least one byte, at most `max-download-size`.
        progress: Gives the step that tells how many bytes were sent.

    Raises:
        FastbootRefusedError: The board has no room for it.
        LinkError: It does not answer, or wants another amount.
    """
    text = f"download:{len(data):08x}"
    yield Send(_wire(text))
    kind, rest = yield from _answer(text, REPLY_S)
    while kind in _NOTES:
        kind, rest = yield from _answer(text, REPLY_S)
    if kind != b"DATA" or not _SIZE.fullmatch(rest) or int(rest, 16) != len(data):
        raise LinkError(f"fastboot: {text} was answered {shown(kind + rest)}")
    for piece in _cut(data):
        yield Send(piece)
        if progress:
            yield progress(len(piece))
    yield from _end(text, REPLY_S, tells=True)


def upload(text: str, most_bytes: int) -> Dialog[bytes]:
    """Return what a command such as `upload` or `fetch:boot` gives.

    Raises:
        FastbootRefusedError: The board has no such command, or nothing to give.
        LinkError: It does not answer, or gives more than `most_bytes`.
    """
    yield Send(_wire(text))
    kind, rest = yield from _answer(text, REPLY_S)
    if kind != b"DATA" or not _SIZE.fullmatch(rest) or int(rest, 16) > most_bytes:
        raise LinkError(f"fastboot: {text} was answered {shown(kind + rest)}")
    wanted_bytes = int(rest, 16)
    data = bytearray()
    while len(data) < wanted_bytes:
        heard = yield Receive(REPLY_S)
        if not heard.data:
            raise LinkError(f"fastboot: {len(data)} of {wanted_bytes} bytes came")
        data += heard.data
    if len(data) > wanted_bytes:
        raise LinkError(f"fastboot: {len(data)} bytes came, {wanted_bytes} were said")
    yield from _end(text, REPLY_S, tells=True)
    return bytes(data)


def flash(partition: str) -> Dialog[Reply]:
    """Write what was downloaded to a partition; a sparse image is expanded by the board."""
    return (yield from command(f"flash:{partition}", timeout_s=WORK_S))


def erase(partition: str) -> Dialog[Reply]:
    """Erase a partition."""
    return (yield from command(f"erase:{partition}", timeout_s=WORK_S))


def set_active(slot: str) -> Dialog[Reply]:
    """Choose the slot that starts next."""
    return (yield from command(f"set_active:{slot}"))


def oem(words: str, *, tells: bool = True) -> Dialog[Reply]:
    """Run a command of the maker of the board."""
    return (yield from command(f"oem {words}", timeout_s=WORK_S, tells=tells))


def reboot(into: str = "") -> Dialog[None]:
    """Restart the board, or into `bootloader`, `fastboot` or `recovery`.

    A board that is gone before it answered has restarted.
    """
    try:
        yield from command(f"reboot-{into}" if into else "reboot")
    except LinkError as error:
        yield Tell(Note(Phase.EJECT, f"no answer to the restart: {error}"))


def number(text: str) -> int | None:
    """Return a number as boot loaders write it: hexadecimal, with or without 0x."""
    try:
        return int(text, 16 if text.lower().startswith("0x") else 10)
    except ValueError:
        return None


_NOTES: Final = (b"INFO", b"TEXT")
_KINDS: Final = (*_NOTES, b"OKAY", b"FAIL", b"DATA")


def _wire(text: str) -> bytes:
    if not _PRINTABLE.fullmatch(text) or len(text) > COMMAND_BYTES:
        raise InputError(
            f"fastboot: {text!r} is no command",
            hint=f"at most {COMMAND_BYTES} printable ASCII characters",
        )
    return text.encode()


def _cut(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), PIECE_BYTES):
        yield data[start : start + PIECE_BYTES]


def _answer(text: str, timeout_s: float) -> Dialog[tuple[bytes, bytes]]:
    """Return the kind of the next packet and what is behind it; FAIL is raised."""
    heard = yield Receive(timeout_s)
    if not heard.data:
        raise LinkError(
            f"fastboot: no answer to {text!r} in {timeout_s:.0f} s",
            hint="is the board still in fastboot? plug it in again",
        )
    kind, rest = heard.data[:4], heard.data[4:].rstrip(b"\0")
    if kind not in _KINDS:
        raise LinkError(f"fastboot: {text!r} was answered {shown(heard.data)}")
    if kind == b"FAIL":
        reason = rest.decode("ascii", "replace") or "no reason"
        raise FastbootRefusedError(f"the board refused {text!r}: {reason}")
    return kind, rest


def _end(text: str, timeout_s: float, *, tells: bool) -> Dialog[Reply]:
    notes: list[str] = []
    while len(notes) < MOST_NOTES:
        kind, rest = yield from _answer(text, timeout_s)
        said = rest.decode("ascii", "replace")
        if kind == b"OKAY":
            return Reply(said, tuple(notes))
        if kind == b"DATA":
            raise LinkError(f"fastboot: {text!r} was answered {shown(kind + rest)}")
        notes.append(said)
        if tells:
            yield Tell(Note(Phase.WRITE, said))
    raise LinkError(f"fastboot: {text!r} has no end after {MOST_NOTES} lines")
