"""Does what is asked of the device, one thing after the other, in a thread of its own.

The machine goes on meanwhile: an update does not wait for it. Commands come from links, which are
not trusted: what comes twice is done once, what has expired is not done, what the settings do not
allow is refused, and what comes too fast waits or is dropped. An act is noted on the disk before
it is done, so that no power cut lets it be done twice.
"""

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from edge_agent.backoff import Backoff
from edge_agent.clock import Clock
from edge_agent.errors import AgentError, StoreError
from edge_agent.link import LinkError
from edge_agent.reach.notes import Note, Notes
from edge_agent.reach.policy import Policy
from edge_agent.reach.rate import Rate
from edge_agent.reach.work import Work
from edge_agent.request import RefusedError
from edge_signing.commands import ACTING, Command, Ending, Reply, replies
from edge_signing.errors import FormatError, SigningError

logger = logging.getLogger(__name__)

WAITING_MOST: Final = 16
ANSWERS_KEPT: Final = 4
BURST: Final = 10
EVERY_S: Final = 6.0
ANSWER_LEAST_S: Final = 60.0  # how long an answer is tried to be told, expired or not
# After a start the way to the server may take its time.
OPEN_ANSWER_S: Final = 900.0
END_S: Final = 3.0
_REASON_MOST: Final = 500


class Channel(Protocol):
    """The way to the server, for this thread alone; its errors are those of `Link`."""

    def commands(self) -> Sequence[Command]:
        """Return what is asked of this device."""

    def send_reply(self, reply: Reply) -> None:
        """Tell a part of an answer."""

    def close(self) -> None:
        """Give everything back."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A command, and when it expires by the clock that only goes forward."""

    command: Command
    expires_s: float


