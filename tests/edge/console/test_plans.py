"""How SQLite looks for rows: as for a large fleet, from the first device on."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection

from edge.console.audit import Actor
from edge.console.desk import Caller, Via
from edge.console.devices import device_filter, listing, registry, reports
from edge.console.store.database import Database
from edge_signing.messages import EventId, ReportEvent, Status
from tests.fakes.console import TENANT
from tests.fakes.query_plans import plans, without_index

NOW_S = 1_000_000
CALLER = Caller(TENANT, "unit-1", Via.HTTP)
FAILED = ReportEvent(EventId("b", 1), 1, "failed", "1-a", "1.0", "no space")


def _page(connection: Connection, filter_: str, sort: str) -> None:
    meant = device_filter.meant(filter_, TENANT, NOW_S)
    listing.page(connection, meant, most=100, sort=sort)


QUESTIONS: dict[str, Callable[[Connection], object]] = {
    "status": lambda one: reports.take_status(one, CALLER, Status("b", 1), NOW_S),
    "event": lambda one: reports.take_events(one, CALLER, [FAILED], NOW_S),
    "one device": lambda one: listing.device(one, TENANT, "unit-1"),
    "history": lambda one: listing.events(one, TENANT, device_name="unit-1", most=9),
    "rare tag": lambda one: _page(one, "tag:rare", "id"),
    "sorted": lambda one: _page(one, "", "-seen"),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_no_rows_of_a_whole_tenant_are_looked_at(tmp_path: Path, name: str) -> None:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    database.write_now(lambda one: registry.register(one, Actor(TENANT, "console", 1), "unit-1"))
    found = plans(database, QUESTIONS[name])
    database.close()

    assert found
    assert without_index(found) == []
