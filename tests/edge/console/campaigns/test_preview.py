"""What a campaign would do, told before it does it."""

import asyncio
import random
from dataclasses import replace

import pytest
from sqlalchemy import Connection, update

from edge.console.campaigns import enlisting, surveys
from edge.console.campaigns.plan import Evidence, Limit, Pace, Plan, Wave
from edge.console.campaigns.preview import Conflict, Preview
from edge.console.campaigns.stopping import exposure
from edge.console.campaigns.ways import Ways
from edge.console.devices import registry
from edge.console.store.tables import DEVICES, SIGHTINGS
from tests.edge.console.campaigns.ground import NEW, PLAN, TENANT, Ground

WAYS = Ways(full=1000, patched={"1": 10})
WAVES = (Wave(devices=("d-004", "d-002")), Wave(percent=30), Wave(percent=100))


def told(ground: Ground, plan: Plan, seed: int = 7) -> Preview:
    ground.conductor._ways = {(TENANT, NEW[0]): WAYS}
    return asyncio.run(ground.conductor.preview(TENANT, plan, seed=seed))


def test_the_devices_that_are_shown_are_those_that_the_campaign_has(ground: Ground) -> None:
    ground.fleet(30)
    plan = replace(PLAN, waves=WAVES)

    shown = [list(wave.first) for wave in told(ground, plan).waves]

    made = ground.read(lambda c: enlisting.enlist(c, TENANT, plan, seed=7, now_s=ground.now_s))
    assert shown == [list(wave) for wave in made.waves]
    assert shown != [list(wave.first) for wave in told(ground, plan, seed=8).waves]


def test_each_wave_costs_what_its_own_devices_fetch(ground: Ground) -> None:
    ground.fleet(30)
    whole = ["d-004", "d-009", "d-010"]
    ground.write(
        lambda c: (
            c.execute(
                update(DEVICES).where(DEVICES.c.device.in_(whole)).values(version="")
            ).rowcount
        )
    )

    found = told(ground, replace(PLAN, waves=WAVES))

    assert found.waves[0].planned_bytes == 1010
    assert (
        found.planned_bytes == sum(one.planned_bytes for one in found.waves) == 3 * 1000 + 27 * 10
    )
    assert (found.devices, found.patched, found.full) == (30, 27, 3)


def test_who_takes_no_part_is_told_with_the_reason_and_the_first_of_them(ground: Ground) -> None:
    ground.fleet(20)

    def vary(connection: Connection) -> None:
        for device in (f"d-{number:03}" for number in range(7)):
            same = update(DEVICES).where(DEVICES.c.device == device)
            connection.execute(same.values(version="2", reason=f"of {device}"))
        registry.revoke(connection, ground.actor(), "d-010")

    ground.write(vary)

    found = told(ground, PLAN)

    said = [(one.reason, one.devices, one.examples) for one in found.left_out]
    first = ("d-000", "d-001", "d-002", "d-003", "d-004")
    assert said == [("runs 2 already", 7, first), ("not accepted", 1, ("d-010",))]


def test_devices_that_were_not_seen_lately_are_counted_once_each(ground: Ground) -> None:
    ground.fleet(10)

    def be_silent(connection: Connection) -> None:
        some = SIGHTINGS.c.device.in_(["d-001", "d-002", "d-003", "d-009"])
        connection.execute(update(SIGHTINGS).where(some).values(last_seen_s=5))
        is_online = update(DEVICES).where(DEVICES.c.device == "d-001")
        connection.execute(is_online.values(is_online=True))
        registry.revoke(connection, ground.actor(), "d-002")

    ground.write(be_silent)

    assert told(ground, PLAN).unseen == 2


def test_a_campaign_that_has_the_devices_is_told_with_how_many_of_them(ground: Ground) -> None:
    ground.fleet(10)
    other = ground.start(replace(PLAN, priority=200))
    ground.write(lambda c: registry.revoke(c, ground.actor(), "d-003"))

    found = told(ground, PLAN)

    assert found.devices == 9
    assert found.conflicts == (Conflict(other, "to the new one", 9, goes_first=True),)


def test_the_survey_of_a_large_fleet_is_kept_for_the_next_change_of_the_plan(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground.fleet(3)
    assert told(ground, PLAN).devices == 3
    monkeypatch.setattr(surveys, "LONG_S", 0.0)
    told(ground, PLAN)
    ground.write(lambda c: registry.revoke(c, ground.actor(), "d-001"))

    shown = told(ground, replace(PLAN, waves=WAVES[1:]))
    other = told(ground, replace(PLAN, target="not id=d-001"))

    assert (shown.devices, [one.devices for one in shown.waves]) == (3, [1, 2])
    assert other.devices == 2
    monkeypatch.setattr(surveys, "KEPT_S", 0.0)
    told(ground, replace(PLAN, target="id=d-001"))
    assert told(ground, PLAN).devices == 2


def test_a_million_devices_are_played_in_leaps_to_the_same_forecast() -> None:
    limit = Limit(count=300, percent=None)
    plan = Plan(NEW, waves=(Wave(percent=100, limit=limit),), evidence=None, pace=Pace(at_once=1))

    found = exposure(plan, [1_000_000], 10, random.Random(5).random)

    # So many devices until the 300th failure: a negative binomial distribution.
    assert abs(found.median - 29_967) < 5 * 1723 / 400**0.5 * 1.25
    assert abs(found.most - 32_910) < 5 * 1723 / 400**0.5 * 2.1
    assert found.stopped_percent == 100
    usual = replace(plan, waves=(Wave(percent=100),), evidence=Evidence(10, 50, 50))
    assert exposure(usual, [1_000_000], 10, random.Random(5).random).stopped_percent <= 12
