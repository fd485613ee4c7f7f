"""What an update waits for: the programs of the image and its user; and what may change that."""

import itertools
from dataclasses import replace

import pytest

from edge_agent.driver import Agent
from edge_agent.link import LinkError
from edge_agent.machine import State
from edge_agent.request import RefusedError, Request, Word
from edge_agent.store import AtomicFiles
from edge_agent.window import Window
from edge_signing.hours import Hours
from edge_signing.messages import Confirm, Policy
from tests.agent.driver.bench import Bench, RestartAsked, until
from tests.agent.power.device import ACTION, ORDER
from tests.agent.power.machine_room import MediumCalls

USER = State.CONFIRMING


def ask(agent: Agent, word: Word) -> None:
    agent.take(Request(word, "local-1"))


def order(bench: Bench, confirm: Confirm, *, seq: int = 1, action: str = ACTION) -> None:
    bench.link.order = replace(ORDER, seq=seq, action=action, policy=Policy(confirm=confirm))


def come_to(bench: Bench, state: State) -> Agent:
    agent = bench.start()
    assert until(agent, lambda: agent.record.state is state)
    return agent


def let_stay(agent: Agent, *, steps: int = 5) -> None:
    """See that a state stays as it is."""
    before = agent.record.state
    for _step in range(steps):
        agent.step()
    assert agent.record.state is before


@pytest.mark.parametrize(
    ("is_set", "confirm", "is_asked"),
    [
        pytest.param(False, "as-set", False, id="nobody wants it"),
        pytest.param(True, "as-set", True, id="the device wants it"),
        pytest.param(False, "always", True, id="the order wants it"),
        pytest.param(True, "never", False, id="the order is forced"),
    ],
)
def test_the_user_is_asked_where_the_device_or_the_order_wants_it(
    bench: Bench, is_set: bool, confirm: Confirm, is_asked: bool
) -> None:
    bench.confirm = is_set
    order(bench, confirm)

    if is_asked:
        agent = come_to(bench, USER)
        let_stay(agent)
        assert agent.status().phase == "waiting-for-user"
        assert bench.link.states[-1].phase == "waiting-for-user"
        ask(agent, "confirm")
        assert agent.record.state is State.WAITING
        assert not until(agent, lambda: False)  # restarts
    bench.run()

    assert bench.finals() == [("succeeded", "")]


def test_a_confirmation_outlives_the_power_and_a_postponement_too(bench: Bench) -> None:
    bench.confirm = True
    bench.hooks.said = ["battery: status 1: 3 %"]
    agent = come_to(bench, USER)
    ask(agent, "postpone")
    again = bench.start()
    assert (again.record.state, again.status().reason) == (USER, "postponed by the user")

    ask(again, "confirm")
    last = bench.start()

    assert last.record.state is State.WAITING
    assert last.status().reason == ""
    assert not until(last, lambda: False)
    # After a fall-back an older agent reads the record, which knows nothing of this.
    stored = AtomicFiles(MediumCalls(bench.medium, "agent")).read("record") or b""
    assert b'"state":"rebooting"' in stored
    assert b"confirm" not in stored
    assert b"permitting" not in stored


def test_what_was_confirmed_can_be_postponed_until_the_restart(bench: Bench) -> None:
    bench.confirm = True
    agent = come_to(bench, USER)
    bench.hooks.said = ["battery: status 1: 3 %"]
    ask(agent, "confirm")
    agent.step()

    ask(agent, "postpone")

    let_stay(agent)
    assert (agent.record.state, agent.status().reason) == (USER, "postponed by the user")


def test_a_forced_order_goes_on_where_the_user_was_asked(bench: Bench) -> None:
    bench.confirm = True
    agent = come_to(bench, USER)
    ask(agent, "postpone")

    order(bench, "never", seq=2)

    assert not until(agent, lambda: False)  # restarts
    bench.run()
    assert bench.finals() == [("succeeded", "")]


def test_another_order_ends_the_wait_for_the_user(bench: Bench) -> None:
    bench.confirm = True
    agent = come_to(bench, USER)

    order(bench, "as-set", seq=2, action="act-2")

    assert until(agent, lambda: bool(bench.finals()))
    assert bench.finals() == [("cancelled", "another order came: act-2")]


def in_minutes(bench: Bench, begin: int, end: int, *, offset: int = 0) -> Hours:
    """Return hours that begin and end so many minutes from now, in a zone that is ahead of UTC."""
    minute = bench.clock.now_s() // 60 + offset
    return Hours((minute + begin) % 1440, (minute + end) % 1440)


def order_for(bench: Bench, hours: Hours | None) -> None:
    policy = Policy(reboot="window", window=hours)
    bench.link.order = replace(ORDER, policy=policy)


def restarted_after_s(bench: Bench, agent: Agent, most_s: float) -> float:
    """Let time go by until the device restarts, and return when it was."""
    try:
        while bench.clock.at_s < most_s:
            agent.step()
    except RestartAsked:
        return bench.clock.at_s
    raise AssertionError(f"still {agent.record.state} after {most_s} s")


@pytest.mark.parametrize("offset_min", [0, 90, -300])
@pytest.mark.parametrize("own", [None, Window(0, 1440), Window(0, 1)], ids=["none", "all", "never"])
def test_the_window_of_the_order_goes_before_that_of_the_device(
    bench: Bench, own: Window | None, offset_min: int
) -> None:
    bench.window, bench.utc_offset_min = own, offset_min
    order_for(bench, in_minutes(bench, 60, 120, offset=offset_min))

    assert 3500 < restarted_after_s(bench, bench.start(), 7300) < 3700


