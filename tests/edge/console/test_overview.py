"""The overview: what the database adds up, for whom, and how versions went."""

import asyncio
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from sqlalchemy import Connection, delete, select, update

from edge.console import kinds, overview, overviews, samples
from edge.console.audit import Actor
from edge.console.desk import Caller, Via
from edge.console.devices import groups, registry
from edge.console.devices.reports import take_events, take_status
from edge.console.overviews import Overviews
from edge.console.people.roles import Role
from edge.console.store.database import Database
from edge.console.store.overview_tables import OVERVIEWS
from edge.console.store.people_tables import PEOPLE
from edge.console.store.tables import DEVICES, ORDERS, SIGHTINGS, TENANTS
from edge.console.visitor import Visitor
from edge_signing.messages import EventId, ReportEvent, Status
from tests.fakes import browser
from tests.fakes.console import TENANT, Console

NOW_S = 1_000_000
ACTOR = Actor(TENANT, "console", NOW_S)


class Fleet:
    """Devices in a database, made as they come."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def add(self, device: str, version: str = "1.0", *, seen_s: int = NOW_S) -> None:
        def step(one: Connection) -> None:
            registry.register(one, ACTOR, device)
            same = DEVICES.c.device == device
            one.execute(update(DEVICES).where(same).values(product="gateway", version=version))
            seen = SIGHTINGS.c.device == device
            one.execute(update(SIGHTINGS).where(seen).values(last_seen_s=seen_s))

        self.database.write_now(step)

    def order(self, device: str, state: str, *, reason: str = "", closed_at_s: int = NOW_S) -> None:
        def step(one: Connection) -> None:
            action = f"1-{device}"
            values = {"tenant": TENANT, "action": action, "device": device, "version": "2.0"}
            closed = {"state": state, "reason": reason, "closed_at_s": closed_at_s}
            one.execute(ORDERS.insert().values(values | closed))
            same = DEVICES.c.device == device
            one.execute(update(DEVICES).where(same).values(desired_action=action))

        self.database.write_now(step)

    def overview(self, now_s: int = NOW_S) -> overview.Overview:
        return self.database.read_now(lambda one: overview.of(one, TENANT, now_s))


@pytest.fixture
def fleet(database: Database) -> Fleet:
    return Fleet(database)


def test_an_empty_fleet_has_an_overview(fleet: Fleet) -> None:
    found = fleet.overview()

    assert set(found.states.values()) == {0}
    assert found.heard == [0] * 6
    assert (found.versions, found.under_way.rows, found.failed.total) == ([], [], 0)


def test_devices_are_counted_by_when_they_were_heard(fleet: Fleet) -> None:
    for number, seen_s in enumerate((0, 299, 300, 301, 86_400, 86_401, 8 * 86_400)):
        fleet.add(f"unit-{number}", seen_s=NOW_S - seen_s)
    fleet.add("never", seen_s=0)

    found = fleet.overview()

    assert found.heard == [3, 1, 1, 1, 1, 1]
    assert [row.device for row in found.silent.rows] == ["unit-6", "unit-5"]


def test_versions_are_counted_most_first(fleet: Fleet) -> None:
    for number, version in enumerate(("1.0", "1.1", "1.1", "1.2", "1.1")):
        fleet.add(f"unit-{number}", version)

    found = fleet.overview().versions

    assert [(row.version, row.devices) for row in found] == [("1.1", 3), ("1.0", 1), ("1.2", 1)]


def test_failures_of_a_week_are_counted_by_their_reason(fleet: Fleet) -> None:
    for number, (state, reason, ago_s) in enumerate(
        (
            ("failed", "no space", 10),
            ("failed", "no space", 20),
            ("failed", "power", 30),
            ("succeeded", "", 40),
            ("failed", "long ago", 8 * 86_400),
            ("replaced", "", 50),
        )
    ):
        fleet.add(f"unit-{number}")
        fleet.order(f"unit-{number}", state, reason=reason, closed_at_s=NOW_S - ago_s)

    found = fleet.overview()

    assert [(row.reason, row.orders) for row in found.reasons] == [("no space", 2), ("power", 1)]
    assert found.outcomes == {"succeeded": 1, "failed": 3, "cancelled": 0}
    # The newest order is what counts for a device, however old it is.
    assert found.failed.total == 4


def test_an_update_under_way_is_one_that_the_device_works_on(site: Console) -> None:
    office = site.running.office
    Fleet(office.database).add("unit-1")
    Fleet(office.database).add("unit-2")
    for name in ("unit-1", "unit-2"):
        Fleet(office.database).order(name, "open")
    status = Status("b", 1, "1-unit-1", "installing", done_bytes=30, planned_bytes=100)
    caller = Caller(TENANT, "unit-1", Via.HTTP)
    office.database.write_now(lambda one: take_status(one, caller, status, NOW_S))

    found = site.good("GET", "/overview")["under_way"]

    told = {one["device"]: (one["phase"], one["percent"]) for one in found["orders"]}
    assert found["total"] == 2
    assert told == {"unit-1": ("installing", 30), "unit-2": ("", 0)}


def test_who_is_limited_to_a_group_sees_figures_of_its_devices_alone(site: Console) -> None:
    fleet = Fleet(site.running.office.database)
    now_s = site.running.office.now_s()
    for name in ("ours", "theirs"):
        fleet.add(name, f"of-{name}", seen_s=now_s - 2 * 86_400)
        fleet.order(name, "failed", reason=f"reason of {name}", closed_at_s=now_s)
    site.good("PUT", "/groups/hall-3", {})
    site.good("POST", "/groups/hall-3/members", {"add": ["ours"]})
    fleet.database.write_now(lambda one: samples.take(one, TENANT, now_s))
    eve = browser.inside(site, "eve", Role.OPERATOR, groups=frozenset({"hall-3"}))

    found = eve.good("GET", "/overview")

    assert found["states"]["accepted"] == 1
    assert "theirs" not in str(found)
    assert [one["devices"][0]["device"] for one in (found["failed"], found["silent"])] == [
        "ours"
    ] * 2
    assert eve.good("GET", "/samples")["samples"] == []
    assert site.good("GET", "/samples")["samples"] != []
    offered = eve.good("GET", "/filters/check?text=version%3Dof&at=10")
    assert [one["text"] for one in offered["suggestions"]] == ["of-ours"]
    assert eve.good("GET", "/filters/check?text=version~*&at=0")["devices"] == 1


def test_a_sample_is_taken_when_versions_change_and_once_an_hour(fleet: Fleet) -> None:
    def take(now_s: int) -> list[tuple[int, str, int]]:
        fleet.database.write_now(lambda one: samples.take(one, TENANT, now_s))
        rows = fleet.database.read_now(lambda one: samples.since(one, TENANT, 0))
        return [(row.at_s - NOW_S, row.version, row.devices) for row in rows]

    assert take(NOW_S) == []
    fleet.add("unit-1")
    assert take(NOW_S) == [(0, "1.0", 1)]
    fleet.add("unit-2")
    assert len(take(NOW_S + samples.APART_S - 1)) == 1
    assert take(NOW_S + samples.APART_S)[1:] == [(300, "1.0", 2)]
    assert len(take(NOW_S + samples.APART_S + samples.LONGEST_S - 1)) == 2
    assert len(take(NOW_S + samples.APART_S + samples.LONGEST_S)) == 3
    assert len(take(NOW_S + samples.KEPT_S + samples.LONGEST_S)) == 2


def test_overviews_that_are_asked_for_at_once_cost_one_reading(site: Console) -> None:
    asked: list[str] = []
    office = site.running.office
    before = office.database.read

    async def read(step: Any) -> Any:
        asked.append(step.__qualname__)
        return await before(step)

    office.database.read = read  # type: ignore[method-assign]
    for _time in range(5):
        site.good("GET", "/overview")
    office.database.read = before  # type: ignore[method-assign]

    # One of them may be that of the start, which nobody asked for.
    assert len([one for one in asked if one.startswith("Overviews._count")]) in (1, 2)


class Asked:
    """A console of which overviews are asked, and that takes every fleet for a large one."""

    def __init__(self, database: Database) -> None:
        self.now_s = NOW_S
        self.kept = Overviews(database, lambda: self.now_s)

    async def __call__(self, at_s: int, groups: frozenset[str] | None = None) -> overview.Overview:
        actor = replace(ACTOR, now_s=NOW_S + at_s)
        return await self.kept.of(Visitor(actor, "console", frozenset(), groups))

    async def newer(self, counted_at_s: int) -> overview.Overview:
        for _time in range(500):
            found = await self(2)
            if found.counted_at_s != counted_at_s:
                return found
            await asyncio.sleep(0.01)
        raise AssertionError("it was never counted anew")


@pytest.fixture
def _all_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FRESH_S", "TIMES", "QUICK_S", "LARGE"):
        monkeypatch.setattr(overviews, name, 0)


@pytest.mark.usefixtures("_all_are_large")
def test_a_large_fleet_is_told_as_it_was_at_once_and_counted_anew_meanwhile(fleet: Fleet) -> None:
    async def counted() -> list[int]:
        asked = Asked(fleet.database)
        fleet.add("unit-1")
        found = [await asked(0)]
        fleet.add("unit-2")
        found += [await asked(1), await asked.newer(NOW_S)]
        return [one.states["accepted"] for one in found]

    assert asyncio.run(counted()) == [1, 1, 2]


@pytest.mark.usefixtures("_all_are_large")
def test_a_console_that_begins_tells_what_was_counted_before_it_and_when(fleet: Fleet) -> None:
    fleet.add("unit-1", seen_s=NOW_S - 2 * 86_400)
    fleet.order("unit-1", "failed", reason="power")

    async def counted() -> tuple[overview.Overview, ...]:
        first = await Asked(fleet.database)(0)
        fleet.add("unit-2")
        asked = Asked(fleet.database)
        return first, await asked(1), await asked.newer(NOW_S)

    first, told, newer = asyncio.run(counted())

    assert told == first
    assert (told.failed.rows[0].reason, told.silent.rows[0].device) == ("power", "unit-1")
    assert (told.counted_at_s, told.states["accepted"]) == (NOW_S, 1)
    assert newer.states["accepted"] == 2


def test_a_small_fleet_is_told_as_it_is_whatever_was_counted_at_the_start(fleet: Fleet) -> None:
    async def counted() -> overview.Overview:
        asked = Asked(fleet.database)
        await asked.kept.keep()
        fleet.add("unit-1")
        return await asked(0)

    assert asyncio.run(counted()).states["accepted"] == 1


@pytest.mark.usefixtures("_all_are_large")
def test_overviews_are_counted_before_anybody_asks_and_forgotten_with_who_may(
    fleet: Fleet,
) -> None:
    fleet.add("unit-1")
    limited = {"tenant": TENANT, "person": "jane", "role": "viewer", "groups": "eu"}

    def let_in(one: Connection) -> None:
        one.execute(TENANTS.insert().values(tenant=TENANT, keys_folder="keys"))
        groups.put(one, ACTOR, "eu")
        one.execute(PEOPLE.insert().values(**limited, way="password"))

    fleet.database.write_now(let_in)
    asked = Asked(fleet.database)
    asyncio.run(asked.kept.keep())
    kept = select(OVERVIEWS.c.groups, OVERVIEWS.c.counted_at_s)
    before = fleet.database.read_now(lambda one: dict(one.execute(kept).tuples().all()))

    fleet.database.write_now(lambda one: one.execute(delete(PEOPLE)).rowcount)
    asked.now_s += overviews.AGAIN_S
    asyncio.run(asked.kept.keep())

    after = fleet.database.read_now(lambda one: dict(one.execute(kept).tuples().all()))
    assert before == {'["eu"]': NOW_S, "null": NOW_S}
    assert after == {"null": NOW_S + overviews.AGAIN_S}


def test_what_another_version_kept_is_counted_anew(fleet: Fleet) -> None:
    row = {"tenant": TENANT, "groups": "null", "took_ms": 9_000, "body": '{"states": {}}'}
    fleet.database.write_now(lambda one: one.execute(OVERVIEWS.insert().values(row)).rowcount)
    fleet.add("unit-1")

    assert asyncio.run(Asked(fleet.database)(0)).states["accepted"] == 1


def test_the_history_of_a_device_is_one_stream_newest_first(site: Console) -> None:
    site.good("POST", "/devices", {"device": "unit-1"})
    office = site.running.office
    caller = Caller(TENANT, "unit-1", Via.HTTP)
    failed = ReportEvent(EventId("b", 1), 1, "failed", "1-a", "2.0", "no space")
    later_s = office.now_s() + 5
    office.database.write_now(lambda one: take_events(one, caller, [failed], later_s))

    found = site.good("GET", "/devices/unit-1/history")["items"]

    assert [(one["source"], one["what"]) for one in found] == [
        ("event", "failed"),
        ("audit", "device.register"),
    ]
    assert found[0]["reason"] == "no space"


def test_who_may_not_read_the_audit_log_sees_no_acts_in_a_history(site: Console) -> None:
    site.good("POST", "/devices", {"device": "unit-1"})
    text = site.good("POST", "/tokens", {"name": "n", "scopes": ["devices:read"]})["text"]

    assert site.good("GET", "/devices/unit-1/history", token=text)["items"] == []
    assert site.ask("GET", "/api/v1/devices/none/history", token=text).status == 404


def test_kinds_are_counted_alike_one_by_one_and_grouped(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        fleet.add(f"unit-{number}", f"1.{number % 3}")

    def change(one: Connection) -> None:
        connected = DEVICES.c.device.in_(["unit-1", "unit-7"])
        one.execute(update(DEVICES).where(connected).values(is_online=True))
        waits = DEVICES.c.device == "unit-2"
        one.execute(update(DEVICES).where(waits).values(state="pending", product=""))

    fleet.database.write_now(change)

    found = fleet.database.read_now(lambda one: kinds.of(one, TENANT))
    monkeypatch.setattr(kinds, "FOUND_MOST", 2)
    grouped = fleet.database.read_now(lambda one: kinds.of(one, TENANT))

    assert found == sorted(grouped, key=lambda one: (one.state, one.version, one.is_online))
    assert [(one.state, one.version, one.is_online, one.devices) for one in found] == [
        ("accepted", "1.0", False, 4),
        ("accepted", "1.1", False, 2),
        ("accepted", "1.1", True, 2),
        ("accepted", "1.2", False, 3),
        ("pending", "1.2", False, 1),
    ]
    assert fleet.overview().connected == 2


def test_an_overview_of_groups_is_that_of_a_fleet_of_their_members(fleet: Fleet) -> None:
    for number, (seen_s, state) in enumerate(product((0, 10, 4_000, 200_000), ("failed", "open"))):
        name = f"unit-{number}"
        fleet.add(name, seen_s=NOW_S - seen_s)
        fleet.order(name, state, reason="power")

    def gather(one: Connection) -> None:
        for group in ("all", "twice"):
            groups.put(one, ACTOR, group)
            groups.change_members(one, ACTOR, group, add=[f"unit-{number}" for number in range(8)])

    fleet.database.write_now(gather)

    found = fleet.database.read_now(
        lambda one: overview.of(one, TENANT, NOW_S, frozenset({"all", "twice"}))
    )
    nothing = fleet.database.read_now(lambda one: overview.of(one, TENANT, NOW_S, frozenset()))

    whole = fleet.overview()
    assert replace(found, under_way=whole.under_way) == whole
    assert found.under_way.total == whole.under_way.total == 4
    assert sum(nothing.heard) + nothing.failed.total + nothing.under_way.total == 0
