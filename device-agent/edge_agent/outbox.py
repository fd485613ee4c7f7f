"""Events on their way to the server: on the disk before they count, deleted when it has them.

Each is one file, numbered in the order in which they happened. Its id is (boot id, n), and is
never given twice, so that the server can drop what it hears again: `last.json` keeps the highest n
of this start before the event that has it is deleted. The same key makes no second event, so that
the one who adds may be cut off and add again.
"""

import logging
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from edge_agent.store import Files
from edge_signing import canonical
from edge_signing.errors import FormatError
from edge_signing.fields import Fields
from edge_signing.messages import EVENTS_MOST, ID, MESSAGE_MOST_BYTES, EventId, ReportEvent

logger = logging.getLogger(__name__)

MOST: Final = 512
LOST: Final = "events-lost"
_BATCH_BYTES: Final = MESSAGE_MOST_BYTES * 3 // 4
_LAST: Final = "last.json"
_FILE: Final = re.compile(r"([0-9]{12})\.json")
_KEY: Final = re.compile(r"[!-~]{0,200}")
_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class _Last:
    """The highest event of a start that was deleted."""

    boot_id: str
    n: int
    key: str

    def pack(self) -> bytes:
        said = {"boot_id": self.boot_id, "format": _FORMAT, "key": self.key, "n": self.n}
        return canonical.encode(said)

    @classmethod
    def unpack(cls, data: bytes) -> "_Last":
        fields = _opened(data, _LAST)
        last = cls(fields.text("boot_id", ID), fields.integer("n"), fields.text("key", _KEY))
        fields.end()
        return last


class Outbox:
    """The events that the server has not stored yet, oldest first.

    Args:
        files: A folder for them alone.
        boot_id: Of this start of the system.
        fresh_word: Returns a word that was never used: it goes to the boot id when nobody knows
            which numbers of this start were given.

    Raises:
        StoreError: The folder can not be read.
    """

    def __init__(self, files: Files, boot_id: str, fresh_word: Callable[[], str]) -> None:
        self._files = files
        self._waiting: dict[int, tuple[ReportEvent, str]] = {}
        self._next = 1
        damaged = self._load()
        self._boot_id, self._last_key = boot_id, ""
        self._n = 0
        self._find_last(f"{boot_id[:40]}.{fresh_word()}"[:64], is_doubtful=bool(damaged))
        for number in damaged:
            self.add(LOST, at_s=0, reason="an event was damaged", key=f"damaged-{number}")
            self._files.remove(_name(number))

    def add(
        self,
        kind: str,
        *,
        at_s: int,
        action: str = "",
        version: str = "",
        reason: str = "",
        key: str = "",
    ) -> ReportEvent:
        """Store an event; when this returns it is on the disk, and not before.

        Args:
            kind: What happened, one word.
            at_s: The clock, seconds since 1970.
            action: The order that it belongs to.
            version: The release that it is about.
            reason: Why, if it went wrong.
            key: Makes it the same event as one with this key that waits or was the last deleted.

        Raises:
            StoreError: It can not be written; then it did not happen.
        """
        for event, other in self._waiting.values():
            if key and key == other:
                return event
        event = ReportEvent(
            EventId(self._boot_id, self._n + 1), max(0, at_s), kind, action, version, reason
        )
        if key and key == self._last_key:
            return replace(event, id=EventId(self._boot_id, self._n))
        self._make_room()
        number, self._next = self._next, self._next + 1
        self._n += 1
        self._files.write_atomic(_name(number), _pack(event, key))
        self._waiting[number] = (event, key)
        return event

    def waiting(self) -> list[ReportEvent]:
        """Return the oldest events, as many as go into one message."""
        events: list[ReportEvent] = []
        length_bytes = 0
        for number in sorted(self._waiting)[:EVENTS_MOST]:
            event = self._waiting[number][0]
            length_bytes += len(canonical.encode(event.object()))
            if events and length_bytes > _BATCH_BYTES:
                break
            events.append(event)
        return events

    def stored(self, ids: Iterable[EventId]) -> None:
        """Delete events that the server has stored; ids of others are no error.

        Raises:
            StoreError: They can not be deleted; the server will hear them again.
        """
        named = set(ids)
        self._delete([number for number, one in self._waiting.items() if one[0].id in named])

    def deliver(self, send: Callable[[Sequence[ReportEvent]], Sequence[EventId]]) -> bool:
        """Tell the server all that waits; return whether nothing waits any more.

        Args:
            send: `Link.send_events`.

        Raises:
            LinkError: It may work later.
            RefusedByServerError: The server does not take them.
            FormatError: Its answer is none.
        """
        while events := self.waiting():
            ids = {event.id for event in events} & set(send(events))
            if not ids:
                return False
            self.stored(ids)
        return True

    def _delete(self, numbers: Sequence[int]) -> None:
        ours = [self._waiting[number] for number in numbers]
        highest = max(
            (one for one in ours if one[0].id.boot_id == self._boot_id),
            key=lambda one: one[0].id.n,
            default=None,
        )
        if highest is not None and highest[0].id.n == self._n:
            # Before the event goes: after a cut its number must not be given again.
            event, key = highest
            self._files.write_atomic(_LAST, _Last(self._boot_id, event.id.n, key).pack())
            self._last_key = key
        for number in sorted(numbers):
            self._files.remove(_name(number))
            del self._waiting[number]

    def _make_room(self) -> None:
        if len(self._waiting) >= MOST:
            oldest = min(self._waiting)
            event = self._waiting[oldest][0]
            logger.warning("outbox is full: event %s %s is lost", event.kind, event.id)
            self._delete([oldest])

    def _load(self) -> list[int]:
        """Read all events, and return the numbers of those that can not be read."""
        damaged = []
        for name in self._files.names():
            found = _FILE.fullmatch(name)
            if not found:
                continue
            data = self._files.read(name)
            self._next = max(self._next, int(found[1]) + 1)
            try:
                self._waiting[int(found[1])] = _unpack(data or b"", name)
            except FormatError as error:
                logger.warning("%s", error)
                damaged.append(int(found[1]))
        return damaged

    def _find_last(self, fresh_boot_id: str, *, is_doubtful: bool) -> None:
        data = self._files.read(_LAST)
        try:
            last = _Last.unpack(data) if data is not None else None
        except FormatError as error:
            logger.warning("%s", error)
            last, is_doubtful = None, True
        if is_doubtful:
            self._boot_id = fresh_boot_id
        if last is not None and last.boot_id == self._boot_id:
            self._n, self._last_key = last.n, last.key
        ours = [one.id.n for one, _key in self._waiting.values() if self._is_ours(one)]
        self._n = max([self._n, *ours])

    def _is_ours(self, event: ReportEvent) -> bool:
        return event.id.boot_id == self._boot_id


def _name(number: int) -> str:
    return f"{number:012}.json"


def _pack(event: ReportEvent, key: str) -> bytes:
    return canonical.encode({"event": event.object(), "format": _FORMAT, "key": key})


def _unpack(data: bytes, place: str) -> tuple[ReportEvent, str]:
    fields = _opened(data, place)
    inner = fields.fields("event")
    found = ReportEvent.take(inner), fields.text("key", _KEY)
    inner.end()
    fields.end()
    return found


def _opened(data: bytes, place: str) -> Fields:
    fields = Fields(canonical.decode(data), place)
    fields.one_of("format", (_FORMAT,))
    return fields
