"""The service `support` in one session: joins a session to a shell and to the agent.

One thread. It decides nothing: who may come in `grant.require` says, what is done the session does.
"""

import hashlib
import logging
import select
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from edge_agent.errors import AgentError, StoreError
from edge_agent.store import Files
from edge_agent.terminal import shell
from edge_agent.terminal.opening import Opening, Peer, PeerError
from edge_agent.terminal.session import (
    PIECE_BYTES,
    Act,
    Resize,
    Session,
    Start,
    Stop,
    Tell,
    Type,
)
from edge_agent.terminal.shell import Shell, ShellError
from edge_agent.terminal.terms import Terms
from edge_agent.terminal.used import Used
from edge_signing.errors import FormatError, SigningError, TrustError
from edge_signing.terminal import grant as grants
from edge_signing.terminal.grant import SignedGrant, Standing
from edge_signing.terminal.parcels import Kind, Parcel

logger = logging.getLogger(__name__)

_TICK_S: Final = 0.05
# After a piece of output, so that much of it goes in few pieces.
_APART_S: Final = 0.01
_REST_S: Final = 0.5  # for what is printed after the end


@dataclass(frozen=True, slots=True)
class House:
    """What all sessions of a service have.

    Attributes:
        terms: What the image allows; None for nothing.
        files: Where used grants are noted.
        floor_s: The time is not before this, seconds since 1970.
        user: As whom shells run; None for the own user.
        now_s: Seconds since 1970.
        noise: Returns so many random bytes.
    """

    terms: Terms | None
    files: Files
    floor_s: int
    user: int | None
    now_s: Callable[[], int]
    noise: Callable[[int], bytes]
    monotonic_s: Callable[[], float] = time.monotonic


def serve(house: House, peer: Peer) -> None:
    """Serve one connection of the agent, until its session is over."""
    session_id = ""
    try:
        first = peer.receive()[0]
        session_id = first.session
        served = _opened(house, peer, first)
    except (PeerError, IndexError) as error:
        logger.info("no session: %s", error)
        return
    except (AgentError, SigningError) as error:
        logger.warning("session %s is refused: %s", session_id, error)
        refuse(peer, session_id, str(error))
        peer.finish()
        return
    try:
        served.run()
    except PeerError as error:
        logger.info("session %s: %s", session_id, error)
    finally:
        served.close()
        peer.finish()
        logger.info("session %s is over", session_id)


def refuse(peer: Peer, session: str, reason: str) -> None:
    """Tell the agent why there is no session."""
    try:
        peer.send(Parcel(session, 0, Kind.REFUSED, reason.encode()))
    except PeerError as error:
        logger.debug("%s", error)


def _opened(house: House, peer: Peer, first: Parcel) -> "_Served":
    """Return a session whose grant holds; from then on the grant is used.

    Raises:
        TrustError: The grant does not hold.
        FormatError: It can not be read.
        StoreError: That it is used can not be noted.
    """
    if first.kind is not Kind.OPEN:
        raise FormatError(f"terminal: {first.kind} where a grant is due")
    if house.terms is None:
        raise TrustError("terminal: the settings of this system do not allow it")
    opening = Opening.unpack(first.content)
    signed = SignedGrant.unpack(opening.grant)
    used = Used(house.files)
    now_s = max(house.now_s(), house.floor_s, opening.floor_s)
    fingerprint = hashlib.sha256(opening.certificate).digest()
    standing = Standing(opening.device, opening.epoch, fingerprint, now_s, used.forgotten_s)
    grants.require(signed, house.terms.keys, standing, used.has)
    if signed.grant.session != first.session:
        raise TrustError("grant: for another session")
    try:
        used.add(signed.grant)
    except StoreError as error:
        raise StoreError(f"terminal: a grant can not be noted: {error}") from error
    session = Session(
        opening.grant,
        opening.certificate,
        house.terms,
        house.noise(32),
        at_s=house.monotonic_s(),
        now_s=now_s,
    )
    grant = signed.grant
    logger.info("session %s: %s: %s", grant.session, grant.who, grant.command or "a shell")
    peer.send(Parcel(first.session, 0, Kind.ANSWER, session.key))
    return _Served(house, house.terms, peer, first.session, session)


