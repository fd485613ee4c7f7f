"""How many devices a bad release reaches: the forecast against campaigns that are played."""

import random
from dataclasses import replace

import pytest

from edge.console.campaigns import stopping
from edge.console.campaigns.plan import Evidence, Limit, Pace, Plan, Wave, shares, waves
from edge.console.campaigns.stopping import exposure, speaks_against
from edge.errors import InputError
from tests.edge.console.campaigns.fleet import Fleet

WAVES = (Wave(percent=5), Wave(percent=25), Wave(percent=100))
PLAN = Plan(("p/2/release.json",), waves=WAVES, pace=Pace(at_once=10))


def sizes(plan: Plan, total: int) -> list[int]:
    upto = [one.upto for one in shares(plan.waves, total)]
    return [after - before for before, after in zip([0, *upto], upto, strict=False)]


def played(plan: Plan, total: int, share: float, noise: random.Random) -> int:
    """Return how many devices a real campaign orders until it stops."""
    ours = Fleet(plan, total)
    ours.start()
    is_bad = {device: noise.random() < share for device in ours.members}
    while chosen := ours.offer():
        for device in chosen:
            (ours.fail if is_bad[device] else ours.update)(device)
        ours.settle()
    return ours.orders


@pytest.mark.parametrize("permille", [50, 200])
def test_the_forecast_is_what_campaigns_do(permille: int) -> None:
    noise = random.Random(5)
    forecast = exposure(PLAN, sizes(PLAN, 400), permille, noise.random, plays=2000)

    orders = sorted(played(PLAN, 400, permille / 1000, noise) for _ in range(40))

    assert forecast.median * 0.6 - 10 <= orders[19] <= forecast.median * 1.6 + 10
    assert orders[34] <= forecast.most + 10


def test_a_defect_of_five_percent_does_not_reach_the_fleet() -> None:
    found = exposure(PLAN, sizes(PLAN, 100_000), 50, random.Random(1).random)

    assert found.stopped_percent == 100
    assert found.most < 1000


def test_a_good_release_is_seldom_stopped() -> None:
    plan = replace(PLAN, waves=tuple(replace(one, limit=Limit(percent=None)) for one in WAVES))

    found = exposure(plan, sizes(plan, 20_000), 10, random.Random(1).random)

    assert found.stopped_percent <= 6


def test_the_rule_has_the_errors_that_it_says() -> None:
    noise, evidence = random.Random(3), Evidence(10, 50, 50)

    def stops(share: float) -> bool:
        failures = 0
        for number in range(1, 3000):
            failures += noise.random() < share
            if speaks_against(evidence, failures, number - failures):
                return True
        return False

    assert sum(stops(0.01) for _ in range(200)) <= 200 * 0.08
    assert sum(stops(0.05) for _ in range(100)) >= 95


def test_no_failure_never_stops_a_campaign() -> None:
    assert not speaks_against(Evidence(), 0, 10**6)
    assert stopping.beyond(Limit(count=1, percent=0, sample=1), 0, 5) == ""


def test_a_wave_that_is_smaller_than_the_sample_is_judged_when_all_of_it_has_ended() -> None:
    plan = replace(
        PLAN, waves=(Wave(count=3, success_percent=0, wait_s=10), Wave(percent=100)), evidence=None
    )
    ours = Fleet(plan, 40)
    ours.start()
    first, second, third = ours.offer()

    ours.update(first)
    ours.fail(second)
    assert ours.state == "running"
    ours.update(third)

    assert ours.campaign.tripped == "wave 1: 1 of 3 failed, more than 10%"


def test_waves_are_read_from_text() -> None:
    found = waves("2, 10%,100%", Wave(limit=Limit(count=3), success_percent=95))

    assert [(one.count, one.percent) for one in found] == [(2, None), (None, 10), (None, 100)]
    assert {one.success_percent for one in found} == {95}
    with pytest.raises(InputError, match="part 2, 'x', is neither"):
        waves("1%,x,100%", Wave())


@pytest.mark.parametrize(
    ("total", "upto"), [(1, [1, 1, 1]), (20, [1, 5, 20]), (1000, [50, 250, 1000]), (0, [0, 0, 0])]
)
def test_shares_are_rounded_up(total: int, upto: list[int]) -> None:
    assert [one.upto for one in shares(WAVES, total)] == upto
