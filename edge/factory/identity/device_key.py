"""Talk to a device that makes its own key, over its console.

Either the service `factory` answers there by itself, or there is a shell, at which
`edge-agent identity serve` is started; `hello` finds out. Each request is said in lines
(`edge_signing.frames`), one at a time: the device acknowledges each, and what is not heard is said
again. So neither a lost line nor what the kernel says in between does harm, and the console of a
board need not have any flow control.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from edge.errors import EdgeError, LinkError, UntrustedError
from edge.factory.identity import unanswered
from edge.flash.protocols.steps import Dialog, Line, Send
from edge_signing import frames
from edge_signing.errors import FormatError
from edge_signing.frames import Assembly, Piece, Way

START: Final = "edge-ctl identity serve"
TRIES: Final = 5
PIECE_S: Final = 3.0
# A small board that waits for randomness at its first start takes a while to make a key.
ANSWER_S: Final = 30.0
HELLO_S: Final = 60.0
_HELLO_EVERY_S: Final = 2.0
# A boot loader that counts down says so each second.
_QUIET_S: Final = 2.5
# What speaks longer is no boot loader.
_TALK_S: Final = 40.0
_BOOT_LOADER: Final = re.compile(rb"(?:^|[\r\n])=> \Z")
# Python starts slowly on a small board.
_START_S: Final = 15.0
_LINE_END: Final = re.compile(rb"([^\r\n]*)[\r\n]")
_DONE: Final = "the factory is done with it"
_DONE_HINT: Final = "write the board anew to work it again: its identity goes with its data"
_KEPT_BYTES: Final = 400


class Speaker(StrEnum):
    """What answers on the console of a device."""

    SERVICE = "the service `factory`"
    SHELL = "a program that was started at a shell"


@dataclass(slots=True)
class OwnKey:
    """A device at whose console the service `factory` answers, or a shell can be told to.

    Args:
        line: The line to it.
        first: Number of the first request: another one for each conversation, so that no answer to
            an earlier one is taken for one to this.
        start: Typed at the prompt of a shell until the device answers; empty for none.
    """

    line: Line
    first: int
    start: str = ""
    _next: int = field(default=0)
    _said: bytes = field(default=b"")

    def hello(self, *, timeout_s: float = HELLO_S) -> Dialog[Speaker]:
        """Wait until the device answers, and return what it is that does.

        Nothing is said while the board says something: its boot loader would take it for a key
        that stops it. If one was stopped all the same, it is told to go on. A shell is told to
        start the program; at the question of a login nothing is typed but what is no name.

        Raises:
            LinkError: It does not in time.
            EdgeError: It has an identity, and its factory is done with it.
        """
        deadline_s = timeout_s + (yield from self.line.now_s())
        (piece,) = frames.pieces(Way.TO_DEVICE, self._number(), {"ask": "hello"})
        while (speaker := (yield from self._answering(piece))) is None:
            if (yield from self.line.now_s()) >= deadline_s:
                raise unanswered.error(timeout_s, self._said + self.line.pending)
        return speaker

    def _answering(self, piece: Piece) -> Dialog[Speaker | None]:
        """Say hello once, when it is quiet."""
        end_s = _TALK_S + (yield from self.line.now_s())
        came, at_s = yield from self.line.more(_QUIET_S)
        while came and at_s < end_s:
            came, at_s = yield from self.line.more(_QUIET_S)
        if _BOOT_LOADER.search(bytes(self.line.pending)):
            self.line.pending.clear()
            yield Send(b"boot\r")
            return None
        if (yield from self._heard(piece, Assembly(), _HELLO_EVERY_S)) is not None:
            return Speaker.SERVICE
        if not self.start or unanswered.LOGIN.search(bytes(self.line.pending)):
            return None
        self._said = b""
        yield Send(f"\n{self.start}\n".encode())
        if (yield from self._heard(piece, Assembly(), _START_S)) is not None:
            return Speaker.SHELL
        if _DONE.encode() in self._said:
            raise EdgeError(f"the device says: {_DONE}", hint=_DONE_HINT)
        return None

    def new(self, device: str) -> Dialog[bytes]:
        """Let the device make its key, and return its request for a certificate, in PEM.

        Raises:
            LinkError: The device does not answer.
            EdgeError: It says no.
        """
        said = yield from self._ask({"ask": "new", "device": device})
        return _text(said, "request").encode()

    def put(self, chain: str, server_ca: bytes, epoch: int) -> Dialog[str]:
        """Give the device its certificates; return who it is from now on.

        Raises:
            LinkError: The device does not answer.
            EdgeError: It says no.
        """
        content = {"ask": "put", "chain": chain, "server_ca": server_ca.decode(), "epoch": epoch}
        return _text((yield from self._ask(content)), "device")

    def prove(self, nonce: bytes) -> Dialog[bytes]:
        """Return the device's signature of a challenge.

        Raises:
            LinkError: The device does not answer.
            EdgeError: It says no.
        """
        said = yield from self._ask({"ask": "prove", "nonce": nonce.hex()})
        try:
            return bytes.fromhex(_text(said, "signature"))
        except ValueError as error:
            raise UntrustedError("the device sent no signature") from error

    def _ask(self, content: dict[str, Any]) -> Dialog[dict[str, Any]]:
        number = self._number()
        pieces = frames.pieces(Way.TO_DEVICE, number, content)
        for _attempt in range(TRIES):
            for piece in pieces:
                said = yield from self._acknowledged(piece)
                if "error" in said:
                    reason = str(said["error"])
                    hint = _DONE_HINT if _DONE in reason else None
                    raise EdgeError(f"the device says: {reason}", hint=hint)
                if "got" not in said:
                    return said
            # A device that was started anew meanwhile has the last pieces only.
        raise LinkError(f"the device does not keep what is said: {self.line.tail()}")

    def _acknowledged(self, piece: Piece) -> Dialog[dict[str, Any]]:
        wait_s = ANSWER_S if piece.number == piece.count else PIECE_S
        heard = Assembly()
        for _attempt in range(TRIES):
            said = yield from self._heard(piece, heard, wait_s)
            if said is not None:
                return said
        raise LinkError(
            f"the device did not answer {TRIES} times; the last it said: {self.line.tail()}",
            hint="the same command goes on where it stopped",
        )

    def _heard(self, piece: Piece, heard: Assembly, wait_s: float) -> Dialog[dict[str, Any] | None]:
        """Say a piece and return what is said to it; None when not all of that comes in time."""
        yield Send(f"{piece.line()}\n".encode())
        deadline_s = wait_s + (yield from self.line.now_s())
        left_s = wait_s
        while left_s > 0 and (found := (yield from self.line.match(_LINE_END, left_s))):
            self._keep(found[1])
            come = frames.piece_in(found[1].decode("ascii", "replace"), Way.FROM_DEVICE)
            if come is not None and come.message == piece.message:
                heard.take(come)
                said = _content(heard)
                # Not to the piece before: an answer, or that this piece was got.
                if said is not None and said.get("got", piece.number) == piece.number:
                    return said
            left_s = deadline_s - (yield from self.line.now_s())
        return None

    def _keep(self, said: bytes) -> None:
        """Keep the end of what is said, but for the echo of what we say."""
        echoes = (b"@E>", self.start.encode() or b"@E>")
        if said.strip() and not any(one in said for one in echoes):
            self._said = (self._said + said + b"\n")[-_KEPT_BYTES:]

    def _number(self) -> int:
        self._next += 1
        return self.first + self._next


def _content(heard: Assembly) -> dict[str, Any] | None:
    try:
        return heard.content()
    except FormatError:
        return None


def _text(said: dict[str, Any], name: str) -> str:
    found = said.get(name)
    if not isinstance(found, str):
        raise UntrustedError(f"the device did not say its {name}")
    return found