class Executor:
    """The commands of one device.

    Args:
        policy: What may be done.
        work: What the words mean.
        notes: Of acts.
        channel: The way to the server.
        clock: The time.
        ended: Set when the agent ends; waits are for it.
    """

    def __init__(
        self,
        policy: Policy,
        work: Work,
        notes: Notes,
        channel: Channel,
        clock: Clock,
        *,
        ended: threading.Event | None = None,
    ) -> None:
        self._policy, self._work, self._notes = policy, work, notes
        self._channel, self._clock = channel, clock
        self._rate = Rate(BURST, EVERY_S, BURST, clock.monotonic_s())
        self._backoff = Backoff(clock.jitter, first_s=2.0, most_s=60.0)
        self._waiting: deque[_Waiting] = deque()
        self._answered: OrderedDict[str, tuple[Reply, ...]] = OrderedDict()
        self._is_asked = False
        self._changed = threading.Condition()
        self._ended = ended or threading.Event()
        self._thread = threading.Thread(target=self._run, name="reach", daemon=True)

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def close(self) -> None:
        """End; nobody waits for what is under way."""
        self._ended.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(END_S)
        else:
            self._channel.close()

    def take(self, command: Command) -> None:
        """Take a command up, if there is room; from any thread."""
        expires_s = self._clock.monotonic_s() + command.expires_in_s
        with self._changed:
            is_known = any(one.command.id == command.id for one in self._waiting)
            if is_known or len(self._waiting) >= WAITING_MOST:
                return
            self._waiting.append(_Waiting(command, expires_s))
            self._changed.notify_all()

    def look(self) -> None:
        """Look for commands: the server says that there are some; from any thread."""
        with self._changed:
            self._is_asked = True
            self._changed.notify_all()

    def tell_open(self) -> None:
        """Tell what became of acts that were begun in an earlier start, once."""
        for note in self._notes.left_open():
            if note.state:
                self._end(note.id, note.state, note.reason)
                until_s = self._clock.monotonic_s() + OPEN_ANSWER_S
                self._deliver(replies(note.id, note.state, note.reason), until_s)

    def step(self) -> bool:
        """Do one thing; return whether there was one."""
        with self._changed:
            is_asked, self._is_asked = self._is_asked, False
            waiting = self._waiting[0] if self._waiting else None
        if is_asked:
            self._ask()
            return True
        if waiting is None:
            return False
        try:
            if not self._pause(self._rate.wait_s(self._clock.monotonic_s())):
                self._rate.take()
                self._answer(waiting)
        finally:
            # Not before: what comes again meanwhile is the same one.
            with self._changed:
                self._waiting.popleft()
        return True

    def _run(self) -> None:
        try:
            self._guarded(self.tell_open)
            while not self._ended.is_set():
                self._guarded(self.step)
                with self._changed:
                    self._changed.wait_for(self._has_something)
        finally:
            self._channel.close()

    def _guarded(self, act: Callable[[], object]) -> None:
        """Do something; a fault of ours costs this one command, and no other."""
        try:
            act()
        except Exception:
            logger.exception("a command could not be done")

    def _has_something(self) -> bool:
        return bool(self._waiting) or self._is_asked or self._ended.is_set()

    def _ask(self) -> None:
        try:
            for command in self._channel.commands():
                self.take(command)
        except (AgentError, SigningError) as error:
            # Said again with the next answer of the server.
            logger.debug("commands: %s", error)

    def _answer(self, waiting: _Waiting) -> None:
        command = waiting.command
        said = self._answered.get(command.id) or self._done(waiting)
        self._answered[command.id] = said
        while len(self._answered) > ANSWERS_KEPT:
            self._answered.popitem(last=False)
        self._deliver(said, max(waiting.expires_s, self._clock.monotonic_s() + ANSWER_LEAST_S))

    def _done(self, waiting: _Waiting) -> tuple[Reply, ...]:
        """Do a command, and return the answer."""
        command = waiting.command
        known = self._notes.find(command.id)
        if known is not None:
            return _known(known)
        if self._has_expired(waiting):
            return replies(command.id, "expired", "it came too late")
        if refusal := self._policy.refusal(command):
            return replies(command.id, "refused", refusal)
        logger.info("command %s: %s %s", command.id, command.word, command.service)
        try:
            content = self._do(command)
            # A restart of the system is told by the next one.
            is_over = command.word != "reboot"
            return replies(command.id, "done", content=content) if is_over else ()
        except RefusedError as error:
            return self._ended_badly(command, "refused", error.reason)
        except (AgentError, FormatError) as error:
            return self._ended_badly(command, "failed", str(error))

    def _do(self, command: Command) -> bytes:
        if command.word in ACTING:
            self._notes.begin(command)
        match command.word:
            case "logs":
                return self._work.logs(command.service, command.lines)
            case "inventory":
                return self._work.inventory()
            case "restart":
                self._work.restart(command.service)
                self._end(command.id, "done")
            case "reboot":
                self._work.reboot()
        return b""

    def _ended_badly(self, command: Command, state: Ending, reason: str) -> tuple[Reply, ...]:
        reason = reason[:_REASON_MOST]
        if self._notes.find(command.id) is not None:
            self._end(command.id, state, reason)
        return replies(command.id, state, reason)

    def _end(self, id_: str, state: Ending, reason: str = "") -> None:
        try:
            self._notes.end(id_, state, reason)
        except StoreError as error:
            logger.warning("command %s: its end is not noted: %s", id_, error)

    def _has_expired(self, waiting: _Waiting) -> bool:
        """Whether it is too late by either clock; one that is slow is no reason to do it."""
        return (
            self._clock.monotonic_s() >= waiting.expires_s
            or self._clock.now_s() >= waiting.command.expires_at_s
        )

    def _deliver(self, said: Sequence[Reply], until_s: float) -> None:
        """Tell an answer, again and again until it was heard or nobody waits for it."""
        left = deque(said)
        self._backoff.reset()
        while left and not self._ended.is_set():
            try:
                self._channel.send_reply(left[0])
                left.popleft()
            except LinkError as error:
                wait_s = self._backoff.next_s(error.wait_s)
                if self._clock.monotonic_s() + wait_s >= until_s or self._pause(wait_s):
                    logger.info("command %s: nobody heard the answer", left[0].command)
                    return
            except (AgentError, SigningError) as error:
                logger.debug("command %s: %s", left[0].command, error)
                return

    def _pause(self, wait_s: float) -> bool:
        """Wait; return whether the agent ends."""
        return self._ended.wait(wait_s) if wait_s > 0 else self._ended.is_set()


def _known(note: Note) -> tuple[Reply, ...]:
    """Return the answer to a command that comes again."""
    if note.state:
        return replies(note.id, note.state, note.reason)
    if note.word == "reboot":
        return ()
    return replies(note.id, "failed", "was begun before: it may have been done, or not")
