"""What the agent tells its server and hears from it, whatever state it is in.

The link may be lost at any time: nothing here raises for that. Events wait in the outbox, and every
attempt that went wrong makes the next one later, by a random part of a growing time.
"""

import logging
from collections.abc import Callable
from typing import Final

from edge_agent.backoff import Backoff
from edge_agent.errors import AgentError, StoreError
from edge_agent.link import LinkError
from edge_agent.parts import Parts
from edge_signing.errors import SigningError
from edge_signing.messages import Desired, Status

logger = logging.getLogger(__name__)

STATE_EVERY_S: Final = 30.0
EVENTS_AGAIN_S: Final = 2.0  # after a server took only some of them
QUIET_MOST_S: Final = 3600.0


class Conversation:
    """The link, as the agent uses it.

    Attributes:
        is_reached: Whether the server answered anything since the start.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._backoff = Backoff(parts.clock.jitter)
        self._not_before_s = 0.0
        self._asked_s: float | None = None
        self._told: Status | None = None
        self._shown: Status | None = None
        self._told_s = 0.0
        self._newest: Desired | None = None
        self.is_reached = False

    def order(self, *, at_once: bool = False) -> Desired | None:
        """Return the newest order that is known; the server is asked once in `poll_s` at most.

        Args:
            at_once: Ask now, as there is reason to.
        """
        link, now_s = self._parts.link, self._parts.clock.monotonic_s()
        due_s = 0.0 if self._asked_s is None else self._asked_s + self._parts.options.poll_s
        if link is not None and (at_once or now_s >= due_s):
            asked = self._attempt(lambda: self._ask(link.desired()))
            self._asked_s = now_s if asked else self._asked_s
        return self._newest

    def tell_events(self) -> None:
        """Send the events that wait."""
        link, outbox = self._parts.link, self._parts.outbox
        if link is not None and outbox.waiting():
            self._attempt(lambda: outbox.deliver(link.send_events))

    def note(self, kind: str, *, version: str = "", reason: str = "", action: str = "") -> None:
        """Keep an event that ends no action."""
        at_s = self._parts.clock.now_s()
        try:
            self._parts.outbox.add(kind, at_s=at_s, action=action, version=version, reason=reason)
        except StoreError as error:
            logger.warning("not told: %s %s (%s)", kind, reason, error)

    def tell_status(self, status: Status) -> None:
        """Show how the agent is; the server is told of each new phase, and of progress at times."""
        self._parts.status.show(status)
        self._shown = status
        link, now_s = self._parts.link, self._parts.clock.monotonic_s()
        told = self._told
        is_news = told is None or (told.phase, told.reason) != (status.phase, status.reason)
        if link is None or not (is_news or (status != told and now_s >= self._told_s)):
            return
        if self._attempt(lambda: link.send_state(status)):
            self._told, self._told_s = status, now_s + STATE_EVERY_S

    def wait(self, most_s: float) -> bool:
        """Wait for the server or anything else; return whether there is reason to ask at once."""
        link = self._parts.link
        left_s = self._not_before_s - self._parts.clock.monotonic_s()
        if link is None or left_s > 0:
            return self._parts.pause(min(most_s, left_s) if left_s > 0 else most_s)
        return link.wait(most_s)

    def quiet_s(self) -> float:
        """Return how long there is nothing to do for an agent that is idle."""
        parts, now_s = self._parts, self._parts.clock.monotonic_s()
        if parts.link is None:
            return QUIET_MOST_S
        due_s = now_s if self._asked_s is None else self._asked_s + parts.options.poll_s
        if self._told != self._shown:
            due_s = min(due_s, self._told_s)
        if parts.outbox.waiting():
            due_s = min(due_s, now_s + EVENTS_AGAIN_S)
        return max(due_s, self._not_before_s, now_s) - now_s

    def _ask(self, desired: Desired | None) -> None:
        if desired is not None and (self._newest is None or desired.seq >= self._newest.seq):
            self._newest = desired

    def _attempt(self, call: Callable[[], object]) -> bool:
        if self._parts.clock.monotonic_s() < self._not_before_s:
            return False
        try:
            call()
        except (AgentError, SigningError) as error:
            wait_s = self._failed(error)
            logger.info("server: %s; again in %.0f s", error, wait_s)
            return False
        self._succeeded()
        return True

    def _failed(self, error: Exception) -> float:
        """Count an attempt that went wrong, and return how long to wait."""
        wait_s = self._backoff.next_s(error.wait_s if isinstance(error, LinkError) else 0)
        self._not_before_s = self._parts.clock.monotonic_s() + wait_s
        return wait_s

    def _succeeded(self) -> None:
        self.is_reached = True
        self._backoff.reset()
