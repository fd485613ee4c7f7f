"""The history of a device in pages."""

import pytest

from edge.console.desk import Caller, Via
from edge.console.devices.reports import take_events
from edge_signing.messages import EventId, ReportEvent
from tests.fakes.console import TENANT, Console, sql


def told(site: Console, event: ReportEvent, at_s: int) -> None:
    caller = Caller(TENANT, "unit-1", Via.HTTP)
    site.running.office.database.write_now(lambda one: take_events(one, caller, [event], at_s))


def test_the_pages_of_a_history_hold_each_thing_once_whatever_comes_meanwhile(
    site: Console,
) -> None:
    site.good("POST", "/devices", {"device": "unit-1"})
    database = site.running.office.database
    # More than one in a second, and of each source.
    for n in range(1, 8):
        event = ReportEvent(EventId("b", n), 1, "started", f"1-{n}")
        at_s = 100 + n // 3
        told(site, event, at_s)
        sql(
            database,
            "INSERT INTO orders (tenant, action, device, state, created_at_s, closed_at_s)"
            f" VALUES ('{TENANT}', '1-{n}', 'unit-1', 'replaced', 1, {at_s})",
        )
    sql(database, "UPDATE audit SET at_s = 101 WHERE subject = 'device:unit-1'")
    whole = site.good("GET", "/devices/unit-1/history")["items"]

    found, after = [], ""
    while True:
        page = site.good("GET", f"/devices/unit-1/history?limit=2&after={after}")
        found += page["items"]
        after = page["next"]
        new = ReportEvent(EventId("c", len(found)), 1, "committed", "1-x")
        told(site, new, 900)
        if not after:
            break

    assert found == whole
    assert len({one["place"] for one in found}) == 15
    assert [one["source"] for one in found if one["at_s"] == 101] == [
        *["event"] * 3,
        *["order"] * 3,
        "audit",
    ]


@pytest.mark.parametrize(
    "after", ["x", "1.audit.x", "1.event.-1", "1.order.", "-1.audit.1", "1.no.1"]
)
def test_a_place_that_is_none_is_refused(shared: Console, after: str) -> None:
    answer = shared.ask("GET", f"/api/v1/devices/unit-1/history?after={after}")

    assert (answer.status, "no place in a history" in answer.body["error"]) == (400, True)
