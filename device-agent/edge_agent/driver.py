"""The agent: takes the machine from state to state. Stores the state, then does its action.

One thread does everything; others only put requests into the queue.
"""

import logging
import queue
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from edge_agent.actions import Actions
from edge_agent.boot.control import other_slot
from edge_agent.consent import Consent
from edge_agent.conversation import Conversation
from edge_agent.errors import AgentError, BootStateError, CountersError
from edge_agent.health import Verdict
from edge_agent.in_place.running import versions
from edge_agent.in_place.starting import known_of, tell_init
from edge_agent.machine import (
    REJECTIONS_MOST,
    TABLE,
    Event,
    State,
    following,
    is_over_limit,
    result_of,
)
from edge_agent.memory import Memory
from edge_agent.parts import Parts
from edge_agent.record import Action, Record
from edge_agent.request import RefusedError, Request
from edge_agent.steadiness import Steadiness
from edge_agent.transfer import StoppedError, Transfer
from edge_agent.waiting import LOOK_EVERY_S
from edge_signing.messages import Desired, Status
from edge_signing.trust.sighting import UNSEEN

logger = logging.getLogger(__name__)

ASK_S: Final = 8.0  # less than who asks over the socket waits
# In these somebody may ask for something.
ASKABLE: Final = (State.IDLE, State.TRIAL, State.WAITING, State.CONFIRMING)


@dataclass(slots=True)
class _Asked:
    """A request from outside, and its answer."""

    request: Request
    is_given_up: bool = False
    answer: "queue.Queue[str]" = field(default_factory=lambda: queue.Queue(1))


