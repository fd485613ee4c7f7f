"""What goes wrong around a campaign: a console that is killed, clocks that jump, people at once."""

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from edge.console.campaigns.campaign import Event
from edge.console.campaigns.members import MemberState
from edge.console.campaigns.plan import Limit, Pace, Plan, Times, Wave
from edge.console.devices import registry
from edge.console.store.database import Database
from edge.console.store.tables import RELEASES
from edge.errors import RefusedError
from tests.edge.console.campaigns.ground import Ground
from tests.edge.console.campaigns.survivor import Mortal, Survivor, hastily

PLAN = Plan(
    ("gateway/2/release.json",),
    waves=(
        Wave(percent=20, limit=Limit(count=2, percent=None), success_percent=50),
        Wave(percent=100, limit=Limit(count=2, percent=None)),
    ),
    evidence=None,
    pace=Pace(at_once=4),
    times=Times(soak_s=10, silence_s=60, timeout_s=600, answer_s=300),
    on_trip="revert",
)


@pytest.fixture(scope="module")
def ready(keys: Path, stock: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a console that has devices."""
    folder = tmp_path_factory.mktemp("faults") / "ready"
    shutil.copytree(stock, folder / "tenants")
    with hastily():
        made = Ground(Database(f"sqlite:///{folder / 'test.db'}"), keys, folder / "tenants")
        made.fleet(6)
        made.database.close()
    return folder


@pytest.mark.parametrize("bad", [{}, {"d-001": "2", "d-003": "2"}])
def test_a_console_that_is_killed_at_any_step_loses_and_doubles_nothing(
    keys: Path, ready: Path, tmp_path: Path, bad: dict[str, str]
) -> None:
    def run(name: str, dies_at: int) -> tuple[int, dict[str, str], dict[str, list[str]]]:
        folder = shutil.copytree(ready, tmp_path / name)
        database = Database(f"sqlite:///{folder / 'test.db'}")
        ground, mortal = Ground(database, keys, folder / "tenants"), Mortal(database)
        mortal.dies_at, mortal.is_after = dies_at, dies_at % 2 == 0
        found = Survivor(ground, mortal, PLAN).run(bad)
        orders = {name: [one.release for one in ground.orders(name)] for name in found}
        database.close()
        return mortal.writes, found, orders

    with hastily():
        writes, whole, _orders = run("whole", -1)
        assert writes > 10
        for dies_at in range(1, writes + 1):
            _writes, found, orders = run(f"cut-{dies_at}", dies_at)

            assert found == whole, dies_at
            assert all(one.count("gateway/2/release.json") <= 1 for one in orders.values())


def test_reports_that_come_while_nobody_looks_count_when_the_console_is_back(
    ground: Ground,
) -> None:
    ground.fleet(10)
    id_ = ground.start(PLAN)
    for device in list(ground.ordered()):
        ground.update(device)
    ground.now_s += 3600
    ground.restart()

    ground.look()
    assert set(ground.states(id_)) == {"soaking", "waiting"}
    ground.wait(20)

    assert ground.states(id_)["succeeded"] == 2


def test_no_device_is_silent_because_the_console_was_away(ground: Ground) -> None:
    ground.fleet(10)
    id_ = ground.start(replace(PLAN, on_trip="pause"))
    for device in list(ground.ordered()):
        ground.status(device, "rebooting")

    ground.now_s += 7 * 86_400
    ground.look()

    assert "silent" not in ground.states(id_)
    assert ground.state(id_) == "running"
    ground.wait(80)
    assert ground.states(id_)["silent"] == 2


@pytest.mark.parametrize("jump_s", [-86_400, 86_400])
def test_a_clock_that_jumps_changes_nothing(ground: Ground, jump_s: int) -> None:
    ground.fleet(10)
    id_ = ground.start(PLAN)
    ground.look(5)

    ground.now_s += jump_s
    ground.look()

    assert ground.states(id_) == {"offered": 2, "waiting": 8}
    for device in list(ground.ordered()):
        ground.update(device)
    ground.wait(20)
    assert ground.states(id_)["succeeded"] == 2


@pytest.mark.parametrize("jump_s", [-86_400, -50, 50, 86_400])
def test_a_device_that_never_comes_back_is_silent_however_the_clock_was_set(
    ground: Ground, jump_s: int
) -> None:
    ground.fleet(10)
    id_ = ground.start(replace(PLAN, on_trip="pause"))
    gone = list(ground.ordered())
    for device in gone:
        ground.status(device, "rebooting")
    ground.wait(20)

    ground.now_s += jump_s
    ground.look()
    before = ground.states(id_)
    ground.wait(60)

    assert "silent" not in before
    assert ground.states(id_)["silent"] == len(gone)
    assert ground.state(id_) == "paused"


@pytest.mark.parametrize("at_s", [0, 4_102_444_800], ids=["1970", "2100"])
def test_what_a_device_reports_counts_whatever_its_clock_says(ground: Ground, at_s: int) -> None:
    ground.fleet(10)
    id_ = ground.start(PLAN)
    bad, good = ground.ordered()
    now_s = ground.now_s

    for device, kind in ((bad, "failed"), (good, "succeeded")):
        ground.status(device, "installing")
        ground.now_s = at_s
        event = ground.event(device, kind)
        ground.now_s = now_s
        ground.take(device, event)
    ground.wait(20)

    assert (ground.member(id_, bad).state, ground.member(id_, good).state) == (
        MemberState.FAILED,
        MemberState.SUCCEEDED,
    )


def test_of_two_people_who_decide_at_once_each_hears_what_came_of_it(ground: Ground) -> None:
    ground.fleet(10)
    id_ = ground.start(PLAN)

    async def both() -> tuple[Any, ...]:
        decide = ground.conductor.decide
        jane, joe = ground.actor("person:jane"), ground.actor("person:joe")
        return await asyncio.gather(
            decide(jane, id_, Event.ABORTED),
            decide(joe, id_, Event.PAUSED),
            decide(joe, id_, Event.REVERTED),
            return_exceptions=True,
        )

    aborted, paused, reverted = asyncio.run(both())

    assert aborted.campaign.state == "aborting"
    assert isinstance(paused, RefusedError)
    assert str(paused) == "the campaign is aborting: it can not be paused"
    assert reverted.campaign.state == "reverting"


def test_a_plan_that_is_edited_while_it_runs_counts_at_once(ground: Ground) -> None:
    ground.fleet(20)
    id_ = ground.start(PLAN)
    (first, *_others) = ground.ordered()
    ground.fail(first)
    stricter = replace(
        PLAN, on_trip="abort", waves=tuple(replace(one, limit=Limit(count=1)) for one in PLAN.waves)
    )

    ground.decide(id_, Event.EDITED, plan=stricter)
    ground.look()

    assert ground.state(id_) == "aborted"
    assert ground.campaign(id_).campaign.tripped == "wave 1: 1 failed, and 1 are too many"


def test_a_release_that_is_taken_back_is_ordered_of_nobody(ground: Ground) -> None:
    ground.fleet(10)
    id_ = ground.start(PLAN)
    ground.write(lambda c: c.execute(delete(RELEASES).where(RELEASES.c.version == "2")).rowcount)
    for device in list(ground.ordered()):
        ground.fail(device)
        break

    ground.wait(40)

    assert ground.states(id_).get("offered", 0) <= 2
    assert ground.state(id_) == "running"


def test_a_device_that_was_put_out_and_comes_back_finds_its_order_taken_back(
    ground: Ground,
) -> None:
    ground.fleet(2)
    id_ = ground.start(PLAN)
    (device,) = ground.ordered()
    ground.write(lambda c: registry.revoke(c, ground.actor(), device))

    ground.wait(20)

    assert ground.member(id_, device).state is MemberState.GONE
    assert ground.campaign(id_).campaign.tallies[0].meant == 0
