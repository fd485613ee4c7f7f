"""What devices report counts once, in whatever order it comes."""

import zlib
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, insert, select

from edge.console.audit import Actor
from edge.console.desk import Caller, Via
from edge.console.devices import registry, reports
from edge.console.store.database import Database
from edge.console.store.tables import EVENTS, ORDERS
from edge_signing.messages import EventId, ReportEvent, Status

CALLER = Caller("us", "d-1", Via.HTTP)
EVENT = ReportEvent(EventId("boot-1", 1), 100, "succeeded", "1-a", "2")


@pytest.fixture
def fleet(database: Database) -> Database:
    actor = Actor("us", "x", 1)
    database.write_now(lambda c: registry.register(c, actor, "d-1"))
    database.write_now(lambda c: registry.register(c, actor, "d-2"))
    return database


def order(fleet: Database, action: str, device: str = "d-1", state: str = "open") -> None:
    values = {"tenant": "us", "action": action, "device": device, "state": state}
    fleet.write_now(lambda c: c.execute(insert(ORDERS).values(values)).rowcount)


def states(fleet: Database) -> dict[str, str]:
    return fleet.read_now(
        lambda c: dict(c.execute(select(ORDERS.c.action, ORDERS.c.state)).tuples().all())
    )


def take(fleet: Database, *events: ReportEvent, caller: Caller = CALLER) -> list[EventId]:
    return fleet.write_now(lambda c: reports.take_events(c, caller, events, 200))


def status(fleet: Database, one: Status) -> bool:
    return fleet.write_now(lambda c: reports.take_status(c, CALLER, one, 200))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.integers(1, 9), max_size=5), max_size=6))
def test_events_are_stored_once_in_any_order(fleet: Database, batches: list[list[int]]) -> None:
    boot = f"boot-{zlib.crc32(repr(batches).encode())}"
    for batch in batches:
        events = [replace(EVENT, id=EventId(boot, n), kind="started") for n in batch]
        assert take(fleet, *events) == [one.id for one in events]

    mine = EVENTS.c.boot_id == boot
    asked = select(EVENTS.c.n).where(mine)
    stored = fleet.read_now(lambda c: sorted(c.scalars(asked)))
    assert stored == sorted({n for batch in batches for n in batch})


def test_the_same_name_of_another_device_is_another_event(fleet: Database) -> None:
    take(fleet, EVENT)
    take(fleet, EVENT, caller=replace(CALLER, device="d-2"))

    assert fleet.read_now(lambda c: c.scalar(select(func.count()).select_from(EVENTS))) == 2


def test_a_final_event_closes_its_order_once(fleet: Database) -> None:
    order(fleet, "1-a")
    order(fleet, "2-b")

    take(fleet, replace(EVENT, kind="failed", reason="bad block"))
    take(fleet, replace(EVENT, id=EventId("boot-2", 1)))

    assert states(fleet) == {"1-a": "failed", "2-b": "open"}


def test_a_replaced_order_may_still_be_reported(fleet: Database) -> None:
    order(fleet, "1-a", state="replaced")

    take(fleet, replace(EVENT, kind="cancelled"))

    assert states(fleet) == {"1-a": "cancelled"}


def test_no_device_closes_the_order_of_another(fleet: Database) -> None:
    order(fleet, "1-a", "d-2")

    take(fleet, EVENT)

    assert states(fleet) == {"1-a": "open"}


def test_a_status_of_fewer_orders_or_of_an_earlier_start_changes_nothing(fleet: Database) -> None:
    newest = Status("boot-2", seq=3, version="2")
    taken = [
        status(fleet, Status("boot-1", seq=2, version="1")),
        status(fleet, newest),
        status(fleet, Status("boot-2", seq=2, version="0")),
        status(fleet, Status("boot-1", seq=9, version="9")),
        status(fleet, replace(newest, phase="trial")),
    ]

    row = fleet.read_now(lambda c: registry.get(c, "us", "d-1"))
    assert taken == [True, True, False, False, True]
    assert (row.version, row.phase, row.boot_id) == ("2", "trial", "boot-2")


def test_a_device_that_lost_its_data_may_begin_again(fleet: Database) -> None:
    status(fleet, Status("boot-1", seq=3))

    assert status(fleet, Status("boot-2", seq=0))


def test_the_will_of_an_earlier_start_does_not_put_a_device_offline(fleet: Database) -> None:
    status(fleet, Status("boot-1"))
    status(fleet, Status("boot-2"))

    def online(boot: str, *, is_online: bool) -> bool:
        return fleet.write_now(lambda c: reports.take_online(c, CALLER, boot, is_online=is_online))

    assert [online("boot-2", is_online=True), online("boot-1", is_online=False)] == [True, False]
    assert fleet.read_now(lambda c: registry.get(c, "us", "d-1")).is_online
