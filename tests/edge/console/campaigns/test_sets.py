"""Campaigns that bring several releases to each device: a system, and versions of its services."""

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from edge.console import orders, releases
from edge.console.campaigns import store, verifying
from edge.console.campaigns.campaign import Event
from edge.console.campaigns.plan import Limit, Pace, Wave
from edge.console.store.database import Database
from edge_signing.messages import Policy
from tests.edge.console.campaigns import set_ground
from tests.edge.console.campaigns.ground import TENANT
from tests.edge.console.campaigns.set_ground import PLAN, SET, SetGround, Unit
from tests.edge.console.campaigns.survivor import Mortal, Survivor, hastily

LAX = (Wave(percent=100, limit=Limit(count=9, percent=None)),)
NO_MQTT = "has no service mqtt that is updated in place"
SERVICES = replace(PLAN, releases=SET[1:])


@pytest.fixture
def ground(sets: SetGround) -> SetGround:
    return sets


def verified(ground: SetGround, id_: str) -> tuple[str, ...]:
    found = ground.read(lambda one: verifying.verify(one, TENANT, id_))
    return tuple(found.differences)


def test_each_device_takes_the_system_and_then_the_services_one_after_the_other(
    ground: SetGround,
) -> None:
    names = ground.services_fleet(5)
    id_ = ground.start(PLAN)

    ground.play_set(id_, {})

    assert ground.states(id_) == {"succeeded": 5}
    assert {tuple(ground.paths(one)) for one in names} == {("2", "mqtt+2", "web+2")}
    assert ground.runs(names[0]) == ("2", {"mqtt": "mqtt+2", "web": "web+2"})
    assert ground.most == 2, "a device between two steps keeps its place"
    assert verified(ground, id_) == ()


def test_a_step_is_committed_and_only_the_last_one_soaks(ground: SetGround) -> None:
    ground.services_fleet(1)
    id_ = ground.start(PLAN)
    seen = []

    for _step in range(3):
        ground.update("d-000")
        seen.append(ground.member(id_, "d-000"))
        ground.look()

    assert [str(one.state) for one in seen] == ["between", "between", "soaking"]
    assert [one.service for one in seen] == ["", "mqtt", "web"]
    assert [one.release for one in seen[2].taken] == [SET[0], SET[2]]


def test_who_runs_a_part_of_it_takes_the_rest_alone(ground: SetGround) -> None:
    has_system = Unit("2", {"mqtt": ("mqtt+2", "a2" * 8)})
    has_all = Unit("2", {"mqtt": ("mqtt+2", "a2" * 8), "web": ("web+2", "b2" * 8)})
    ground.services_fleet(3, d_001=has_system, d_002=has_all)
    found = set_ground.looked_ahead(ground, PLAN)
    id_ = ground.start(PLAN)

    ground.play_set(id_, {})

    assert ground.paths("d-001") == ["web+2"]
    assert ground.states(id_) == {"succeeded": 2}
    assert [(one.reason, one.examples) for one in found.left_out] == [
        ("runs all of it already", ("d-002",))
    ]
    assert (found.devices, found.several) == (2, 1)


def test_a_device_between_steps_is_ordered_nothing_before_it_told_how_it_is(
    ground: SetGround,
) -> None:
    ground.services_fleet(1)
    id_ = ground.start(PLAN)
    ground.tell("d-000", "installing")
    ground.units["d-000"].version = "2"
    ground.tell("d-000", "trial", boot_id="boot-2")
    ground.report("d-000", "succeeded", version="2")

    ground.look(5)
    before = ground.paths("d-000")
    ground.tell("d-000", "idle")
    ground.look()

    assert (before, ground.paths("d-000")) == (["2"], ["2", "mqtt+2"])
    assert ground.member(id_, "d-000").state == "offered"


def test_a_step_whose_status_never_comes_counts_by_its_report(ground: SetGround) -> None:
    ground.services_fleet(1)
    ground.start(SERVICES)
    ground.tell("d-000", "installing")
    ground.report("d-000", "succeeded", version="mqtt+2")

    ground.wait(80)

    assert ground.paths("d-000") == ["mqtt+2", "web+2"]


