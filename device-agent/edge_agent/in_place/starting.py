"""At the start of a system: tell init which version of each service is vouched for.

Init waits for this before it starts a service of which a version was committed. What cannot be
verified is not started: the system's own version runs, and the reason is told.
"""

import logging
from dataclasses import dataclass

from edge_agent.clock import now_s
from edge_agent.errors import AgentError
from edge_agent.in_place.shelf import Shelf, image_of
from edge_agent.in_place.word import Word
from edge_agent.parts import Known, Parts
from edge_agent.record import Record
from edge_signing.errors import SigningError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Left:
    """A version that was committed and is not started."""

    version: str
    reason: str


def known_of(parts: Parts, record: Record) -> Known:
    """Return what a release is compared with now."""
    floor = parts.counters.floor()
    now = now_s(parts.clock, floor.floor_s)
    return Known(floor, now, record.epoch, record.director, record.seen)


def tell_init(parts: Parts, known: Known) -> list[Left]:
    """Tell init of every service, unless it was told since the start of the system.

    Returns:
        What was committed, and is not started.
    """
    found = []
    for name in parts.services.factory():
        if parts.services.told(name):
            continue
        word, left = _word_of(parts, Shelf(parts.services, name), known)
        found += [left] if left else []
        try:
            _tell(parts, name, word)
        except AgentError as error:
            logger.warning("%s: %s", name, error)
    return found


def committed_word(parts: Parts, shelf: Shelf, known: Known) -> Word:
    """Return the word for what was committed, verified anew; the system's own version in doubt."""
    return _word_of(parts, shelf, known)[0]


def _tell(parts: Parts, name: str, word: Word) -> None:
    parts.services.tell(name, word)
    shown = parts.services.shown(name)
    if shown is not None and not shown.follows(word):
        parts.services.switch(name)  # init did not wait for so long


def _word_of(parts: Parts, shelf: Shelf, known: Known) -> tuple[Word, Left | None]:
    try:
        place, version = shelf.committed(), shelf.kept().version
    except AgentError as error:
        return Word(), Left("", f"{shelf.name}: {error}")
    if place is None:
        return Word(), None
    try:
        signed = shelf.signed(place)
        if signed is None:
            raise AgentError("its signed documents are gone")
        release = parts.source.vouched(signed, known)
        if release.service != shelf.name:
            raise AgentError(f"its documents are of {release.service}")
        return Word.of(place, image_of(release), release.version), None
    except (AgentError, SigningError) as error:
        reason = f"{shelf.name}: {error}: the system's own version runs"
        logger.warning("%s", reason)
        return Word(), Left(version, reason)
