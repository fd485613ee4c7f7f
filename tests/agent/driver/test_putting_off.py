"""An update that its user may put off until a time, and a user who agrees to all of them."""

from dataclasses import replace

import pytest

from edge_agent.link import LinkError
from edge_signing.messages import Confirm, Policy
from tests.agent.driver.bench import Bench, until
from tests.agent.driver.test_waiting import (
    USER,
    ask,
    come_to,
    in_minutes,
    let_stay,
    order,
    restarted_after_s,
)
from tests.agent.power.device import ORDER


def put_off(bench: Bench, seconds: int, confirm: Confirm = "always", *, seq: int = 1) -> None:
    """Order an update that its user may put off for so long."""
    policy = Policy(confirm=confirm, confirm_until_s=bench.clock.now_s() + seconds)
    bench.link.order = replace(ORDER, seq=seq, policy=policy)


@pytest.mark.parametrize("confirm", ["always", "as-set"])
def test_the_user_may_put_it_off_until_the_time_is_over_offline_and_over_restarts(
    bench: Bench, confirm: Confirm
) -> None:
    bench.confirm = confirm == "as-set"
    put_off(bench, 3600, confirm)
    agent = come_to(bench, USER)
    ask(agent, "postpone")
    bench.link.lost = LinkError("lost")
    let_stay(agent)

    agent = bench.start()
    assert agent.record.state is USER

    assert 3500 < restarted_after_s(bench, agent, 7300) < 3700


def test_who_agrees_before_the_time_is_over_waits_no_longer(bench: Bench) -> None:
    put_off(bench, 3600)
    agent = come_to(bench, USER)

    ask(agent, "confirm")

    assert restarted_after_s(bench, agent, 3000) < 600


def test_it_goes_on_in_the_window_alone(bench: Bench) -> None:
    put_off(bench, 600)
    assert bench.link.order is not None
    policy = bench.link.order.policy
    night = replace(policy, reboot="window", window=in_minutes(bench, 60, 120))
    bench.link.order = replace(bench.link.order, policy=night)

    assert 3500 < restarted_after_s(bench, bench.start(), 7300) < 3700


@pytest.mark.parametrize("wrong_s", [-(1 << 30), -7200], ids=["1990s", "two hours behind"])
def test_a_clock_that_is_not_known_yet_is_not_after_the_time(bench: Bench, wrong_s: int) -> None:
    put_off(bench, 3600)
    bench.clock.wrong_s = wrong_s
    agent = come_to(bench, USER)
    while bench.clock.at_s < 5000:
        agent.step()
    assert agent.record.state is USER

    bench.clock.wrong_s = 0  # the network says it

    assert restarted_after_s(bench, agent, 5100) < 5100


def test_no_clock_lets_it_go_on_where_no_time_was_said(bench: Bench) -> None:
    order(bench, "always")
    agent = come_to(bench, USER)

    bench.clock.wrong_s = 1 << 33

    let_stay(agent)


def test_a_newer_order_of_the_action_gives_more_time_or_less(bench: Bench) -> None:
    put_off(bench, 600)
    agent = come_to(bench, USER)
    put_off(bench, 7200, seq=2)
    while bench.clock.at_s < 1200:
        agent.step()
    assert agent.record.state is USER

    put_off(bench, 300, seq=3)

    assert 1400 < restarted_after_s(bench, agent, 2000) < 1700


@pytest.mark.parametrize("confirm", ["always", "as-set"])
def test_who_agrees_to_all_updates_is_not_asked_until_he_wants_it_again(
    bench: Bench, confirm: Confirm
) -> None:
    bench.confirm = True
    order(bench, confirm)
    agent = come_to(bench, USER)
    ask(agent, "postpone")
    let_stay(agent)

    agent.consent.settle("auto-confirm")
    agent.consent.settle("ask-again")
    let_stay(agent)
    agent = bench.start()
    agent.consent.settle("auto-confirm")

    assert not until(agent, lambda: False)  # restarts
    bench.run()
    assert bench.finals() == [("succeeded", "")]
    assert bench.start().consent.is_given()