@pytest.mark.parametrize("at_fault", ["2", "mqtt+2", "web+2"])
def test_all_steps_are_taken_back_when_one_fails(ground: SetGround, at_fault: str) -> None:
    names = ground.services_fleet(4)
    before = ground.runs("d-000")
    id_ = ground.start(replace(PLAN, on_trip="revert"))
    first = next(iter(ground.ordered()))

    ground.play_set(id_, {first: at_fault})

    assert ground.state(id_) == "reverted"
    assert {ground.runs(one) == before for one in names} == {True}
    # The system of before brings its services: they are not ordered besides.
    assert all(one[-1] in ("1", "2", "") for one in map(ground.paths, names) if one)
    assert verified(ground, id_) == ()


def test_what_was_in_place_comes_back_after_the_system(ground: SetGround) -> None:
    ground.own["1"]["web"] = "c" * 16
    ground.services_fleet(1, d_000=Unit("1", {"web": ("web+1", "c" * 16)}))
    before = ground.runs("d-000")
    id_ = ground.start(PLAN)
    ground.play_set(id_, {})

    ground.decide(id_, Event.REVERTED)
    ground.play_set(id_, {})

    assert ground.runs("d-000") == before == ("1", {"mqtt": "a1" * 8, "web": "web+1"})
    assert ground.paths("d-000") == ["2", "mqtt+2", "web+2", "1", "web+1"]
    assert ground.states(id_) == {"reverted": 1}
    assert verified(ground, id_) == ()


def test_a_part_that_is_lost_in_the_soak_is_a_failure_and_the_rest_goes_back(
    ground: SetGround,
) -> None:
    ground.services_fleet(1)
    id_ = ground.start(replace(PLAN, waves=LAX))
    for _step in range(3):
        ground.update("d-000")
        ground.look()
    del ground.units["d-000"].in_place["mqtt"]
    ground.tell("d-000", "idle")
    ground.wait(20)

    member = ground.member(id_, "d-000")
    assert (str(member.state), member.reason) == ("failed", f"runs {'a2' * 8} after its soak")
    ground.decide(id_, Event.REVERTED)
    ground.play_set(id_, {})
    assert ground.states(id_) == {"reverted": 1}
    assert ground.runs("d-000") == ("1", ground.own["1"])


def test_a_system_that_is_unsteady_fails_the_device_at_its_next_step(ground: SetGround) -> None:
    ground.services_fleet(1)
    id_ = ground.start(replace(PLAN, waves=LAX))
    system = ground.member(id_, "d-000").action
    ground.update("d-000")
    ground.look()

    ground.report("d-000", "unsteady", action="1-other", reason="other ends again and again")
    before = str(ground.member(id_, "d-000").state)
    ground.report("d-000", "unsteady", action=system, reason="web ends again and again")

    member = ground.member(id_, "d-000")
    assert (before, str(member.state)) == ("offered", "failed")
    assert member.reason == "web ends again and again"


def test_a_version_in_place_that_stands_for_both_systems_is_ordered_back_too(
    ground: SetGround,
) -> None:
    ground.own["2"]["web"] = ground.own["1"]["web"]
    ground.services_fleet(1)
    before = ground.runs("d-000")
    id_ = ground.start(PLAN)
    ground.play_set(id_, {})

    ground.decide(id_, Event.REVERTED)
    ground.play_set(id_, {})

    assert ground.runs("d-000") == before
    assert ground.paths("d-000") == ["2", "mqtt+2", "web+2", "1", "web+1"]


def test_services_alone_go_back_to_what_is_here_and_the_others_are_stranded(
    ground: SetGround,
) -> None:
    ground.services_fleet(1)
    id_ = ground.start(SERVICES)
    ground.play_set(id_, {})

    ground.decide(id_, Event.REVERTED)
    ground.play_set(id_, {})

    # Its own `web` is released as web+1; of its own `mqtt` nothing is here.
    member = ground.member(id_, "d-000")
    assert (str(member.state), member.reason) == (
        "stranded",
        f"ran {'a1' * 8} of mqtt before, of which no release is here",
    )


def test_who_failed_half_way_goes_on_from_there_when_it_is_tried_again(ground: SetGround) -> None:
    ground.services_fleet(2)
    plan = replace(PLAN, waves=LAX)
    id_ = ground.start(plan)
    ground.play_set(id_, {"d-000": "web+2"})
    assert ground.campaign(id_).campaign.halfway == 1

    asyncio.run(ground.conductor.retry(ground.actor(), id_))
    ground.play_set(id_, {})

    assert ground.paths("d-000") == ["2", "mqtt+2", "web+2", "web+2"]
    assert ground.states(id_) == {"succeeded": 2}
    assert ground.campaign(id_).campaign.halfway == 0
    assert verified(ground, id_) == ()


