"""How rows are found for campaigns: what one report costs has nothing to do with their number."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from edge.console.campaigns import going_back, offering, store, upkeep
from edge.console.campaigns.campaign import State
from edge.console.campaigns.ledger import opened
from edge.console.campaigns.ordering import Desk
from edge.console.campaigns.plan import Pace
from edge.console.desk import Caller, Via
from edge.console.devices import reports
from edge.console.store.database import Database
from edge_signing.messages import EventId, ReportEvent, Status
from tests.edge.console.campaigns.ground import ALL_AT_ONCE, TENANT, Ground
from tests.fakes.query_plans import plans, without_index


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    one = Database(f"sqlite:///{tmp_path / 'test.db'}")
    yield one
    one.close()


def _report(ground: Ground, device: str, action: str) -> Any:
    caller = Caller(TENANT, device, Via.HTTP)
    told = Status("boot-9", seq=1, action=action, phase="rebooting", version="1")
    event = ReportEvent(EventId("boot-9", 1), 1, "succeeded", action, "2", "")

    def take(connection: Connection) -> None:
        reports.take_status(connection, caller, told, ground.now_s)
        reports.take_events(connection, caller, [event], ground.now_s)

    return take


def test_a_report_is_looked_up_alike_with_one_live_campaign_and_with_many(ground: Ground) -> None:
    ground.fleet(8)
    one_at_once = replace(ALL_AT_ONCE, pace=Pace(at_once=1))
    first = ground.start(one_at_once)
    (device,) = ground.ordered()
    action = ground.member(first, device).action
    alone = plans(ground.database, _report(ground, device, action))
    for _ in range(9):
        ground.start(replace(one_at_once, is_dynamic=True))

    found = plans(ground.database, _report(ground, device, action))

    assert found == alone
    assert without_index(found) == []
    assert len(ground.read(lambda c: store.live(c, TENANT))) == 10


def test_a_look_at_a_campaign_finds_all_by_indexes(ground: Ground) -> None:
    ground.fleet(4)
    id_ = ground.start(replace(ALL_AT_ONCE, pace=Pace(at_once=2)))

    def look(connection: Connection) -> None:
        stored = store.get(connection, TENANT, id_)
        offering.candidates(connection, stored, ground.now_s)
        with opened(connection, TENANT, id_, ground.now_s) as ledger:
            desk = Desk(ground.vaults, lambda: "word", {})
            upkeep.overdue(ledger, desk)
            upkeep.overdue(ledger, desk, is_deaf=True)
            upkeep.leave(ledger)
            offering.withdraw(ledger, desk)
            goes_back = replace(stored.campaign, state=State.REVERTING, halfway=1)
            ledger.stored = replace(stored, campaign=goes_back)
            going_back.call_back(ledger, desk)
            ledger.stored = stored

    found = plans(ground.database, look)

    assert without_index(found) == []
    assert any("ix_campaign_devices_taken" in one for one in found)
