"""The device's end of one terminal: what comes in, and what is to be done. Pure.

Nothing is run before a frame has opened that only the person of the grant can have made. The
first frame that does not open ends the session. What is shown was put into the record before, and
no more is shown than a bounded part that the console has not said to have stored.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, assert_never

from edge_agent.terminal.terms import Terms
from edge_signing.errors import FormatError, TrustError
from edge_signing.terminal import parcels
from edge_signing.terminal.frames import TO_DEVICE, End, Frame, Kind, Opener, Sealer, Size
from edge_signing.terminal.grant import SignedGrant
from edge_signing.terminal.handshake import own_key, public_bytes, session_keys, transcript
from edge_signing.terminal.record import Recorder

START_S: Final = 60.0
FLUSH_S: Final = 0.1
WINDOW_BYTES: Final = 256 << 10
WINDOW_CHUNKS: Final = 32
PIECE_BYTES: Final = 8 << 10  # that is shown at once


@dataclass(frozen=True, slots=True)
class Start:
    """Run what the grant allows.

    Attributes:
        command: One command; empty for a shell.
    """

    size: Size
    command: str


@dataclass(frozen=True, slots=True)
class Type:
    """Give this to what runs."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Resize:
    """Tell what runs that the window has another size."""

    size: Size


@dataclass(frozen=True, slots=True)
class Tell:
    """Send this to the console."""

    kind: parcels.Kind
    content: bytes = field(repr=False)
    number: int = 0


@dataclass(frozen=True, slots=True)
class Stop:
    """End all that runs."""


Act = Start | Type | Resize | Tell | Stop


class Session:
    """One session, from the answer to its grant on.

    Attributes:
        key: The own public key, for the answer.

    Args:
        packed: The signed grant as it came; it was verified.
        certificate: Of the device, in DER.
        terms: What the image allows.
        noise: 32 random bytes.
        at_s: Now, on a clock that only goes forward, as in all methods.
        now_s: Seconds since 1970.

    Raises:
        TrustError: The key of the grant gives no secret.
    """

    def __init__(
        self,
        packed: bytes,
        certificate: bytes,
        terms: Terms,
        noise: bytes,
        *,
        at_s: float,
        now_s: int,
    ) -> None:
        self._grant = SignedGrant.unpack(packed).grant
        mine = own_key(noise)
        self.key = public_bytes(mine)
        digest = transcript(packed, self.key, certificate)
        keys = session_keys(mine, self._grant.key, digest)
        self._opener = Opener(keys.to_device, TO_DEVICE)
        self._sealer = Sealer(keys.to_person)
        self._recorder = Recorder(digest)
        self._idle_s = min(self._grant.idle_s, terms.idle_s)
        self._end_s = at_s + min(self._grant.longest_s, terms.longest_s)
        self._now_s = now_s
        self._began_s = self._typed_s = self._flushed_s = at_s
        self._unstored: OrderedDict[int, int] = OrderedDict()
        self._is_running = False
        self.is_over = False

    @property
    def may_show(self) -> bool:
        """Whether more may be shown before the console has stored what was."""
        waiting = sum(self._unstored.values()) + self._recorder.waiting_bytes
        return waiting < WINDOW_BYTES and len(self._unstored) < WINDOW_CHUNKS

    def receive(self, sealed: bytes, at_s: float) -> Iterator[Act]:
        """Take a frame of the person; return what is to be done."""
        if self.is_over:
            return
        try:
            yield from self._taken(self._opener.open(sealed), at_s)
        except (TrustError, FormatError) as error:
            yield from self.end(str(error), at_s)

    def show(self, kind: Kind, data: bytes, at_s: float) -> Iterator[Act]:
        """Show what was printed, at most `PIECE_BYTES`; return what is to be done."""
        if self.is_over or not data:
            return
        self._recorder.add(at_s - self._began_s, "o", data)
        yield from self._flushed(at_s)
        yield self._frame(kind, data)
        if self._recorder.is_full:
            yield from self.end("the record is full", at_s)

    def exited(self, status: int, at_s: float) -> Iterator[Act]:
        """Note that what ran has ended by itself; return what is to be done."""
        yield from self._ended(f"it ended with status {status}", status, at_s)

    def end(self, reason: str, at_s: float) -> Iterator[Act]:
        """End the session; return what is to be done."""
        yield from self._ended(reason, None, at_s)

    def stored(self, number: int) -> None:
        """Note that the console has stored the chunks up to this one."""
        while self._unstored and next(iter(self._unstored)) <= number:
            self._unstored.popitem(last=False)

    def tick(self, at_s: float) -> Iterator[Act]:
        """Look at the time; return what is to be done."""
        if self.is_over:
            return
        is_shell = self._is_running and not self._grant.command
        if at_s >= self._end_s:
            yield from self.end("the longest time of a session is over", at_s)
        elif not self._is_running and at_s >= self._began_s + START_S:
            yield from self.end("nobody has begun it", at_s)
        elif is_shell and at_s >= self._typed_s + self._idle_s:
            yield from self.end(f"nothing was typed for {self._idle_s} s", at_s)
        elif at_s >= self._flushed_s + FLUSH_S:
            yield from self._flushed(at_s, is_due=True)

    def _taken(self, frame: Frame, at_s: float) -> Iterator[Act]:
        kind = Kind(frame.kind)
        if self._is_running == (kind is Kind.START):
            raise FormatError("a frame came where it has no place")
        match kind:
            case Kind.START:
                yield from self._started(Size.unpack(frame.body), at_s)
            case Kind.KEYS:
                self._typed_s = at_s
                self._recorder.add(at_s - self._began_s, "i", frame.body)
                yield Type(frame.body)
            case Kind.SIZE:
                size = Size.unpack(frame.body)
                self._recorder.resize(at_s - self._began_s, size)
                yield Resize(size)
            case Kind.LEAVE:
                yield from self.end("the person has left", at_s)
            case Kind.STARTED | Kind.OUTPUT | Kind.ERRORS | Kind.ENDED:
                raise FormatError(f"a frame of the kind {kind} is none for a device")
            case _:
                assert_never(kind)

    def _started(self, size: Size, at_s: float) -> Iterator[Act]:
        self._is_running = True
        self._began_s = self._typed_s = at_s
        self._recorder.begin(self._grant, size, self._now_s)
        yield from self._flushed(at_s, is_due=True)
        yield self._frame(Kind.STARTED)
        yield Start(size, self._grant.command)

    def _flushed(self, at_s: float, *, is_due: bool = False) -> Iterator[Act]:
        """Send the record on, if it is time."""
        is_long = self._recorder.waiting_bytes >= PIECE_BYTES
        if not (is_due or is_long or at_s >= self._flushed_s + FLUSH_S):
            return
        self._flushed_s = at_s
        while chunk := self._recorder.chunk():
            number = self._recorder.chunks - 1
            self._unstored[number] = len(chunk)
            yield Tell(parcels.Kind.RECORD, chunk, number)

    def _ended(self, reason: str, status: int | None, at_s: float) -> Iterator[Act]:
        if self.is_over:
            return
        self.is_over = True
        yield from self._flushed(at_s, is_due=True)
        yield self._frame(Kind.ENDED, End(reason, status).pack())
        closing = self._recorder.closing(reason, status)
        yield Tell(parcels.Kind.CLOSED, closing.pack(), self._recorder.chunks)
        yield Stop()

    def _frame(self, kind: Kind, body: bytes = b"") -> Tell:
        return Tell(parcels.Kind.FRAME, self._sealer.seal(kind, body))
