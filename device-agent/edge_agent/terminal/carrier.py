"""The agent between console and the service `support`: carries parcels, and signs as the device.

It can not read what the frames say, and makes none: the keys of a session are in the service and
with the person. One session at a time, in threads of its own; it ends with the agent, before the
system restarts, and when the link is away for too long.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from edge_agent.errors import AgentError
from edge_agent.identity import Identity
from edge_agent.link import LinkError
from edge_agent.terminal.device_key import DeviceSigner
from edge_agent.terminal.opening import Opening, Peer, PeerError
from edge_agent.terminal.terms import Terms
from edge_signing.errors import FormatError, SigningError
from edge_signing.terminal import parcels
from edge_signing.terminal.parcels import Kind, Order, Parcel

logger = logging.getLogger(__name__)

# How long the link may be away.
AWAY_S: Final = 20.0
ALIVE_S: Final = 15.0
# After which a console that says nothing is away.
SILENT_S: Final = 60.0
_AGAIN_S: Final = 0.3
_LOOK_S: Final = 0.5
END_S: Final = 3.0
# What is refused at once; a console that asks for more is not answered.
REFUSED_MOST: Final = 4
NOT_ALLOWED: Final = "terminal: the settings of this system do not allow it"
_FROM_SUPPORT: Final = (Kind.ANSWER, Kind.REFUSED, Kind.RECORD, Kind.CLOSED, Kind.FRAME)
_LAST: Final = (Kind.REFUSED, Kind.CLOSED)


class Way(Protocol):
    """The way to the console, for one session; its errors are those of `Link`."""

    def next(self, session: str, after: int) -> Sequence[Parcel] | None:
        """Return the parcels after one; wait for some for a while. None: nothing was heard."""

    def send(self, said: Sequence[Parcel]) -> None:
        """Tell parcels, in order; the same ones may be told again."""

    def hang_up(self) -> None:
        """Give back what `next` needs; for the thread that called it."""

    def close(self) -> None:
        """Give everything else back."""


@dataclass(frozen=True, slots=True)
class Here:
    """What a carrier knows of its device.

    Attributes:
        terms: What the image allows; None for nothing.
        identity: Who the device is.
        connect: Returns the service `support`.
        floor_s: Returns the time that it is at least, seconds since 1970.
        objection: Returns why there is no session now, empty if there may be one.
    """

    terms: Terms | None
    identity: Identity
    connect: Callable[[], Peer]
    floor_s: Callable[[], int]
    objection: Callable[[], str]


class Carrier:
    """The sessions of one device, one at a time.

    Args:
        here: The device.
        clock: Seconds that never go back.
    """

    def __init__(self, here: Here, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._here = here
        self._clock = clock
        self._lock = threading.Lock()
        self._one: _Carried | None = None
        self._refused: list[_Carried] = []

    def open(self, first: Parcel, way: Way) -> None:
        """Begin a session that the console asks for, or refuse it; from any thread.

        Args:
            first: Of the kind `OPEN`; one that came before changes nothing.
            way: To the console; it is closed when the session is over.
        """
        with self._lock:
            running = self._one if self._one is not None and self._one.is_alive() else None
            if running is not None and running.session == first.session:
                way.hang_up()
                way.close()
                return
            self._refused = [one for one in self._refused if one.is_alive()]
            if running is not None and len(self._refused) >= REFUSED_MOST:
                way.hang_up()
                way.close()
                return
            refusal = "terminal: another session is open" if running is not None else ""
            made = _Carried(self._here, first, way, self._clock, refusal)
            if running is None:
                self._one = made
            else:
                self._refused.append(made)
            made.start()

    def close(self) -> None:
        """End what is under way."""
        with self._lock:
            one = self._one
        if one is not None:
            one.end("the agent ended")
            one.join(END_S)


@dataclass(slots=True)
class _Told:
    """The parcels of one direction, numbered."""

    session: str
    next: int = 0
    waiting: list[Parcel] = field(default_factory=list)

    def add(self, one: Parcel) -> None:
        self.waiting.append(replace(one, session=self.session, n=self.next))
        self.next += 1


class _Carried(threading.Thread):
    """One session: this thread brings what the service says, another one what the console says."""

    def __init__(
        self, here: Here, first: Parcel, way: Way, clock: Callable[[], float], refusal: str
    ) -> None:
        super().__init__(name="terminal", daemon=True)
        self.session = first.session
        self._here, self._first, self._way, self._clock = here, first, way, clock
        self._refusal = refusal
        self._told = _Told(first.session)
        self._over = threading.Event()
        self._hearing: threading.Thread | None = None
        self._reason = ""
        self._heard_s = self._said_s = clock()

    def end(self, reason: str) -> None:
        """End the session; from any thread."""
        if not self._over.is_set():
            self._reason = reason
            self._over.set()

    def run(self) -> None:
        """Carry, until the session is over."""
        try:
            self._carry()
        except LinkError as error:
            logger.info("terminal %s: %s", self.session, error)
        except (AgentError, SigningError) as error:
            logger.info("terminal %s: refused: %s", self.session, error)
            self._refuse(str(error))
        except Exception:
            logger.exception("terminal %s", self.session)
        finally:
            self._over.set()
            if self._hearing is None:
                self._way.hang_up()
            self._way.close()

    def _carry(self) -> None:
        """Carry a session.

        Raises:
            LinkError: The console is away.
            AgentError: There is no session.
        """
        here = self._here
        if here.terms is None:
            raise AgentError(NOT_ALLOWED)
        if objection := self._refusal or here.objection():
            raise AgentError(objection)
        signer = DeviceSigner.of(here.identity)
        peer = here.connect()
        try:
            peer.send(replace(self._first, content=self._opening(signer).pack(), n=0))
            self._hearing = threading.Thread(target=self._hear, args=(peer,), daemon=True)
            self._hearing.start()
            self._speak(peer, signer)
        finally:
            self._over.set()
            peer.close()

    def _opening(self, signer: DeviceSigner) -> Opening:
        identity = self._here.identity
        return Opening(
            identity.device,
            identity.epoch,
            signer.certificate,
            self._here.floor_s(),
            self._first.content,
        )

    def _speak(self, peer: Peer, signer: DeviceSigner) -> None:
        """Bring what the service says to the console, until it has said its last."""
        is_ending = False
        while True:
            found = peer.wait(_LOOK_S)
            for one in found:
                if one.kind not in _FROM_SUPPORT:
                    raise PeerError(f"support: {one.kind} has no place")
                self._told.add(signer.signed(one, self._first.content))
            if self._clock() >= self._said_s + ALIVE_S:
                self._told.add(Parcel(self.session, 0, Kind.ALIVE))
            self._bring()
            if any(one.kind in _LAST for one in found):
                return
            if not is_ending and (reason := self._why_ended()):
                is_ending = True
                peer.send(Parcel(self.session, 0, Kind.END, reason.encode()))

    def _why_ended(self) -> str:
        if self._over.is_set():
            return self._reason or "the way to the console was lost"
        if self._clock() >= self._heard_s + SILENT_S:
            return "the console says nothing any more"
        return self._here.objection()

    def _hear(self, peer: Peer) -> None:
        """Bring what the console says to the service; in a thread of its own."""
        order, lost_s = Order(), None
        order.next = self._first.n + 1
        while not self._over.is_set():
            try:
                found = self._way.next(self.session, order.next - 1)
                lost_s = None
                if found is None:
                    continue
                self._heard_s = self._clock()
                news = [one for one in found if order.is_news(one)]
                peer.send(*(one for one in news if one.kind is not Kind.ALIVE))
                if any(one.kind is Kind.END for one in news):
                    break  # nothing comes after it
            except LinkError as error:
                lost_s = self._clock() if lost_s is None else lost_s
                if self._clock() >= lost_s + AWAY_S:
                    self.end(f"the way to the console was lost: {error}")
                self._over.wait(_AGAIN_S)
            except (AgentError, SigningError) as error:
                self.end(str(error))
        self._way.hang_up()

    def _bring(self) -> None:
        """Tell the console all that waits.

        Raises:
            LinkError: It is away.
        """
        lost_s = None
        while self._told.waiting:
            now = parcels.fitting(self._told.waiting)
            try:
                self._way.send(now)
            except LinkError:
                lost_s = self._clock() if lost_s is None else lost_s
                if self._clock() >= lost_s + AWAY_S:
                    raise
                time.sleep(_AGAIN_S)
                continue
            del self._told.waiting[: len(now)]
            self._said_s, lost_s = self._clock(), None

    def _refuse(self, reason: str) -> None:
        self._told.add(Parcel(self.session, 0, Kind.REFUSED, reason.encode()))
        try:
            self._bring()
        except (AgentError, FormatError) as error:
            logger.info("terminal %s: %s", self.session, error)