def test_the_window_of_an_order_is_kept_over_a_restart_and_without_a_server(bench: Bench) -> None:
    order_for(bench, in_minutes(bench, 60, 120))
    agent = come_to(bench, State.WAITING)
    bench.link.lost = LinkError("lost")
    let_stay(agent)

    agent = bench.start()

    assert agent.record.state is State.WAITING
    assert 3500 < restarted_after_s(bench, agent, 7300) < 3700


def test_a_newer_order_of_the_action_changes_the_window(bench: Bench) -> None:
    order_for(bench, in_minutes(bench, 600, 660))
    agent = come_to(bench, State.WAITING)
    newer = Policy(reboot="window", window=in_minutes(bench, 30, 60))

    bench.link.order = replace(ORDER, seq=2, policy=newer)

    assert 1700 < restarted_after_s(bench, agent, 3600) < 1900


def test_the_agent_of_before_can_read_the_record_of_an_order_with_new_words(bench: Bench) -> None:
    order_for(bench, in_minutes(bench, -60, 60))
    assert bench.link.order is not None
    policy = replace(bench.link.order.policy, confirm_until_s=bench.clock.now_s())
    bench.link.order = replace(bench.link.order, approval=b'{"statement":{}}', policy=policy)

    assert not until(bench.start(), lambda: False)  # restarts

    stored = AtomicFiles(MediumCalls(bench.medium, "agent")).read("record") or b""
    assert b'"state":"rebooting"' in stored
    assert b'"policy":{"download_only":false,"reboot":"now"}' in stored
    assert b"approval" not in stored


def test_who_installs_a_bundle_is_not_asked_again(bench: Bench) -> None:
    bench.confirm = True
    bench.link.order = None
    agent = bench.start()
    agent.take(Request("install", "local-2", "/tmp/update.edge"))

    assert not until(agent, lambda: False)  # restarts


@pytest.mark.parametrize("word", ["confirm", "postpone"])
def test_nobody_is_asked_when_idle(bench: Bench, word: Word) -> None:
    bench.link.order = None

    with pytest.raises(RefusedError, match=f"{word}: not in state idle"):
        ask(bench.start(), word)


def test_an_update_that_asks_nobody_can_not_be_postponed(bench: Bench) -> None:
    bench.hooks.said = ["", "battery: status 1: 3 %"]
    agent = come_to(bench, State.WAITING)

    with pytest.raises(RefusedError, match="does not ask its user"):
        ask(agent, "postpone")


def test_a_program_that_does_not_agree_makes_an_update_wait_and_says_why(bench: Bench) -> None:
    bench.hooks.said = [None, "room: status 1: 3 MiB free", None, ""]
    agent = come_to(bench, State.PERMITTING)
    agent.step()
    assert agent.status().reason == ""
    agent.step()

    assert agent.status().reason == "before-install: room: status 1: 3 MiB free"
    assert until(agent, lambda: agent.record.state is State.INSTALLING)
    assert agent.status().reason == ""
    assert bench.hooks.asked == ["before-install"] * 4


@pytest.mark.parametrize("confirm", ["as-set", "never"])
def test_a_program_that_does_not_agree_holds_a_forced_order_too(
    bench: Bench, confirm: Confirm
) -> None:
    order(bench, confirm)
    bench.hooks.said = ["", "battery: status 1: 3 %"]
    agent = come_to(bench, State.WAITING)
    agent.step()

    assert agent.record.state is State.WAITING
    assert agent.status().reason == "before-restart: battery: status 1: 3 %"
    assert not until(agent, lambda: False)  # restarts
    assert bench.hooks.asked == ["before-install", "before-restart", "before-restart"]


def test_programs_are_asked_less_and_less_often(bench: Bench) -> None:
    bench.hooks.said = ["room: status 1"] * 9
    agent = come_to(bench, State.PERMITTING)
    times: list[float] = []
    asked = 0
    while len(times) < 9:
        agent.step()
        if len(bench.hooks.asked) > asked:
            asked = len(bench.hooks.asked)
            times.append(bench.clock.at_s)

    waits = [round(after - before) for before, after in itertools.pairwise(times)]
    assert waits == sorted(waits)
    assert waits[0] >= 30
    assert waits[-1] < 500  # half of the most, as the fake clock's jitter is one half


def test_the_programs_are_asked_after_the_user(bench: Bench) -> None:
    bench.confirm = True
    agent = come_to(bench, USER)
    assert bench.hooks.asked == ["before-install"]

    ask(agent, "confirm")

    assert not until(agent, lambda: False)
    assert bench.hooks.asked == ["before-install", "before-restart"]


def test_health_programs_that_are_asked_do_not_hold_the_agent(bench: Bench) -> None:
    bench.probe.said = None
    assert not until(bench.start(), lambda: False)
    agent = bench.start()
    assert until(agent, lambda: "health.d" in agent.status().reason)
    before_s = bench.clock.at_s

    agent.step()

    assert bench.clock.at_s - before_s < 2
    agent.step()
    assert bench.link.states[-1].reason == "the programs of health.d are asked"
    bench.probe.said = ""
    assert until(agent, lambda: bool(bench.finals()))
    assert bench.finals() == [("succeeded", "")]


def test_what_health_programs_say_of_a_system_that_is_not_stable_does_not_count(
    bench: Bench,
) -> None:
    bench.probe.said = None
    assert not until(bench.start(), lambda: False)
    agent = bench.start()
    assert until(agent, lambda: "health.d" in agent.status().reason)
    before = bench.probe.withdrawn

    bench.probe.ended += 1
    agent.step()

    assert bench.probe.withdrawn == before + 1
    assert agent.status().reason == "a service ended again"
