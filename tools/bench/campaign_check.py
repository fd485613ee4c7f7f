"""Whether a campaign lost or doubled anything: journal, orders, reports and devices together."""

import contextlib
import json
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from edge.console.campaigns import journal, store
from edge.console.campaigns.campaign import new
from edge.console.campaigns.course import Happened
from edge.console.campaigns.journal import Entry
from edge.console.campaigns.members import Member, MemberEvent, MemberState
from edge.console.campaigns.plan import Plan
from edge.console.store.campaign_tables import CAMPAIGN_DEVICES, JOURNAL
from edge.console.store.database import Database
from edge.console.store.tables import EVENTS, ORDERS

_ENDS: Final = (MemberState.SUCCEEDED, MemberState.FAILED, MemberState.SILENT)
_BEGIN: Final = (MemberEvent.OFFERED, MemberEvent.TOOK_UP, MemberEvent.RESTARTING)
_TURNS: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database has of a campaign."""

    entries: list[Entry]
    members: dict[str, Member]
    first: list[Member]
    orders: list[Row[Any]]
    events: list[Row[Any]]


def tell(url: str, campaign: str, plan: Plan, devices: dict[str, Any], count: int) -> None:
    """Print what is found, and whether it is as it should be."""
    database = Database(url)
    with contextlib.closing(database):
        known = database.read_now(lambda one: _read(one, campaign))
    found = _found(known, plan)
    for name, value in found.items():
        print(f"{name}: {value:,}")
    print(f"the devices: {json.dumps(devices)}")
    print(
        "nothing lost or doubled" if _is_good(found, plan, devices, count) else "NOT AS IT SHOULD"
    )


def _read(connection: Connection, campaign: str) -> _Known:
    asked = select(JOURNAL).where(JOURNAL.c.campaign == campaign).order_by(JOURNAL.c.number)
    entries = [journal.unpack(row.device, row.kind, row.what) for row in connection.execute(asked)]
    rows = connection.execute(select(CAMPAIGN_DEVICES)).all()
    return _Known(
        entries,
        {row.device: store.member_of(row) for row in rows},
        [Member(row.device, row.wave, row.rank % _TURNS) for row in rows],
        list(connection.execute(select(ORDERS))),
        list(connection.execute(select(EVENTS))),
    )


def _found(known: _Known, plan: Plan) -> dict[str, int]:
    sizes = dict(Counter(one.wave for one in known.first))
    _campaign, replayed = journal.replay(new(plan, sizes), known.first, known.entries)
    happened = [(one.device, one.what) for one in known.entries if isinstance(one.what, Happened)]
    offers = [(name, what.action) for name, what in happened if what.event is MemberEvent.OFFERED]
    reported = Counter(row.action for row in known.events)
    states = [one.state for one in known.members.values()]
    return {
        "entries of the journal": len(known.entries),
        "devices": len(known.members),
        "devices that stand otherwise than the journal says": sum(
            replayed[name] != one for name, one in known.members.items()
        ),
        "devices that have not ended": sum(one not in _ENDS for one in states),
        "devices that succeeded": states.count(MemberState.SUCCEEDED),
        "offers": len(offers),
        "devices offered twice": len(offers) - len({device for device, _action in offers}),
        "orders": len(known.orders),
        "orders that are not in the journal": len(
            {row.action for row in known.orders} - {action for _device, action in offers}
        ),
        "orders that are open": sum(row.state == "open" for row in known.orders),
        "reports stored": len(known.events),
        "reports stored twice": sum(times - 1 for times in reported.values()),
        "most under way": _most_under_way(happened),
    }


def _is_good(found: dict[str, int], plan: Plan, devices: dict[str, Any], count: int) -> bool:
    nothing = (
        "devices that stand otherwise than the journal says",
        "devices that have not ended",
        "devices offered twice",
        "orders that are not in the journal",
        "orders that are open",
        "reports stored twice",
    )
    return (
        not any(found[name] for name in nothing)
        and found["devices"] == found["offers"] == found["orders"] == count
        and found["reports stored"] == devices["told"] == devices["actions_begun"]
        and found["devices that succeeded"] == devices["results"]["succeeded"]
        and devices["untold"] == devices["doubled"] == 0
        and found["most under way"] <= plan.pace.at_once
    )


def _most_under_way(happened: list[tuple[str, Happened]]) -> int:
    """Return how many had a place among the ones at once, counted from the journal alone."""
    begun: set[str] = set()
    most = 0
    for device, what in happened:
        if what.event in _BEGIN:
            begun.add(device)
        else:
            begun.discard(device)
        most = max(most, len(begun))
    return most