class Agent:
    """The agent of one start of the system.

    Args:
        parts: All that it works with.
        is_stopped: Whether it has to end.
        wake: Ends a wait of the agent, from another thread.
    """

    def __init__(
        self,
        parts: Parts,
        *,
        is_stopped: Callable[[], bool] = lambda: False,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._parts = parts
        self._wake = wake
        self._memory = Memory(parts.files)
        self._conversation = Conversation(parts)
        self._steadiness = Steadiness(parts, self._conversation)
        self._transfer = Transfer(parts.clock.monotonic_s, is_stopped, self.tell)
        self._actions = Actions(parts, self._memory, self._conversation, self._transfer)
        self._asked: queue.SimpleQueue[_Asked] = queue.SimpleQueue()
        self._is_kept = False
        self._reason = ""
        self.consent = Consent(parts.files)
        self.record = Record()

    def run(self) -> None:
        """Work until the agent has to end.

        Raises:
            AgentError: The device cannot be worked with at all.
        """
        self.start()
        try:
            while True:
                self.step()
        except StoppedError:
            return

    def start(self) -> None:
        """Load the record, and take up what the start of the system, or of the agent, means."""
        is_new = self._parts.counters.is_blank()
        self.record = self._memory.load(is_new=is_new)
        if self._memory.loss:
            logger.warning("idle: %s", self._memory.loss)
            self._conversation.note("record-lost", reason=self._memory.loss)
        if complaint := self._parts.counters.complaint():
            self._conversation.note("counters", reason=complaint)
        if self.record.epoch != self._parts.epoch:
            self.record = replace(self.record, epoch=self._parts.epoch, director=UNSEEN, seq=0)
        action, current = self.record.action, self._parts.control.current()
        logger.info("slot %s, state %s", current, self.record.state)
        self._tell_init()
        if action is None:
            self._store(self.record)
        elif self.record.boot_id == self._parts.boot_id:
            self._enter(self.record, self.record.state, action)
        elif current == action.target:
            self._advance(Event.STARTED_NEW, self.record)
        else:
            self._advance(Event.STARTED_OLD, self._fallen_back(self.record, action))
        if is_new:
            self._begin_counters()

    def _tell_init(self) -> None:
        """Say which version of each service is vouched for; init waits for it."""
        for left in tell_init(self._parts, known_of(self._parts, self.record)):
            self._conversation.note("service-left", version=left.version, reason=left.reason)

    def _begin_counters(self) -> None:
        """From now on there is a record: one that is missing at a later start was lost."""
        try:
            self._parts.counters.begin()
        except CountersError as error:
            self._conversation.note("counters", reason=error.reason)

    def close(self) -> None:
        """Say goodbye to the server, and give back what is open."""
        self._actions.leave()
        self._parts.source.close()
        if self._parts.link is not None:
            self._parts.link.close()

    def step(self) -> None:
        """Do the action of the state once."""
        self._transfer.tick()
        self.tell()
        action = self.record.action
        if action is None:
            self._be_idle()
            return
        if self._answer():
            return
        outcome = self._actions.perform(self.record, action)
        if outcome is not None:
            self._advance(outcome.event, outcome.record)

    def ask(self, request: Request, timeout_s: float = ASK_S) -> None:
        """Ask the agent for something, from another thread; returns when it took it up.

        Raises:
            RefusedError: It can not be done now, or there was no answer in time.
        """
        if self.record.state not in ASKABLE:
            raise RefusedError(f"{request.word}: not in state {self.record.state}")
        asked = _Asked(request)
        self._asked.put(asked)
        self._wake()
        try:
            answer = asked.answer.get(timeout=timeout_s)
        except queue.Empty:
            asked.is_given_up = True
            raise RefusedError(f"no answer after {timeout_s:g} s") from None
        if answer:
            raise RefusedError(answer)

    def take(self, request: Request) -> None:
        """Take up a request at once, in the agent's own thread.

        Raises:
            AgentError: It can not be done now.
        """
        self._do(request, self.record.action)

    def tell(self) -> None:
        """Show how the agent is, and send the events that wait.

        The report of an action is sent when the end of the action is stored, never before: else a
        cut between the two could make a second one.
        """
        self._conversation.tell_status(self.status())
        if self.record.state is not State.REPORTING:
            self._conversation.tell_events()

    def is_at_rest(self) -> bool:
        """Return whether nothing is under way and what runs is committed; from any thread."""
        return self.record.action is None and self._is_kept

    def waits_for(self) -> str:
        """Return what is waited for, empty if nothing is or the state says all."""
        return self._actions.waits_for()

    def status(self) -> Status:
        """Return how the agent is."""
        record, standing, action = self.record, self._parts.standing, self.record.action
        reasons = [action.reason if action else record.last_reason]
        reasons += [self.waits_for(), self._reason, self._memory.trouble]
        release = action.release if action else None
        return Status(
            boot_id=self._parts.boot_id,
            seq=record.seq,
            action=action.id if action else record.last,
            phase=str(record.state),
            slot=self._parts.control.current(),
            board=standing.board,
            product=standing.product,
            version=standing.version,
            counter=standing.counter,
            release=release.path if release else "",
            done_bytes=self._transfer.done_bytes if action else 0,
            planned_bytes=self._transfer.planned_bytes if action else 0,
            bytes_per_s=self._transfer.bytes_per_s if action else 0,
            reason="; ".join(one for one in reasons if one),
            services=versions(self._parts.services),
        )

    def _advance(self, event: Event, record: Record) -> None:
        """Go to the state that an event leads to, and store it."""
        self._actions.leave()
        state, action = following(record.state, event), record.action
        if action is None:
            self._store(record)
            return
        if event is Event.REJECTED and action.rejections > REJECTIONS_MOST:
            state, event = State.REPORTING, Event.EXHAUSTED
        if state is State.REPORTING:
            result = result_of(record.state, event)
            action = replace(action, result=action.result or result)
        if state is State.IDLE:
            self._store(self._finished(record, action))
            return
        self._enter(record, state, action)

    def _enter(self, record: Record, state: State, action: Action) -> None:
        """Store that the action came into a state, or that this happened too often."""
        action = action.having_entered(state)
        entered = action.entered.get(state, 0)
        if is_over_limit(state, entered) and (state, Event.EXHAUSTED) in TABLE:
            reason = f"{action.reason}; " if action.reason else ""
            reason += f"came into state {state} {entered} times"
            result = result_of(state, Event.EXHAUSTED)
            action = replace(action, reason=reason, result=result)
            state = following(state, Event.EXHAUSTED)
        logger.info("action %s: %s %s", action.id, state, action.reason)
        self._store(replace(record, state=state, action=action))

    def _finished(self, record: Record, action: Action) -> Record:
        self._transfer.reset()
        self._parts.source.close()
        return replace(
            record,
            state=State.IDLE,
            action=None,
            # The slot that should run now: another one is noticed, and told.
            slot=action.wanted_slot(),
            last=action.id,
            last_result=action.result,
            last_reason=action.reason,
        )

    def _store(self, record: Record) -> None:
        self.record = replace(record, boot_id=self._parts.boot_id)
        self._memory.save(self.record)

    def _fallen_back(self, record: Record, action: Action) -> Record:
        """Return the record with the reason for which the old slot runs."""
        said = {
            State.REBOOTING: f"slot {action.target} did not start: its tries are used up",
            State.TRIAL: f"slot {action.target} was left by the boot script in its trial",
            State.COMMITTING: f"slot {action.target} was left before it was committed",
        }.get(record.state)
        if said is None:
            return record
        reason = f"{said}; {action.reason}" if action.reason else said
        return replace(record, action=replace(action, reason=reason))

    def _be_idle(self) -> None:
        self._notice_slot()
        self._steadiness.look(self.record)
        if self._answer():
            return
        may_go_on = self._keep()
        order = self._conversation.order()
        if may_go_on and order is not None and self._is_news(order):
            self._take(order)
            return
        is_busy = self._conversation.wait(self._idle_wait_s())
        self._transfer.tick()
        if is_busy:
            self._conversation.order(at_once=True)

    def _notice_slot(self) -> None:
        """Tell when another slot runs than the record knows: the boot script left it."""
        current = self._parts.control.current()
        if self.record.slot == current:
            return
        if self.record.slot is not None:
            reason = f"slot {self.record.slot} was left by the boot script, slot {current} runs"
            self._conversation.note(
                "fell-back", version=self._parts.standing.version, reason=reason
            )
        self._store(replace(self.record, slot=current))

    def _keep(self) -> bool:
        """Commit the running slot once it is healthy, as each start cost it a try.

        Returns:
            Whether an order may be taken: what runs is committed, or will not get healthy.
        """
        if self._is_kept:
            return True
        try:
            if not self._actions.is_settled():
                verdict, self._reason = self._actions.health(
                    is_known=not self._actions.is_on_trial()
                )
                if verdict is not Verdict.HEALTHY:
                    return verdict is Verdict.UNHEALTHY
                self._parts.control.commit()
                logger.info("all is well: slot %s committed", self._parts.control.current())
            self._is_kept, self._reason = True, ""
        except BootStateError as error:
            self._reason = error.reason
        return True

    def _idle_wait_s(self) -> float:
        return self._conversation.quiet_s() if self._is_kept else LOOK_EVERY_S

    def _is_news(self, order: Desired) -> bool:
        # The same number may be of another order: who takes a server could use up all numbers.
        return order.action != self.record.last and order.seq >= self.record.seq

    def _take(self, order: Desired) -> None:
        action = Action(order.action, "install", self._parts.slots.target, desired=order)
        self._begin(Event.ORDERED, replace(self.record, seq=order.seq), action)

    def _begin(self, event: Event, record: Record, action: Action) -> None:
        self._transfer.reset()
        self._enter(record, following(record.state, event), action)

    def _answer(self) -> bool:
        """Take up a request; return whether the state is another now."""
        try:
            asked = self._asked.get_nowait()
        except queue.Empty:
            return False
        before = self.record.state
        if asked.is_given_up:
            return False
        try:
            self.take(asked.request)
        except AgentError as error:
            asked.answer.put(error.reason)
        else:
            asked.answer.put("")
        return self.record.state is not before

    def _do(self, request: Request, action: Action | None) -> None:
        state, target = self.record.state, self._parts.slots.target
        match request.word, state:
            case "install", State.IDLE:
                started = Action(request.id, "install", target, bundle=request.path)
                self._begin(Event.ORDERED, self.record, started)
            case "revert", State.IDLE:
                self._require_startable()
                self._begin(Event.ASKED_BACK, self.record, Action(request.id, "revert", target))
            case "revert", State.TRIAL if action is not None:
                asked_back = replace(action, reason="a person asked to go back")
                self._advance(Event.FAILED, replace(self.record, action=asked_back))
            case "commit", State.TRIAL:
                self._advance(Event.DONE, self.record)
            case "confirm", State.CONFIRMING if action is not None:
                confirmed = replace(action, is_confirmed=True, reason="")
                self._advance(Event.DONE, replace(self.record, action=confirmed))
            case "postpone", State.WAITING | State.CONFIRMING if action is not None:
                self._postpone(action)
            case "commit", State.IDLE:
                self._parts.control.commit()
            case _:
                raise RefusedError(f"{request.word}: not in state {state}")

    def _postpone(self, action: Action) -> None:
        if not self._actions.asks_user(action):
            raise RefusedError("postpone: this update does not ask its user")
        postponed = replace(action, is_confirmed=False, reason="postponed by the user")
        self._advance(Event.POSTPONED, replace(self.record, action=postponed))

    def _require_startable(self) -> None:
        slot = other_slot(self._parts.control.current())
        if slot not in self._parts.control.state().order:
            raise RefusedError(f"slot {slot} holds no whole system")
