"""The states of a service that is updated in place: switch, watch, commit, or switch back.

Nothing here restarts the system. A power cut before the commit leaves what was committed before,
one after it the new version: init asks at each start what is vouched for (`starting`).
"""

import logging
from dataclasses import replace
from typing import Final

from edge_agent import verify
from edge_agent.conversation import Conversation
from edge_agent.counters import Floor
from edge_agent.errors import AgentError, CountersError, SlotError
from edge_agent.health import Verdict
from edge_agent.in_place.shelf import Shelf, ShelfSlots, image_of
from edge_agent.in_place.starting import committed_word, known_of
from edge_agent.in_place.word import Word
from edge_agent.machine import Event
from edge_agent.outcome import Outcome, ended
from edge_agent.parts import Checked, Parts
from edge_agent.record import Action, Record
from edge_agent.vigil import Vigil
from edge_agent.waiting import LOOK_EVERY_S, Waiting
from edge_signing.formats.boot_state import Slot
from edge_signing.release import Release

logger = logging.getLogger(__name__)

ASK_AGAIN_S: Final = 20.0
# Init stops the service first, which may take up to its stop time-out (600 s at most).
SWITCH_MOST_S: Final = 660.0
ENDS_MOST: Final = 3  # so often services may end in a trial, whatever time is left


