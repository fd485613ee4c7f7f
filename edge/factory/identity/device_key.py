"""Talk to a device that makes its own key, over its console: `edge-agent identity serve` answers.

Each request is said in lines (`edge_signing.frames`), one at a time: the device acknowledges each,
and what is not heard is said again. So neither a lost line nor what the kernel says in between does
harm, and the console of a board need not have any flow control.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from edge.errors import EdgeError, LinkError, UntrustedError
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


@dataclass(slots=True)
class OwnKey:
    """A device at whose console `edge-agent identity serve` listens.

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

    def hello(self, *, timeout_s: float = HELLO_S) -> Dialog[None]:
        """Wait until the device answers.

        Nothing is said while the board says something: its boot loader would take it for a key
        that stops it. If one was stopped all the same, it is told to go on.

        Raises:
            LinkError: It does not in time.
        """
        deadline_s = timeout_s + (yield from self.line.now_s())
        (piece,) = frames.pieces(Way.TO_DEVICE, self._number(), {"ask": "hello"})
        while not (yield from self._is_answered(piece)):
            if (yield from self.line.now_s()) >= deadline_s:
                raise LinkError(
                    f"the device did not answer in {timeout_s:.0f} s; it said {self.line.tail()}",
                    hint="does `edge-agent identity serve` listen at this console?",
                )

    def _is_answered(self, piece: Piece) -> Dialog[bool]:
        """Say hello once, when it is quiet."""
        end_s = _TALK_S + (yield from self.line.now_s())
        came, at_s = yield from self.line.more(_QUIET_S)
        while came and at_s < end_s:
            came, at_s = yield from self.line.more(_QUIET_S)
        if _BOOT_LOADER.search(bytes(self.line.pending)):
            self.line.pending.clear()
            yield Send(b"boot\r")
            return False
        if (yield from self._heard(piece, Assembly(), _HELLO_EVERY_S)) is not None:
            return True
        if not self.start:
            return False
        yield Send(f"\n{self.start}\n".encode())
        return (yield from self._heard(piece, Assembly(), _START_S)) is not None

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
                    raise EdgeError(f"the device says: {said['error']}")
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
            come = frames.piece_in(found[1].decode("ascii", "replace"), Way.FROM_DEVICE)
            if come is not None and come.message == piece.message:
                heard.take(come)
                said = _content(heard)
                # Not to the piece before: an answer, or that this piece was got.
                if said is not None and said.get("got", piece.number) == piece.number:
                    return said
            left_s = deadline_s - (yield from self.line.now_s())
        return None

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
