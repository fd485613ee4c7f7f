"""What an update waits for: programs of the image, the server, its user, the window, its health.

Waiting ends nothing: a program that does not agree is asked again, later each time. Another order
ends the wait, and one more of the same action may change its policy.
"""

import logging
from dataclasses import replace
from typing import Final

from edge_agent.backoff import Backoff
from edge_agent.clock import now_s
from edge_agent.consent import Consent
from edge_agent.conversation import Conversation
from edge_agent.health import Verdict
from edge_agent.hooks import Moment
from edge_agent.machine import Event
from edge_agent.memory import Memory
from edge_agent.outcome import CancelledError, Outcome, ended
from edge_agent.parts import Parts
from edge_agent.record import Action, Record
from edge_agent.transfer import Transfer
from edge_signing.messages import Desired, Policy

logger = logging.getLogger(__name__)

STAY_S: Final = 2.0
LOOK_EVERY_S: Final = 1.0
ASK_FIRST_S: Final = 60.0  # a program that did not agree
ASK_MOST_S: Final = 900.0


class Waiting:
    """The actions of the states in which nothing is done but waiting.

    Attributes:
        reason: What is waited for, in words; empty if the state says all.
    """

    def __init__(
        self, parts: Parts, memory: Memory, conversation: Conversation, transfer: Transfer
    ) -> None:
        self._parts = parts
        self._memory = memory
        self._conversation = conversation
        self._transfer = transfer
        self._consent = Consent(parts.files)
        self._backoff = Backoff(parts.clock.jitter, ASK_FIRST_S, ASK_MOST_S)
        self._ask_again_s = 0.0
        self.reason = ""

    def reset(self) -> None:
        """Begin anew: another state is to wait."""
        self._parts.hooks.end()
        self._backoff.reset()
        self._ask_again_s = 0.0
        self.reason = ""

    def permit(self, record: Record, action: Action) -> Outcome | None:
        """Wait for the programs that are asked before the other slot is written."""
        record, action = self._renewed(record, action)
        if self._agree("before-install"):
            return Outcome(Event.DONE, record)
        return self.stay(LOOK_EVERY_S)

    def confirm(self, record: Record, action: Action) -> Outcome | None:
        """Wait for the user's word, which comes as a request; it may not be needed any more."""
        record, action = self._renewed(record, action)
        if self.asks_user(action):
            return self.stay()
        return Outcome(Event.DONE, replace(record, action=replace(action, reason="")))

    def wait(self, record: Record, action: Action) -> Outcome | None:
        """Wait until the device may restart."""
        record, action = self._renewed(record, action)
        policy = action.desired.policy if action.desired else None
        if policy is not None and policy.download_only:
            return self.stay()
        if self.asks_user(action) and not action.is_confirmed:
            return Outcome(Event.ASKED, record)
        if not self._is_window_open(action):
            return self.stay()
        if not self._agree("before-restart"):
            return self.stay(LOOK_EVERY_S)
        action = replace(action, is_confirmed=False, desired=_plain(action.desired))
        is_service = action.release is not None and action.release.service
        event = Event.IN_PLACE if is_service else Event.DONE
        return Outcome(event, replace(record, action=action))

    def judge(
        self, record: Record, action: Action, verdict: Verdict, reason: str
    ) -> Outcome | None:
        """Return what a trial comes to by its health; wait a while if that is not known yet."""
        match verdict:
            case Verdict.HEALTHY:
                return Outcome(Event.DONE, replace(record, action=replace(action, reason="")))
            case Verdict.UNHEALTHY:
                return ended(record, Event.FAILED, reason)
            case Verdict.PENDING:
                self.reason = reason
                self._conversation.order()
                return self.stay(LOOK_EVERY_S)

    def asks_user(self, action: Action) -> bool:
        """Return whether the user is asked; who brought a bundle is there and wants it.

        Who has agreed to all updates is not, and nobody is once the time is over until which it may
        be put off. A clock that is not known yet is not after it: the device waits.
        """
        if action.desired is None:
            return False
        until_s = action.desired.policy.confirm_until_s
        if until_s and self._now_s() >= until_s:
            return False
        match action.desired.policy.confirm:
            case "as-set":
                is_wanted = self._parts.options.confirm
            case word:
                is_wanted = word == "always"
        return is_wanted and not self._consent.is_given()

    def stay(self, most_s: float = STAY_S) -> Outcome | None:
        """Wait a while, as the action is not over; no longer than the agent may go on."""
        clock = self._parts.clock
        end_s = clock.monotonic_s() + most_s
        while (left_s := end_s - clock.monotonic_s()) > 0:
            is_woken = self._conversation.wait(min(left_s, STAY_S))
            self._transfer.tick()
            if is_woken:
                break
        return None

    def require_wanted(self, action: Action) -> None:
        """See to it that no other order came.

        Raises:
            CancelledError: One came.
        """
        mine = action.desired
        newest = self._conversation.order() if mine else None
        if newest is None or mine is None or newest.seq <= mine.seq:
            return
        if newest.action != action.id:
            raise CancelledError(f"another order came: {newest.action}")

    def _renewed(self, record: Record, action: Action) -> tuple[Record, Action]:
        """Take up what a newer order of the same action says of how it may go on."""
        self.require_wanted(action)
        mine, newest = action.desired, self._conversation.order()
        if mine is not None and newest is not None and newest.seq > mine.seq:
            action = replace(action, desired=newest)
            record = replace(record, action=action, seq=newest.seq)
            self._memory.save(record)
        return record, action

    def _is_window_open(self, action: Action) -> bool:
        if action.desired is None:
            return True
        window = self._parts.options.window_of(action.desired.policy)
        if window is None:
            return True
        return window.is_open(self._now_s())

    def _now_s(self) -> int:
        """Return the time that counts, seconds since 1970."""
        return now_s(self._parts.clock, self._parts.counters.floor().floor_s)

    def _agree(self, moment: Moment) -> bool:
        """Return whether all programs agree now; not while they are asked, or wait to be asked."""
        clock = self._parts.clock
        if clock.monotonic_s() < self._ask_again_s:
            return False
        said = self._parts.hooks.complaint(moment)
        if said:
            wait_s = self._backoff.next_s()
            self._ask_again_s = clock.monotonic_s() + wait_s
            self.reason = f"{moment}: {said}"
            logger.info("%s; asked again in %.0f s", self.reason, wait_s)
        return said == ""


def _plain(desired: Desired | None) -> Desired | None:
    """Return an order without what nobody asks for after its wait.

    The agent of the system that is started next reads it in the record; it may be older, and not
    know all that an order can say now.
    """
    return None if desired is None else replace(desired, policy=Policy(), approval=b"")