class Switching:
    """The actions of these states.

    Args:
        parts: All that is worked with.
        conversation: The link, which is kept alive in a trial.
        waiting: Waits, and tells for what.
        vigil: The watch over the health.
    """

    def __init__(
        self, parts: Parts, conversation: Conversation, waiting: Waiting, vigil: Vigil
    ) -> None:
        self._parts = parts
        self._conversation = conversation
        self._waiting = waiting
        self._vigil = vigil
        self.leave()

    def leave(self) -> None:
        """Begin anew: another state comes."""
        self._since_s = self._parts.clock.monotonic_s()
        self._asked_s: float | None = None
        self._ended: int | None = None

    def slots(self, action: Action) -> ShelfSlots:
        """Return where the image of a service goes.

        Raises:
            AgentError: Nowhere: it is the system's own version.
        """
        return ShelfSlots(self._shelf(_release(action)), _place(action))

    def make_room(self, action: Action) -> None:
        """Make room for the image of a release.

        Raises:
            AgentError: There is none.
        """
        release = _release(action)
        self._shelf(release).make_room(_place(action), image_of(release))

    def found(self, record: Record, action: Action, checked: Checked, release: Release) -> Outcome:
        """Return what a release that was checked comes to; its documents are stored with it.

        Raises:
            AgentError: It is refused, or the data partition takes nothing.
        """
        services, name = self._parts.services, release.service
        if name not in services.factory():
            raise AgentError(
                f"{release.version}: this system has no service {name} that is updated in place"
            )
        shelf = self._shelf(release)
        image, is_own = image_of(release), shelf.is_own(release)
        action = replace(action, place=None if is_own else self._best(shelf, release))
        record = replace(record, action=action)
        if shelf.runs(release):
            return Outcome(Event.NOTHING, record)
        if checked.refusal:
            return ended(record, Event.FAILED, checked.refusal)
        if release.counter < (floor := shelf.kept().counter):
            raise AgentError(
                f"{release.version}: its rollback counter is {release.counter}, below {floor}"
            )
        if not is_own:
            shelf.keep_signed(_place(action), checked.signed)
        if is_own or self._seems_there(shelf, release, _place(action)):
            return Outcome(Event.THERE, replace(record, action=replace(action, is_there=True)))
        logger.info("%s: %d bytes", release.version, image.content.length_bytes)
        return Outcome(Event.DONE, record)

    def switch(self, record: Record, action: Action) -> Outcome | None:
        """Tell init of the new version, and ask it to start that one."""
        self._vigil.begin()
        try:
            self._ask(action, _new(action))
        except AgentError as error:
            return ended(record, Event.FAILED, error.reason)
        return Outcome(Event.DONE, record)

    def prove(self, record: Record, action: Action) -> Outcome | None:
        """Watch whether the new version was started, and stays well."""
        word = _new(action)
        shown = self._parts.services.shown(_name(action))
        if shown is not None and shown.refuses(word):
            return ended(record, Event.FAILED, f"it was not started: {shown.reason}")
        if shown is None or not shown.follows(word):
            self._vigil.begin()
            if self._is_late():
                return ended(record, Event.FAILED, "init did not start it")
            return self._stay(action, word, "it is to be started")
        return self._waiting.judge(record, action, *self._health())

    def keep(self, record: Record, action: Action) -> Outcome | None:
        """Commit the new version; after a restart in between it is not the one that runs."""
        release = _release(action)
        word = _new(action)
        try:
            self._shelf(release).commit(action.place, release)
        except AgentError as error:
            return ended(record, Event.FAILED, error.reason)
        shown = self._parts.services.shown(release.service)
        if (shown is None or not shown.follows(word)) and not self._is_late():
            return self._stay(action, word, "it is to be started again")
        try:
            self._parts.counters.raise_to(Floor(0, action.seen))
        except CountersError as error:
            self._conversation.note("counters", reason=error.reason)
        return Outcome(Event.DONE, record)

    def go_back(self, record: Record, action: Action) -> Outcome | None:
        """Let init start what was committed before."""
        shelf = self._shelf(_release(action))
        word = committed_word(self._parts, shelf, known_of(self._parts, record))
        shown = self._parts.services.shown(shelf.name)
        if shown is not None and (shown.follows(word) or shown.refuses(word)):
            self._tell(shelf.name, word)
            return Outcome(Event.DONE, record)
        if self._is_late():
            reason = f"{action.reason}; init did not start what was there before"
            return ended(record, Event.DONE, reason)
        return self._stay(action, word, action.reason)

    def _health(self) -> tuple[Verdict, str]:
        ends = self._parts.probe.restarts()
        self._ended = ends if self._ended is None else self._ended
        if ends - self._ended >= ENDS_MOST:
            return Verdict.UNHEALTHY, f"services ended {ends - self._ended} times since the switch"
        return self._vigil.look()

    def _stay(self, action: Action, word: Word, reason: str) -> Outcome | None:
        """Ask init, and again after a while, as it does one thing at a time."""
        self._waiting.reason = reason
        now_s = self._parts.clock.monotonic_s()
        if self._asked_s is None or now_s - self._asked_s >= ASK_AGAIN_S:
            try:
                self._ask(action, word)
            except AgentError as error:
                logger.warning("%s", error)
        return self._waiting.stay(LOOK_EVERY_S)

    def _tell(self, name: str, word: Word) -> None:
        try:
            self._parts.services.tell(name, word)
        except AgentError as error:
            logger.warning("%s", error)

    def _ask(self, action: Action, word: Word) -> None:
        self._asked_s = self._parts.clock.monotonic_s()
        self._parts.services.tell(_name(action), word)
        self._parts.services.switch(_name(action))

    def _is_late(self) -> bool:
        return self._parts.clock.monotonic_s() - self._since_s >= SWITCH_MOST_S

    def _best(self, shelf: Shelf, release: Release) -> Slot:
        """Return the place for an image: one that it is in already, if there is a choice."""
        there = (one for one in shelf.places if self._seems_there(shelf, release, one))
        return next(there, shelf.target)

    def _seems_there(self, shelf: Shelf, release: Release, place: Slot) -> bool:
        try:
            return verify.seems_there(release.images, ShelfSlots(shelf, place))
        except SlotError as error:
            logger.info("%s", error)
            return False

    def _shelf(self, release: Release) -> Shelf:
        return Shelf(self._parts.services, release.service)


def _release(action: Action) -> Release:
    if action.release is None:
        raise AgentError(f"action {action.id}: its release is not known")
    return action.release


def _place(action: Action) -> Slot:
    if action.place is None:
        raise AgentError(f"action {action.id}: it is not known where its image goes")
    return action.place


def _new(action: Action) -> Word:
    release = _release(action)
    place = action.place
    return Word() if place is None else Word.of(place, image_of(release), release.version)


def _name(action: Action) -> str:
    return _release(action).service
