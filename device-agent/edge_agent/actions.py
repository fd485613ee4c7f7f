"""What is done in each state; the result is the next event, or None while it is not over.

Every action may be done again from its start: after a power cut, a lost link or an end of the agent
the driver calls it once more. What it learned is in the record that it hands back.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from edge_agent import install, verify
from edge_agent.backoff import Backoff
from edge_agent.boot.control import other_slot
from edge_agent.conversation import Conversation
from edge_agent.counters import Floor
from edge_agent.errors import AgentError, BootStateError, CountersError, SlotError, StoreError
from edge_agent.health import Verdict
from edge_agent.in_place.starting import known_of
from edge_agent.in_place.switching import Switching
from edge_agent.install import Installation, Progress
from edge_agent.journal import Journal
from edge_agent.link import LinkError
from edge_agent.machine import Event, Result, State
from edge_agent.memory import Memory
from edge_agent.outcome import CancelledError, Outcome, ended
from edge_agent.parts import Checked, Parts
from edge_agent.record import Action, Record
from edge_agent.slots import Slots
from edge_agent.transfer import Transfer
from edge_agent.verify import NotTheImageError
from edge_agent.vigil import Vigil
from edge_agent.waiting import Waiting
from edge_signing.errors import FetchError, SigningError, TrustError
from edge_signing.formats.boot_state import ARMED_LEFT, COMMITTED_LEFT
from edge_signing.release import SLOT_PARTITIONS, Payload, Release

logger = logging.getLogger(__name__)

# What a server sends may be damaged on its way: so often in a row a wrong unit is asked for again.
DOUBTS_MOST: Final = 4
ASK_AGAIN_S: Final = 60.0
MAY_WORK_LATER: Final = (LinkError, FetchError)


class Actions:
    """The actions by state.

    Args:
        parts: All that is worked with.
        memory: The record and the journal.
        conversation: The link.
        transfer: Counts bytes, and ends what is under way when the agent has to.
    """

    def __init__(
        self, parts: Parts, memory: Memory, conversation: Conversation, transfer: Transfer
    ) -> None:
        self._parts = parts
        self._memory = memory
        self._conversation = conversation
        self._transfer = transfer
        self._waiting = Waiting(parts, memory, conversation, transfer)
        self._vigil = Vigil(parts, conversation)
        self._switching = Switching(parts, conversation, self._waiting, self._vigil)
        self._backoff = Backoff(parts.clock.jitter)  # of files; the server's orders have their own
        self._doubts = 0
        self._furthest = b"", (0, 0)
        self._table: dict[State, Callable[[Record, Action], Outcome | None]] = {
            State.CHECKING: self._check,
            State.PERMITTING: self._waiting.permit,
            State.INSTALLING: self._install,
            State.VERIFYING: self._verify,
            State.WAITING: self._waiting.wait,
            State.CONFIRMING: self._waiting.confirm,
            State.ARMING: self._arm,
            State.REBOOTING: self._reboot,
            State.TRIAL: self._try,
            State.COMMITTING: self._commit,
            State.REVERTING: self._revert,
            State.SWITCHING: self._switching.switch,
            State.PROVING: self._switching.prove,
            State.KEEPING: self._switching.keep,
            State.SWITCHING_BACK: self._switching.go_back,
            State.REPORTING: self._report,
        }

    def perform(self, record: Record, action: Action) -> Outcome | None:
        """Do the action of a state once; None means: not over, call again."""
        try:
            return self._table[record.state](record, action)
        except CancelledError as error:
            return ended(record, Event.CANCELLED, error.reason)

    def _check(self, record: Record, action: Action) -> Outcome | None:
        try:
            checked = self._parts.source.check(action, known_of(self._parts, record))
            found = self._found(record, action, checked)
        except MAY_WORK_LATER as error:
            return self._again(record, action, error)
        except (AgentError, SigningError) as error:
            return ended(record, Event.FAILED, str(error))
        self._backoff.reset()
        return found

    def _found(self, record: Record, action: Action, checked: Checked) -> Outcome:
        if checked.director.version:
            record = replace(
                record, epoch=checked.epoch, director=checked.director, seen=checked.seen
            )
        release = checked.release
        if release is None:
            return Outcome(Event.NOTHING, record)
        action = replace(
            action,
            is_there=False,
            release=release,
            target=self._parts.slots.target,
            patches=checked.patches,
            seen=checked.seen,
        )
        if release.service:
            return self._switching.found(record, action, checked, release)
        return self._found_system(record, action, checked, release)

    def _found_system(
        self, record: Record, action: Action, checked: Checked, release: Release
    ) -> Outcome:
        _require_whole(release)
        if install.is_running(release.images, self._parts.slots):
            current = self._parts.control.current()
            record = replace(record, action=replace(action, target=current))
            return Outcome(Event.ON_TRIAL if self.is_on_trial() else Event.NOTHING, record)
        record = replace(record, action=action)
        if checked.refusal:
            return ended(record, Event.FAILED, checked.refusal)
        if self._memory.loss and self._parts.counters.armed() == action.mark():
            # The record would have told how it ended; without this it would go on for ever.
            reason = f"was armed before and does not run: it fell back ({self._memory.loss})"
            return ended(record, Event.FAILED, reason)
        if self._seems_there(release):
            return Outcome(Event.THERE, replace(record, action=replace(action, is_there=True)))
        return Outcome(Event.DONE, record)

    def _seems_there(self, release: Release) -> bool:
        try:
            return verify.seems_there(release.images, self._parts.slots)
        except SlotError as error:
            logger.info("%s", error)
            return False

    def _install(self, record: Record, action: Action) -> Outcome | None:
        release = _release_of(action)
        try:
            if release.service:
                self._switching.make_room(action)
            else:
                self._parts.control.disarm()
            journal = self._memory.journal(action.slot_mark())
            self._installation(action, release).run(journal)
        except MAY_WORK_LATER as error:
            return self._again(record, action, error)
        except TrustError as error:
            self._doubts += 1
            if action.bundle or self._doubts >= DOUBTS_MOST:
                return ended(record, Event.FAILED, str(error))
            return self._again(record, action, error)
        except (AgentError, SigningError) as error:
            if isinstance(error, CancelledError):
                raise
            return ended(record, Event.FAILED, str(error))
        return Outcome(Event.DONE, record)

    def _installation(self, action: Action, release: Release) -> Installation:
        patches = [one for each in action.patches for one in each.payloads]
        payloads: tuple[Payload, ...] = (*release.payloads, *patches)

        def written(_length_bytes: int) -> None:
            self._backoff.reset()
            self._tick(action)

        progress = Progress(self._transfer.planned, written, self._reached)
        blobs = self._transfer.counted(self._parts.source.blobs(action))
        parts = self._parts
        return Installation(
            release,
            payloads,
            self._slots(action),
            blobs,
            progress,
            parts.clock.monotonic_s,
            parts.options.flush_bytes,
        )

    def _reached(self, journal: Journal) -> None:
        """Store how far it came; only what was never reached before takes doubts away."""
        place = (len(journal.done), journal.unit)
        if journal.mark != self._furthest[0] or place > self._furthest[1]:
            self._furthest = journal.mark, place
            self._doubts = 0
        self._memory.save_journal(journal)

    def _tick(self, action: Action) -> None:
        """Between two pieces: end when the agent has to, and look whether the order still holds."""
        self._transfer.tick()
        self._waiting.require_wanted(action)

    def _verify(self, record: Record, action: Action) -> Outcome | None:
        try:
            self._read_back(action)
        except (NotTheImageError, SlotError) as error:
            if action.is_there:
                written = replace(action, is_there=False, reason=error.reason)
                return Outcome(Event.NOT_THERE, replace(record, action=written))
            return self._rejected(record, action, error)
        read = replace(action, is_there=False, reason="")
        return Outcome(Event.DONE, replace(record, action=read))

    def _read_back(self, action: Action) -> None:
        if action.is_of_own:
            return  # it is a part of the verified root
        for image in _release_of(action).images:
            verify.check(
                image,
                self._slots(action).written(image.partition),
                tick=lambda _bytes: self._transfer.tick(),
                makes_tree=not action.is_there,
            )

    def _slots(self, action: Action) -> Slots:
        """Return where the release of an action goes."""
        is_service = action.release is not None and action.release.service
        return self._switching.slots(action) if is_service else self._parts.slots

    def _rejected(self, record: Record, action: Action, error: AgentError) -> Outcome:
        if isinstance(error, NotTheImageError):
            self._memory.drop_journal()
            again = replace(action, rejections=action.rejections + 1, reason=error.reason)
            return Outcome(Event.REJECTED, replace(record, action=again))
        return ended(record, Event.FAILED, error.reason)

    def _arm(self, record: Record, action: Action) -> Outcome | None:
        control = self._parts.control
        try:
            self._mark_armed(action)
            control.arm(action.target)
        except BootStateError as error:
            self._disarm_if_possible()
            return ended(record, Event.FAILED, error.reason)
        return Outcome(Event.DONE, record)

    def _mark_armed(self, action: Action) -> None:
        if action.release is None:
            return
        try:
            self._parts.counters.set_armed(action.mark())
        except CountersError as error:
            logger.warning("%s", error)

    def _disarm_if_possible(self) -> None:
        """After a write that went wrong nobody knows what the boot script will read."""
        try:
            self._parts.control.disarm()
        except BootStateError as error:
            logger.warning("%s", error)

    def _reboot(self, record: Record, _action: Action) -> Outcome | None:
        self._ask_for_reboot()
        return self._waiting.stay(ASK_AGAIN_S)

    def _ask_for_reboot(self) -> None:
        try:
            self._parts.request_reboot()
        except AgentError as error:
            logger.warning("%s", error)

    def _try(self, record: Record, action: Action) -> Outcome | None:
        return self._waiting.judge(record, action, *self.health())

    def health(self, *, is_known: bool = False) -> tuple[Verdict, str]:
        """Look at the health once more; see `Vigil.look`."""
        return self._vigil.look(is_known=is_known)

    def waits_for(self) -> str:
        """Return what the state under way waits for, empty if its name says all."""
        return self._waiting.reason

    def asks_user(self, action: Action) -> bool:
        """Return whether the user has a say in this action."""
        return self._waiting.asks_user(action)

    def leave(self) -> None:
        """Forget what was waited for, and end the programs that are asked."""
        self._parts.probe.withdraw()
        self._waiting.reset()
        self._switching.leave()

    def is_on_trial(self) -> bool:
        """Return whether the running slot has fewer starts left than a committed one ever has."""
        control = self._parts.control
        return control.state().left[control.current()] < ARMED_LEFT

    def is_settled(self) -> bool:
        """Return whether the boot state has the running slot as its first choice, committed."""
        control = self._parts.control
        state, current = control.state(), control.current()
        return state.order[0] == current and state.left[current] == COMMITTED_LEFT

    def _commit(self, record: Record, action: Action) -> Outcome | None:
        parts = self._parts
        try:
            parts.control.commit()
        except BootStateError as error:
            return ended(record, Event.FAILED, error.reason)
        if action.release is not None:  # never raised before, so that a fall-back is allowed
            floor = Floor(action.release.counter, action.seen, parts.standing.clock_s)
            try:
                parts.counters.raise_to(floor)
            except CountersError as error:
                self._conversation.note("counters", reason=error.reason)
        return Outcome(Event.DONE, record)

    def _revert(self, record: Record, action: Action) -> Outcome | None:
        control, old = self._parts.control, other_slot(action.target)
        try:
            if old not in control.state().order:
                reason = f"{action.reason}; slot {old} can not be started"
                return ended(record, Event.EXHAUSTED, reason)
            control.arm(old, COMMITTED_LEFT)
        except BootStateError as error:
            # Each start costs the new slot a try, so the boot script goes back in the end.
            logger.warning("%s", error)
        self._ask_for_reboot()
        return self._waiting.stay(ASK_AGAIN_S)

    def _report(self, record: Record, action: Action) -> Outcome | None:
        """Put the one final report into the outbox; nothing is sent before the agent is idle."""
        result = action.result or Result.FAILED
        try:
            self._parts.outbox.add(
                str(result),
                at_s=self._parts.clock.now_s(),
                action=action.id,
                version=action.version,
                reason=action.reason,
                key=f"end-{action.id}",
            )
        except StoreError as error:
            logger.warning("%s", error)
        return Outcome(Event.DONE, record)

    def _again(self, record: Record, action: Action, error: Exception) -> Outcome | None:
        """Wait for the link, and look whether the order still holds."""
        if action.bundle:
            return ended(record, Event.FAILED, str(error))
        wait_s = self._backoff.next_s(error.wait_s if isinstance(error, LinkError) else 0)
        logger.info("%s: %s; again in %.0f s", record.state, error, wait_s)
        self._parts.pause(wait_s)
        self._transfer.tick()
        self._waiting.require_wanted(action)
        return None


def _release_of(action: Action) -> Release:
    if action.release is None:
        raise AgentError(f"action {action.id}: its release is not known")
    return action.release


def _require_whole(release: Release) -> None:
    found = [image.partition for image in release.images]
    if missing := [one for one in SLOT_PARTITIONS if one not in found]:
        raise AgentError(f"release {release.version}: it has no image {missing[0]}")