def test_a_paused_campaign_orders_no_further_step_and_one_that_closes_does(
    ground: SetGround,
) -> None:
    ground.services_fleet(3)
    id_ = ground.start(PLAN)
    for device in list(ground.ordered()):
        ground.update(device)
    ground.decide(id_, Event.PAUSED)
    ground.wait(100)
    assert (ground.states(id_), ground.ordered()) == ({"between": 2, "waiting": 1}, {})

    ground.decide(id_, Event.EXPIRED)
    ground.play_set(id_, {})

    assert ground.states(id_) == {"succeeded": 2, "waiting": 1}
    assert ground.state(id_) == "finished"


def test_an_aborted_campaign_leaves_nobody_between(ground: SetGround) -> None:
    ground.services_fleet(2)
    id_ = ground.start(PLAN)
    for device in list(ground.ordered()):
        ground.update(device)

    ground.decide(id_, Event.ABORTED)
    ground.look()

    assert ground.states(id_) == {"cancelled": 2}
    assert (ground.state(id_), ground.campaign(id_).campaign.halfway) == ("aborted", 2)
    ground.decide(id_, Event.REVERTED)
    ground.play_set(id_, {})
    assert ground.states(id_) == {"reverted": 2}


def test_who_is_ordered_something_else_half_way_is_left_as_it_is(ground: SetGround) -> None:
    ground.services_fleet(1)
    id_ = ground.start(PLAN)
    ground.update("d-000")
    ground.decide(id_, Event.ABORTED)
    ground.look()
    ground.write(
        lambda c: orders.deploy(
            c,
            ground.actor(),
            ground.vaults,
            "d-000",
            releases.get(c, TENANT, "gateway/1/release.json"),
            policy=Policy(),
            word=lambda: "by-hand",
        )
    )

    ground.decide(id_, Event.REVERTED)
    ground.look()

    member = ground.member(id_, "d-000")
    assert (str(member.state), member.reason) == (
        "overtaken",
        "gateway/1/release.json was ordered since",
    )
    assert ground.state(id_) == "reverted"


def test_a_device_without_the_service_stays_out_and_one_that_loses_it_fails(
    ground: SetGround,
) -> None:
    del ground.own["1"]["mqtt"]
    ground.services_fleet(2)
    found = set_ground.looked_ahead(ground, SERVICES)
    assert found.devices == 0
    assert [one.reason for one in found.left_out] == [NO_MQTT]

    # With the second system it may have it; that one has not either.
    del ground.own["2"]["mqtt"]
    id_ = ground.start(replace(PLAN, waves=LAX))
    ground.play_set(id_, {})

    member = ground.member(id_, "d-000")
    assert (str(member.state), member.reason) == ("failed", NO_MQTT)


@pytest.fixture(scope="module")
def ready(keys: Path, set_stock: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a console that has two devices."""
    folder = tmp_path_factory.mktemp("killed") / "ready"
    folder.mkdir()
    with hastily():
        database = Database(f"sqlite:///{folder / 'test.db'}")
        set_ground.stand(database, keys, set_stock, folder / "tenants").services_fleet(2)
        database.close()
    return folder


@pytest.mark.parametrize("bad", [{}, {"d-000": "web+2"}], ids=["good", "last step fails"])
def test_a_console_that_is_killed_at_any_step_orders_no_part_twice(
    keys: Path, ready: Path, tmp_path: Path, bad: dict[str, str]
) -> None:
    plan = replace(PLAN, releases=SET[:2], on_trip="revert", pace=Pace(at_once=1))

    def run(name: str, dies_at: int) -> tuple[int, dict[str, str], list[list[str]]]:
        folder = shutil.copytree(ready, tmp_path / name)
        database = Database(f"sqlite:///{folder / 'test.db'}")
        ground, mortal = SetGround(database, keys, folder / "tenants"), Mortal(database)
        ground.units = {"d-000": Unit(), "d-001": Unit()}
        mortal.dies_at, mortal.is_after = dies_at, dies_at % 2 == 0
        states = Survivor(ground, mortal, plan).run(bad)
        (one,) = ground.read(lambda c: store.all_of(c, TENANT))
        assert verified(ground, one.id) == ()
        ordered = [[one for one in ground.paths(name) if one] for name in states]
        database.close()
        return mortal.writes, states, ordered

    with hastily():
        writes, states, ordered = run("whole", -1)
        assert writes > 10
        for dies_at in range(1, writes + 1):
            _writes, found, orders_ = run(f"cut-{dies_at}", dies_at)

            assert (found, orders_) == (states, ordered), dies_at
