"""Events are never lost and never doubled, whatever is cut off and wherever."""

from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from edge_agent import outbox
from edge_agent.errors import StoreError
from edge_agent.link import LinkError
from edge_agent.outbox import Outbox
from edge_agent.store import files_in
from edge_signing import messages
from edge_signing.messages import EventId, ReportEvent
from tests.fakes.memory_files import MemoryFiles

_words = count()


def opened(files: MemoryFiles, boot_id: str = "boot-1") -> Outbox:
    return Outbox(files, boot_id, lambda: f"w{next(_words)}")


def ids(box: Outbox) -> list[tuple[str, int]]:
    return [(event.id.boot_id, event.id.n) for event in box.waiting()]


def test_events_wait_in_order_over_starts() -> None:
    files = MemoryFiles()
    opened(files).add("started", at_s=5)
    opened(files).add("installed", at_s=6)

    again = opened(files, "boot-2")
    again.add("started", at_s=1)

    assert ids(again) == [("boot-1", 1), ("boot-1", 2), ("boot-2", 1)]


def test_a_number_is_not_given_again_when_its_event_is_gone() -> None:
    files = MemoryFiles()
    box = opened(files)
    box.add("one", at_s=0)
    box.add("two", at_s=0)
    box.stored([event.id for event in box.waiting()])

    again = opened(files)
    again.add("three", at_s=0)

    assert ids(again) == [("boot-1", 3)]


def test_the_same_key_makes_no_second_event() -> None:
    files = MemoryFiles()
    box = opened(files)
    first = box.add("installed", at_s=0, key="act-1/7")

    assert box.add("installed", at_s=9, key="act-1/7") == first
    assert opened(files).add("installed", at_s=9, key="act-1/7") == first
    box.stored([first.id])
    assert opened(files).add("installed", at_s=9, key="act-1/7").id == first.id
    assert opened(files).waiting() == []


def test_a_foreign_id_deletes_nothing() -> None:
    box = opened(MemoryFiles())
    box.add("one", at_s=0)

    box.stored([EventId("boot-1", 2), EventId("boot-2", 1)])

    assert ids(box) == [("boot-1", 1)]


def test_a_damaged_event_is_reported_and_no_id_is_used_again() -> None:
    files = MemoryFiles()
    box = opened(files)
    box.add("one", at_s=0)
    box.add("two", at_s=0)
    files.files["000000000002.json"] = b"\0" * 200

    again = opened(files)
    again.add("three", at_s=0)

    kinds = [event.kind for event in again.waiting()]
    assert kinds == ["one", outbox.LOST, "three"]
    assert ("boot-1", 2) not in ids(again)
    assert [event.kind for event in opened(files).waiting()] == kinds


def test_a_damaged_last_number_makes_another_boot_id() -> None:
    files = MemoryFiles()
    box = opened(files)
    box.stored([box.add("one", at_s=0).id])
    files.files["last.json"] = b"{}"

    again = opened(files)
    again.add("two", at_s=0)

    assert ids(again)[0][0] != "boot-1"


def test_a_full_outbox_loses_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MOST", 3)
    box = opened(MemoryFiles())

    for _event in range(5):
        box.add("one", at_s=0)

    assert ids(box) == [("boot-1", n) for n in (3, 4, 5)]


def test_a_message_is_never_longer_than_a_server_reads() -> None:
    box = opened(MemoryFiles())
    for _event in range(64):
        box.add("failed", at_s=0, reason="\0" * 1000)

    told = messages.pack_events(box.waiting())

    assert len(told) < messages.MESSAGE_MOST_BYTES
    assert len(messages.unpack_events(told)) >= 5


def test_events_are_on_the_disk(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    Outbox(files, "boot-1", lambda: "w").add("one", at_s=0)

    assert ids(Outbox(files, "boot-1", lambda: "w")) == [("boot-1", 1)]


@given(cuts=some.lists(some.integers(0, 6), max_size=8), extra=some.integers(0, 3))
def test_a_cut_at_any_write_doubles_nothing_and_loses_nothing(cuts: list[int], extra: int) -> None:
    files, heard = MemoryFiles(), Server()

    for turn, left in enumerate([*cuts, None, None]):
        files.left = None
        try:
            box = opened(files)
            files.left = left
            for number in range(extra + 1):
                box.add("one", at_s=0, key=f"key-{number}")
            if turn % 2:
                box.deliver(heard.take)
        except StoreError:
            continue
    files.left = None
    opened(files).deliver(heard.take)

    # Keys are remembered of the events that wait, and of the last: who adds goes through its work
    # in order, and repeats no more than the last step.
    if extra == 0:
        assert len(heard.events) == 1


class Server:
    """Stores events and drops repeats; may be deaf, or lose its answer."""

    def __init__(self) -> None:
        self.events: dict[EventId, ReportEvent] = {}
        self.mood = "well"

    def take(self, events: Sequence[ReportEvent]) -> Sequence[EventId]:
        if self.mood == "deaf":
            raise LinkError("deaf")
        events = events[: len(events) // 2 + 1] if self.mood == "half" else events
        for event in events:
            known = self.events.setdefault(event.id, event)
            assert known == event, "two events have one id"
        if self.mood == "mute":
            raise LinkError("the answer is lost")
        return [event.id for event in events]


class Interleaved(RuleBasedStateMachine):
    """An agent that adds, sends, is restarted, started anew or cut, with a server of moods."""

    @initialize()
    def begin(self) -> None:
        self.files, self.server = MemoryFiles(), Server()
        self.boots, self.added = 0, 0
        self.happened: list[str] = []
        self.box = opened(self.files, "boot-0")

    @rule()
    def something_happens(self) -> None:
        self.added += 1
        self.box.add("one", at_s=self.added, reason=str(self.added))
        self.happened.append(str(self.added))

    @rule(left=some.integers(0, 5))
    def something_happens_and_the_power_goes(self, left: int) -> None:
        self.files.left = left
        self.added += 1
        try:
            self.box.add("one", at_s=self.added, reason=str(self.added))
            self.happened.append(str(self.added))
            self.box.deliver(self.server.take)
        except (StoreError, LinkError):
            pass
        self.files.left = None
        self.boots += 1
        self.box = opened(self.files, f"boot-{self.boots}")

    @rule(mood=some.sampled_from(["well", "deaf", "mute", "half"]))
    def the_agent_sends(self, mood: str) -> None:
        self.server.mood = mood
        with suppress(LinkError):
            self.box.deliver(self.server.take)

    @rule()
    def the_agent_is_restarted(self) -> None:
        self.box = opened(self.files, f"boot-{self.boots}")

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        heard = [event.reason for event in self.server.events.values()]
        waiting = [event.reason for event in self.box.waiting()]
        assert len(heard) == len(set(heard))
        if len(waiting) < messages.EVENTS_MOST:
            assert set(self.happened) <= set(heard) | set(waiting)

    def teardown(self) -> None:
        self.server.mood = "well"
        self.box.deliver(self.server.take)
        heard = [event.reason for event in self.server.events.values()]
        assert set(self.happened) <= set(heard)
        assert len(heard) == len(set(heard))


TestInterleaved = Interleaved.TestCase
TestInterleaved.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
