"""Orders of a server, requests of people, clocks and crashes."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import pytest

from edge_agent.counters import Floor
from edge_agent.driver import Agent
from edge_agent.link import LinkError
from edge_agent.machine import State
from edge_agent.parts import Checked
from edge_agent.request import RefusedError, Request, Word
from edge_agent.store import AtomicFiles
from edge_agent.window import Window
from edge_signing.fields import MOST
from edge_signing.messages import Desired, EventId, Policy, ReportEvent
from tests.agent.driver.bench import Bench, RestartAsked, until
from tests.agent.power.device import ACTION, ORDER
from tests.agent.power.machine_room import MediumCalls
from tests.fakes.agent_parts import (
    OPTIONS,
    FakeBlobs,
)


@pytest.mark.parametrize("wrong_s", [-1_700_000_000, 0, 2_000_000_000])
def test_the_time_is_never_before_the_floor(bench: Bench, wrong_s: int) -> None:
    bench.clock.wrong_s = wrong_s
    bench.counters().raise_to(Floor(floor_s=1_790_000_000))

    bench.run()

    assert bench.source.known[0].now_s == max(bench.clock.now_s(), 1_790_000_000) or wrong_s >= 0
    assert bench.source.known[0].now_s >= 1_790_000_000


def other_order(seq: int, action: str, policy: Policy | None = None) -> Desired:
    return replace(ORDER, seq=seq, action=action, policy=policy or Policy())


def test_another_order_ends_the_one_under_way(bench: Bench) -> None:
    def lose() -> None:
        bench.link.order = other_order(2, "act-2")
        raise LinkError("lost")

    bench.source.content = FakeBlobs(bench.new.blobs, lose)
    agent = bench.start()

    until(agent, lambda: bool(bench.finals()))

    assert bench.finals() == [("cancelled", "another order came: act-2")]
    until(agent, lambda: agent.record.state is State.INSTALLING)
    assert agent.record.action is not None
    assert agent.record.action.id == "act-2"


def test_an_older_order_is_not_taken(bench: Bench) -> None:
    bench.run()
    bench.link.order = replace(ORDER, seq=1, action="older")
    bench.heard.clear()
    agent = bench.agent()
    agent.record = replace(agent.record, seq=3)

    for _step in range(20):
        agent.step()

    assert agent.record.state is State.IDLE


def test_the_highest_number_may_be_of_another_order(bench: Bench) -> None:
    """Else whoever takes a server once could keep the device from all orders for ever."""
    bench.link.order = other_order(MOST, ACTION)
    bench.run()
    bench.heard.clear()
    bench.link.order = other_order(MOST, "act-2")

    bench.run()

    assert {one.action for one in bench.heard if one.kind == "succeeded"} == {"act-2"}


def test_a_download_waits_for_its_order_to_go_on(bench: Bench) -> None:
    bench.link.order = other_order(1, ACTION, Policy(download_only=True))
    agent = bench.start()
    until(agent, lambda: agent.record.state is State.WAITING)
    for _step in range(20):
        agent.step()
    assert agent.record.state is State.WAITING

    bench.link.order = other_order(2, ACTION)
    assert not until(agent, lambda: False)

    bench.run()
    assert bench.finals() == [("succeeded", "")]


def test_a_restart_waits_for_the_window(bench: Bench) -> None:
    bench.link.order = other_order(1, ACTION, Policy(reboot="window"))
    minute = bench.clock.now_s() // 60 % 1440
    bench.window = Window((minute + 60) % 1440, (minute + 120) % 1440)
    agent = bench.start()

    assert not until_restart(agent, bench)

    assert 3500 < bench.clock.at_s < 7300


def test_what_nobody_approved_is_not_installed(bench: Bench) -> None:
    refusal = "1 of 2 approvals that are wanted here"
    bench.source.checked = replace(bench.source.checked, refusal=refusal)
    untouched = bench.control().state()

    bench.run()

    assert bench.finals() == [("failed", refusal)]
    state = bench.control().state()
    assert (state.order, bench.slot) == (untouched.order, "a")


def test_what_runs_already_needs_no_approval(bench: Bench) -> None:
    bench.source.checked = Checked(bench.old.release, refusal="nobody approved it")

    bench.run()

    assert bench.finals() == [("succeeded", "")]


def until_restart(agent: Agent, bench: Bench) -> bool:
    try:
        while bench.clock.at_s < 10_000:
            agent.step()
    except RestartAsked:
        return False
    return True


def request(word: Word, path: str = "") -> Request:
    return Request(word, f"local-{word}", path)


def test_a_person_goes_back_to_the_older_system_and_the_counter_stays(bench: Bench) -> None:
    agent = bench.run()
    bench.heard.clear()

    agent.take(request("revert"))
    assert not until(agent, lambda: False)

    bench.run()
    assert bench.finals() == [("succeeded", "")]
    assert bench.slot == "a"
    assert bench.counters().floor().counter == 5


def test_going_back_to_a_slot_that_is_not_whole_is_refused(bench: Bench) -> None:
    agent = bench.start()

    with pytest.raises(RefusedError, match="slot b holds no whole system"):
        agent.take(request("revert"))

    assert agent.record.state is State.IDLE


def test_a_bundle_that_a_person_brings_is_not_waited_for(bench: Bench) -> None:
    bench.source.fail = LinkError("stick: Input/output error")
    bench.link.order = None
    agent = bench.start()

    agent.take(request("install", "/media/update.edge"))
    until(agent, lambda: bool(bench.finals()))

    assert bench.finals() == [("failed", "stick: Input/output error")]


def test_in_a_trial_a_person_may_commit_at_once_or_go_back(bench: Bench) -> None:
    assert not until(bench.start(), lambda: False)
    bench.probe.ready = False
    agent = bench.start()
    until(agent, lambda: agent.record.state is State.TRIAL)

    agent.take(request("commit"))
    until(agent, lambda: bool(bench.finals()))

    assert bench.finals() == [("succeeded", "")]


def test_in_a_trial_a_person_may_go_back(bench: Bench) -> None:
    assert not until(bench.start(), lambda: False)
    agent = bench.start()
    until(agent, lambda: agent.record.state is State.TRIAL)

    agent.take(request("revert"))
    assert not until(agent, lambda: False)

    bench.run()
    assert bench.finals() == [("failed", "a person asked to go back")]


def test_an_agent_that_ends_before_the_restart_asks_for_it_again(bench: Bench) -> None:
    bench.restart_fails = True
    agent = bench.start()
    until(agent, lambda: agent.record.state is State.REBOOTING)
    bench.restart_fails = False

    again = bench.agent()

    assert again.record.state is State.REBOOTING
    assert not until(again, lambda: False)
    bench.run()
    assert bench.finals() == [("succeeded", "")]


def test_an_agent_that_crashes_again_and_again_reports_it(bench: Bench) -> None:
    agent = bench.start()
    until(agent, lambda: agent.record.state is State.INSTALLING)
    for _crash in range(64):
        agent = bench.agent()

    until(agent, lambda: bool(bench.finals()))

    assert bench.finals() == [("failed", "came into state installing 65 times")]


def test_the_counters_refuse_to_be_lost_silently(bench: Bench) -> None:
    for at in (0x20_0000, 0x30_0000):
        bench.storage.write(at, hashlib.sha256(b"noise").digest() * 128)

    bench.run()

    assert "counters" in {one.kind for one in bench.heard}
    assert bench.counters().floor().counter == 5


def test_events_are_numbered_within_a_start(bench: Bench) -> None:
    AtomicFiles(MediumCalls(bench.medium, "agent")).write_atomic("record", b"damaged")

    bench.run()

    ids = [one.id for one in bench.heard]
    assert len(set(ids)) == len(ids)
    assert EventId("boot-1", 1) in ids


def idle(bench: Bench) -> Agent:
    """Return an agent that has nothing to do, and forget how it came there."""
    bench.link.order = None
    agent = bench.start()
    for _step in range(20):
        agent.step()
    bench.link.waits_s.clear()
    return agent


def test_an_idle_agent_sleeps_until_the_next_poll(bench: Bench) -> None:
    agent = idle(bench)
    begin_s = bench.clock.at_s

    for _step in range(10):
        agent.step()

    assert bench.clock.at_s - begin_s >= 8 * OPTIONS.poll_s
    assert max(bench.link.waits_s) <= OPTIONS.poll_s


def test_an_idle_agent_without_a_link_sleeps_long(bench: Bench) -> None:
    bench.link = None  # type: ignore[assignment]
    agent = bench.start()
    for _step in range(20):
        agent.step()

    assert bench.clock.at_s > 3600


def test_a_lost_server_is_asked_again_when_the_wait_is_over(bench: Bench) -> None:
    agent = idle(bench)
    bench.link.lost = LinkError("lost", wait_s=100)
    bench.clock.at_s += OPTIONS.poll_s
    agent.step()
    lost_s = bench.clock.at_s
    bench.link.lost = None
    bench.link.order = ORDER

    until(agent, lambda: agent.record.state is not State.IDLE)

    assert 0 <= bench.clock.at_s - lost_s <= 1


def test_an_event_that_the_server_did_not_take_is_told_again_soon(bench: Bench) -> None:
    agent = idle(bench)
    forgotten, heard_s = [True, True], []
    send = bench.link.send_events

    def send_events(events: Sequence[ReportEvent]) -> Sequence[EventId]:
        return () if forgotten and forgotten.pop() else send(events)

    bench.link.hear = lambda _event: heard_s.append(bench.clock.at_s)
    bench.link.send_events = send_events  # type: ignore[method-assign]
    agent._parts.outbox.add("test", at_s=1)
    begin_s = bench.clock.at_s

    until(agent, lambda: bool(heard_s))

    assert 0 < heard_s[0] - begin_s < 10