@dataclass(slots=True)
class _Served:
    house: House
    terms: Terms
    peer: Peer
    id: str
    session: Session
    _shell: Shell | None = None
    _has_ended: bool = False
    _rest_end_s: float = 0.0
    _not_before_s: float = 0.0

    def run(self) -> None:
        """Go on until the session is over."""
        while not self.session.is_over:
            ready, writable = self._waited()
            if self.peer.fileno() in ready:
                self._hear()
            running = self._shell
            if running is not None and not self.session.is_over:
                self._look_at(running, ready, writable)
            self._do(self.session.tick(self._now()))

    def close(self) -> None:
        """End all that runs."""
        if self._shell is not None:
            self._shell.end()
            self._shell = None

    def _waited(self) -> tuple[set[int], set[int]]:
        reads, writes = {self.peer.fileno()}, set()
        running, now = self._shell, self._now()
        if running is not None:
            if self.session.may_show and now >= self._not_before_s:
                reads |= set(running.outputs)
            if not self._has_ended:
                reads.add(running.ended)
            if running.has_typed and running.terminal is not None:
                writes.add(running.terminal)
        wait_s = _TICK_S if now >= self._not_before_s else self._not_before_s - now
        found = select.select(reads, writes, (), wait_s)
        return set(found[0]), set(found[1])

    def _hear(self) -> None:
        for parcel in self.peer.receive():
            match parcel.kind:
                case Kind.FRAME:
                    self._do(self.session.receive(parcel.content, self._now()))
                case Kind.STORED:
                    self.session.stored(parcel.number)
                case Kind.END:
                    self._do(self.session.end(parcel.text, self._now()))
                case _:
                    self._do(self.session.end(f"{parcel.kind} has no place here", self._now()))

    def _look_at(self, running: Shell, ready: set[int], writable: set[int]) -> None:
        if running.terminal in writable:
            running.give()
        for descriptor in [one for one in running.outputs if one in ready]:
            self._show(running, descriptor)
        if running.ended in ready and not self._has_ended:
            self._has_ended, self._rest_end_s = True, self._now() + _REST_S
        # What it left behind may hold the outputs open.
        is_silent = not running.outputs or self._now() >= self._rest_end_s
        if self._has_ended and is_silent and self.session.may_show:
            self._do(self.session.exited(running.status(), self._now()))

    def _show(self, running: Shell, descriptor: int) -> None:
        if self.session.is_over:
            return
        printed = running.read(descriptor, PIECE_BYTES)
        if printed is None:
            running.drop(descriptor)
        elif printed:
            now = self._not_before_s = self._now()
            self._not_before_s += _APART_S
            self._do(self.session.show(running.outputs[descriptor], printed, now))

    def _do(self, acts: Iterable[Act]) -> None:
        for act in acts:
            match act:
                case Tell():
                    self.peer.send(Parcel(self.id, 0, act.kind, act.content, act.number))
                case Start():
                    self._start(act)
                case Type():
                    self._type(act.data)
                case Resize() if self._shell is not None:
                    self._shell.resize(act.size)
                case Resize() | Stop():
                    pass  # `run` ends, and all that runs with it

    def _start(self, wanted: Start) -> None:
        try:
            self._shell = shell.start(wanted, self.terms.command, self.house.user)
        except ShellError as error:
            self._do(self.session.end(error.reason, self._now()))

    def _type(self, data: bytes) -> None:
        if self._shell is None:
            return
        try:
            self._shell.take(data)
        except ShellError as error:
            self._do(self.session.end(error.reason, self._now()))
            return
        self._shell.give()

    def _now(self) -> float:
        return self.house.monotonic_s()
