"""An order for what is in the other slot: it is read back, and nothing is fetched or written."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from edge_agent.counters import Floor
from edge_agent.driver import Agent
from edge_agent.machine import State
from edge_agent.parts import Checked, Known
from edge_agent.payload.bundle import Anchor, require_allowed
from edge_agent.record import Action
from edge_agent.request import Request
from edge_agent.slots import Volume
from edge_signing.release import Content, Partition
from tests.agent.driver.bench import Bench, UnreadableSlots, until
from tests.agent.power.device import ORDER
from tests.agent.power.machine_room import MediumSlots, is_there
from tests.agent.power.system import System
from tests.fakes.agent_parts import FakeBlobs, FakeSource

SECOND = replace(ORDER, seq=2, action="act-2")
TREE_AT = 4 * 4096


class CountedBlobs(FakeBlobs):
    """Blobs that remember what was asked for."""

    def __init__(self, system: System) -> None:
        super().__init__(system.blobs)
        self.asked: list[Content] = []

    def fetch(self, content: Content, offset_bytes: int, length_bytes: int) -> bytes:
        self.asked.append(content)
        return super().fetch(content, offset_bytes, length_bytes)


@dataclass
class AllowingSource(FakeSource):
    """A source that compares the release with the floor of the device, as every one does."""

    def check(self, action: Action, known: Known) -> Checked:
        checked = super().check(action, known)
        assert checked.release is not None
        now = datetime.fromtimestamp(known.now_s, UTC)
        require_allowed(checked.release, Anchor(b"", now, counter=known.floor.counter))
        return checked


class KeptSlots(MediumSlots):
    """Slots of which none may be written."""

    def written(self, partition: Partition) -> Volume:
        return replace(super().written(partition), is_writable=False)  # type: ignore[type-var]


@pytest.fixture
def old() -> System:
    return System.make("1.0", 3)


@pytest.fixture
def new() -> System:
    return System.make("1.1", 3)


@pytest.fixture
def updated(old: System, new: System) -> Bench:
    """A device that was updated from 1.0 in slot a to 1.1 in slot b, and is to go back."""
    bench = Bench(old, new)
    bench.run()
    assert (bench.slot, bench.finals()) == ("b", [("succeeded", "")])
    bench.heard.clear()
    bench.link.order = SECOND
    bench.source = AllowingSource(Checked(old.release), CountedBlobs(old))
    return bench


def asked(bench: Bench) -> list[Content]:
    assert isinstance(bench.source.content, CountedBlobs)
    return bench.source.content.asked


def spoil(bench: Bench, volume: str, at: int) -> None:
    [byte] = bench.medium.now.read(volume, 1, at)
    medium = MediumSlots(bench.medium, "b").written("rootfs" if "root" in volume else "boot")
    medium.pwrite(bytes([byte ^ 1]), at)
    medium.flush()


def test_an_order_for_what_is_in_the_other_slot_costs_no_byte(updated: Bench, old: System) -> None:
    updated.slots = KeptSlots
    agent = updated.start()
    phases: list[State] = []

    def is_armed() -> bool:
        phases.append(agent.record.state)
        return agent.record.state is State.ARMING

    until(agent, is_armed)
    assert agent.status().planned_bytes == 0

    agent = updated.run()

    assert updated.finals() == [("succeeded", "")]
    assert (updated.slot, agent.status().version) == ("a", "1.0")
    state = updated.control().state()
    assert (state.order, state.left["a"]) == (("a", "b"), 9)
    assert (asked(updated), State.INSTALLING in phases) == ([], False)
    assert State.VERIFYING in phases


def test_a_bundle_of_what_is_in_the_other_slot_is_not_unpacked(updated: Bench) -> None:
    updated.link.order = None
    updated.slots = KeptSlots
    agent = updated.start()
    until(agent, lambda: agent.status().phase == "idle")
    agent.take(Request("install", "local-1", "/media/old.edge"))

    updated.run()

    assert (updated.finals(), updated.slot) == ([("succeeded", "")], "a")
    assert asked(updated) == []


@pytest.mark.parametrize(
    ("volume", "at"),
    [
        pytest.param("rootfs-a", 0, id="first byte"),
        pytest.param("rootfs-a", TREE_AT - 1, id="last byte of the data"),
        pytest.param("rootfs-a", TREE_AT, id="tree"),
        pytest.param("boot-a", 4000, id="image without a tree"),
    ],
)
def test_a_slot_that_differs_in_one_byte_is_written_anew(
    updated: Bench, old: System, volume: str, at: int
) -> None:
    spoil(updated, volume, at)

    updated.run()

    assert (updated.finals(), updated.slot) == ([("succeeded", "")], "a")
    assert is_there(updated.medium.now, "a", old.volumes)
    assert asked(updated)


def test_the_programs_of_the_image_are_asked_before_a_damaged_slot_is_written(
    updated: Bench,
) -> None:
    spoil(updated, "rootfs-a", 5000)
    updated.hooks.asked.clear()

    updated.run()

    assert updated.hooks.asked == ["before-install", "before-restart"]


def test_a_slot_that_can_not_be_read_is_no_reason_to_fail_before_it_was_written(
    updated: Bench,
) -> None:
    updated.slots = UnreadableSlots  # byte 9000: the first look does not see it
    agent = updated.start()

    until(agent, lambda: agent.record.state is State.INSTALLING)

    assert agent.record.action is not None
    assert "Input/output error at byte" in agent.record.action.reason


def half_written(bench: Bench) -> Agent:
    """Order a third release, and end in the middle of writing it to slot a."""
    third = System.make("1.2", 3)
    bench.source = AllowingSource(Checked(third.release), CountedBlobs(third))
    agent = bench.start()
    until(agent, lambda: len(asked(bench)) > 5)
    assert agent.record.state in (State.INSTALLING, State.VERIFYING)
    return agent


def test_a_slot_that_is_half_written_is_written_anew(updated: Bench, old: System) -> None:
    half_written(updated)
    updated.source = AllowingSource(Checked(old.release), CountedBlobs(old))
    updated.link.order = replace(SECOND, seq=3, action="act-3")

    updated.run()
    assert updated.finals() == [("cancelled", "another order came: act-3")]
    updated.heard.clear()
    updated.run()

    assert updated.finals() == [("succeeded", "")]
    assert is_there(updated.medium.now, "a", old.volumes)
    assert asked(updated)


def test_another_update_reads_one_block_of_the_other_slot(updated: Bench) -> None:
    third = System.make("1.2", 3)
    read: list[int] = []

    class ReadSlots(MediumSlots):
        def written(self, partition: Partition) -> Volume:
            volume = super().written(partition)
            inner = volume.read_back

            class Read:
                def __getattr__(self, name: str) -> object:
                    return getattr(volume, name)

                def read_back(self, length: int, offset: int) -> bytes:
                    read.append(length)
                    return inner(length, offset)

            return Read()  # type: ignore[return-value]

    updated.slots = ReadSlots
    updated.source = AllowingSource(Checked(third.release), CountedBlobs(third))
    agent = updated.start()

    until(agent, lambda: agent.record.state is State.INSTALLING)

    assert read == [4096]


def test_below_the_counter_there_is_no_way_back(updated: Bench) -> None:
    updated.counters().raise_to(Floor(4))

    updated.run()

    reason = "gateway 1.0: its rollback counter is 3, below 4"
    assert (updated.finals(), updated.slot) == ([("failed", reason)], "b")


def test_a_system_that_is_not_healthy_any_more_is_left_again(updated: Bench) -> None:
    assert not until(updated.start(), lambda: False)
    updated.probe.ready = False
    agent = updated.start()
    until(agent, lambda: agent.record.state is State.REVERTING)
    assert not until(agent, lambda: False)
    updated.probe.ready = True

    updated.run()

    [(kind, reason)] = updated.finals()
    assert (kind, updated.slot) == ("failed", "b")
    assert "not healthy" in reason


def test_what_was_read_back_is_not_told_to_an_older_agent(updated: Bench) -> None:
    """The record is read by the system that is gone back to, which may not know the word."""
    agent = updated.start()

    until(agent, lambda: agent.record.state is State.ARMING)

    assert b'"there"' not in agent.record.pack()
