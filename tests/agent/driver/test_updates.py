"""An update from order to report: what happens when something is in its way."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from edge_agent.counters import Floor
from edge_agent.driver import Agent
from edge_agent.errors import SlotError
from edge_agent.link import LinkError, RefusedByServerError
from edge_agent.machine import State
from edge_agent.parts import Checked
from edge_agent.store import AtomicFiles
from edge_signing.errors import TrustError
from edge_signing.trust.sighting import UNSEEN, Sighting
from tests.agent.driver.bench import Bench, FullCalls, UnreadableSlots, WornSlots, boot, until
from tests.agent.power.device import ACTION, ORDER, SEEN, STOLEN, Device
from tests.agent.power.machine_room import (
    Medium,
    MediumCalls,
    MediumSlots,
    is_there,
)
from tests.fakes.agent_parts import (
    FakeBlobs,
)
from tests.fakes.sightings import sighting


def test_an_update_ends_in_the_new_slot_committed_with_its_counter_raised(bench: Bench) -> None:
    agent = bench.run()

    assert bench.finals() == [("succeeded", "")]
    assert bench.slot == "b"
    assert bench.control().state().left == {"a": 9, "b": 9}
    assert bench.counters().floor() == Floor(5, STOLEN, 1000)
    assert agent.status().version == "2"


@pytest.mark.parametrize(
    ("seen", "due"),
    [
        pytest.param(SEEN, SEEN, id="other keys"),
        pytest.param(sighting(7, root=2, keys="a"), None, id="the same key"),
    ],
)
def test_a_commit_forgets_the_floor_of_keys_that_were_replaced(
    bench: Bench, seen: Sighting, due: Sighting | None
) -> None:
    bench.source.checked = Checked(bench.new.release, seen=seen)
    agent = bench.start()
    until(agent, lambda: agent.record.state is State.INSTALLING)
    assert bench.counters().floor().targets == STOLEN  # a fall-back is still possible

    bench.run()

    assert bench.counters().floor().targets == (due or replace(seen, version=STOLEN.version))


def test_what_was_seen_is_known_for_the_next_order(bench: Bench) -> None:
    bench.source.checked = Checked(None, seen=SEEN, director=sighting(4), epoch=0)
    bench.run()
    bench.link.order = replace(ORDER, seq=2, action="act-2")

    agent = bench.start()
    until(agent, lambda: len(bench.source.known) > 1)

    known = bench.source.known[-1]
    assert (known.seen, known.director) == (SEEN, sighting(4))


def test_a_new_enrolment_forgets_the_versions_of_orders_and_nothing_else(bench: Bench) -> None:
    bench.source.checked = Checked(None, seen=SEEN, director=sighting(4), epoch=2)
    before = bench.run().record
    assert (before.epoch, before.director, before.seq) == (2, sighting(4), 1)

    record = bench.start().record

    assert (record.epoch, record.director, record.seq) == (0, UNSEEN, 0)
    assert record.seen == SEEN


def test_a_system_that_does_not_get_healthy_goes_back_with_the_reason(bench: Bench) -> None:
    agent = bench.start()
    until(agent, lambda: agent.record.state is State.REBOOTING)
    until(agent, lambda: False)
    bench.probe.ready = False
    agent = bench.start()
    until(agent, lambda: agent.record.state is State.REVERTING)
    assert not until(agent, lambda: False)
    bench.probe.ready = True

    bench.run()

    reason = "not healthy after 5 s: not all services are ready"
    assert bench.finals() == [("failed", reason)]
    assert (bench.slot, bench.counters().floor().counter) == ("a", 0)


def test_a_slot_that_is_left_by_the_boot_script_is_reported_by_the_old_one(bench: Bench) -> None:
    assert not until(bench.start(), lambda: False)
    for _start in range(3):  # crashes before its agent runs
        assert boot(bench.storage) == "b"

    bench.run()

    assert bench.finals() == [("failed", "slot b did not start: its tries are used up")]
    assert bench.slot == "a"


def test_a_system_that_falls_back_after_it_was_committed_is_told_of(bench: Bench) -> None:
    bench.run()
    for _start in range(9):
        assert boot(bench.storage) == "b"

    agent = bench.start()
    until(agent, lambda: any(one.kind == "fell-back" for one in bench.heard))

    assert bench.slot == "a"
    assert bench.finals() == [("succeeded", "")]
    assert bench.counters().floor().counter == 5


def idle_for(agent: Agent, bench: Bench, seconds: float) -> None:
    ends_s = bench.clock.at_s + seconds
    while bench.clock.at_s < ends_s:
        agent.step()


def test_services_that_end_again_and_again_after_an_update_are_told_once(bench: Bench) -> None:
    bench.run()
    agent = bench.start()
    idle_for(agent, bench, 10)

    bench.probe.ended += 3
    idle_for(agent, bench, 600)
    few = [one.kind for one in bench.heard]
    for _ in range(3):
        bench.probe.ended += 2
        idle_for(agent, bench, 600)

    assert "unsteady" not in few
    (told,) = [one for one in bench.heard if one.kind == "unsteady"]
    assert (told.action, told.reason) == (ACTION, "services ended 5 times after the update")
    assert bench.slot == "b"


def test_services_that_end_after_an_hour_or_without_an_update_are_not_told(bench: Bench) -> None:
    bench.link.order, order = None, bench.link.order
    agent = bench.start()
    idle_for(agent, bench, 10)
    bench.probe.ended += 9
    idle_for(agent, bench, 600)
    bench.link.order = order
    bench.run()
    agent = bench.start()
    idle_for(agent, bench, 4000)
    bench.probe.ended += 9
    idle_for(agent, bench, 600)

    assert "unsteady" not in [one.kind for one in bench.heard]


def test_the_release_that_runs_is_not_installed_again(bench: Bench) -> None:
    bench.source.checked = Checked(bench.old.release)

    bench.run()

    assert bench.finals() == [("succeeded", "")]
    assert bench.boots == 1
    assert bench.source.content.blobs
    assert not is_there(bench.medium.now, "b", bench.old.volumes)


def test_an_order_to_stay_is_done_at_once(bench: Bench) -> None:
    bench.source.checked = Checked(None, seen=sighting(7), director=sighting(4), epoch=2)

    agent = bench.run()

    assert bench.finals() == [("succeeded", "")]
    assert (agent.record.epoch, agent.record.director) == (2, sighting(4))
    assert agent.record.seen == sighting(7)


@pytest.mark.parametrize(
    "error", [TrustError("not signed"), RefusedByServerError("gone", status=404), SlotError("worn")]
)
def test_what_is_not_trusted_or_not_there_ends_the_action(bench: Bench, error: Exception) -> None:
    bench.source.fail = error

    bench.run()

    assert bench.finals() == [("failed", str(error))]
    assert bench.boots == 1


def test_a_lost_link_is_waited_for_and_the_update_goes_on(bench: Bench) -> None:
    def lose() -> None:
        if bench.clock.at_s < 3600:
            raise LinkError("lost")

    bench.source.content = FakeBlobs(bench.new.blobs, lose)

    bench.run()

    assert bench.finals() == [("succeeded", "")]
    assert bench.clock.at_s > 3600


def test_the_report_waits_for_the_link(bench: Bench) -> None:
    assert not until(bench.start(), lambda: False)
    bench.link.lost = LinkError("lost")
    agent = bench.start()
    until(agent, lambda: agent.record.last == ACTION)
    assert bench.finals() == []

    bench.link.lost = None
    until(agent, lambda: bool(bench.finals()))

    assert bench.finals() == [("succeeded", "")]


def test_a_server_that_lies_for_ever_is_given_up(bench: Bench) -> None:
    blobs = {key: data if len(data) < 4096 else bytes(len(data)) for key, data in _all(bench)}
    bench.source.content = FakeBlobs(blobs)

    bench.run()

    [(kind, reason)] = bench.finals()
    assert (kind, "not the bytes that were signed" in reason) == ("failed", True)


def test_bytes_that_were_damaged_on_their_way_are_asked_for_again(bench: Bench) -> None:
    asked: list[int] = []

    class Damaged(FakeBlobs):
        def fetch(self, content, offset_bytes, length_bytes):  # type: ignore[no-untyped-def]
            asked.append(offset_bytes)
            data = super().fetch(content, offset_bytes, length_bytes)
            return bytes(len(data)) if len(asked) in (2, 4, 6) else data

    bench.source.content = Damaged(bench.new.blobs)

    bench.run()

    assert bench.finals() == [("succeeded", "")]


def _all(bench: Bench) -> Iterator[tuple[bytes, bytes]]:
    yield from bench.new.blobs.items()


@pytest.mark.parametrize("slots", [WornSlots, UnreadableSlots])
def test_a_worn_slot_is_a_clear_failure_and_what_runs_is_untouched(
    bench: Bench, slots: type[MediumSlots]
) -> None:
    bench.slots = slots

    bench.run()

    [(kind, reason)] = bench.finals()
    assert (kind, "Input/output error at byte" in reason) == ("failed", True)
    assert is_there(bench.medium.now, "a", bench.old.volumes)
    assert bench.control().state().order == ("a",)


def test_a_full_data_partition_does_not_stop_an_update(bench: Bench) -> None:
    bench.calls = FullCalls

    agent = bench.run()

    assert bench.finals() == [("succeeded", "")]
    assert bench.slot == "b"
    assert "No space left" in agent.status().reason


def test_without_a_record_a_release_that_fell_back_is_not_tried_for_ever(bench: Bench) -> None:
    AtomicFiles(MediumCalls(bench.medium, "agent")).remove("record")
    bench.calls = FullCalls
    assert not until(bench.start(), lambda: False)
    for _start in range(3):
        assert boot(bench.storage) == "b"

    bench.run()

    [(kind, reason)] = bench.finals()
    assert (kind, "it fell back (there is no record)" in reason) == ("failed", True)


def test_the_first_start_of_a_device_has_lost_nothing(bench: Bench) -> None:
    bench.medium = Medium(Device(bench.old, bench.new, is_robbed=False).new_contents())

    bench.run()

    assert [one.kind for one in bench.heard] == ["succeeded"]


@pytest.mark.parametrize("is_updated", [False, True])
def test_a_record_that_is_gone_at_a_later_start_is_told(bench: Bench, is_updated: bool) -> None:
    if is_updated:
        bench.run()
    else:
        bench.start()
    AtomicFiles(MediumCalls(bench.medium, "agent")).remove("record")
    bench.heard.clear()

    until(bench.start(), lambda: bool(bench.heard))

    lost = [one.reason for one in bench.heard if one.kind == "record-lost"]
    assert lost == ["there is no record"]


@pytest.mark.parametrize("damage", [b"", b"{", b"\0" * 600])
def test_a_damaged_record_is_told_and_the_agent_goes_on(bench: Bench, damage: bytes) -> None:
    AtomicFiles(MediumCalls(bench.medium, "agent")).write_atomic("record", damage)

    bench.run()

    assert ("record-lost", "record: damaged") in {(one.kind, one.reason) for one in bench.heard}
    assert bench.finals() == [("succeeded", "")]
