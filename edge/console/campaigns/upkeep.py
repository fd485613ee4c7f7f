"""What time brings to the devices of a campaign, as steps of a transaction."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, func, not_, or_, select

from edge.console.campaigns import course, engine, enlisting, going_back, offering, store
from edge.console.campaigns.campaign import Event, State
from edge.console.campaigns.ledger import Ledger
from edge.console.campaigns.members import ACTIVE, Member, MemberEvent, MemberState
from edge.console.campaigns.ordering import Desk
from edge.console.desk import Via
from edge.console.devices import registry, states
from edge.console.store.campaign_tables import CAMPAIGN_DEVICES
from edge.console.store.tables import DEVICES, SIGHTINGS
from edge.errors import EdgeError

PIECE: Final = 200
# What was not looked at for so long was not looked at at all: the console was away.
GAP_MOST_S: Final = 30
_LOOK_S: Final = 10


def settle(ledger: Ledger) -> None:
    """Let happen to the campaign as a whole what is due."""
    while (event := engine.due(ledger.campaign, ledger.now_s)) is not None:
        ledger.decide(event)


def catch_up(ledger: Ledger) -> bool:
    """Let the campaign's clock stand still for as long as the console was away.

    Devices could not report then: none of them is late because of that. The same holds for a clock
    that was set. Returns whether it is time to note that the console is here.
    """
    passed_s = ledger.now_s - ledger.stored.looked_at_s
    if 0 <= passed_s <= GAP_MOST_S:
        return passed_s >= _LOOK_S
    ledger.decide(Event.AWAY, gap_s=passed_s)
    return True


def overdue(ledger: Ledger, desk: Desk, *, is_deaf: bool = False) -> tuple[list[str], list[str]]:
    """Let happen what is due for devices, at most `PIECE` of them.

    Args:
        ledger: Of the campaign.
        desk: Takes orders back.
        is_deaf: Devices that were heard over the broker last can not report now: for them nothing
            is due.

    Returns:
        Which they were, and of which of them something else is wanted now.
    """
    looked, ordered = [], []
    asked = _overdue(ledger)
    if is_deaf:
        asked = asked.where(func.coalesce(SIGHTINGS.c.via, "") != Via.MQTT)
    for row in ledger.connection.execute(asked.limit(PIECE)).all():
        member = store.member_of(row)
        seen_s = min(row.seen_at_s - ledger.campaign.away_s, ledger.at_s)
        event = course.overdue(ledger.campaign.plan, member, ledger.at_s, seen_s)
        if event is None:
            continue
        looked.append(member.device)
        if event is MemberEvent.UNANSWERED:
            ordered.append(member.device)
        _happen(ledger, desk, member, event)
    return looked, ordered


def leave(ledger: Ledger) -> list[str]:
    """Let devices go that were put out, or that it may not have any more; return which.

    At most `PIECE` of each. What was ordered already comes to its end.
    """
    out = and_(
        DEVICES.c.state != states.State.ACCEPTED,
        CAMPAIGN_DEVICES.c.state.in_(sorted(ACTIVE | {MemberState.WAITING})),
    )
    found = _let_go(ledger, out, "is let in no longer")
    for one in enlisting.bound(ledger.campaign.plan, CAMPAIGN_DEVICES):
        is_free = CAMPAIGN_DEVICES.c.state.in_((MemberState.WAITING, MemberState.BETWEEN))
        is_other = and_(not_(one), is_free)
        found += _let_go(ledger, is_other, "is in none of the campaign's groups any more")
    return found


def _let_go(ledger: Ledger, which: ColumnElement[bool], reason: str) -> list[str]:
    same = and_(
        DEVICES.c.tenant == CAMPAIGN_DEVICES.c.tenant,
        DEVICES.c.device == CAMPAIGN_DEVICES.c.device,
    )
    asked = (
        select(CAMPAIGN_DEVICES)
        .select_from(DEVICES.join(CAMPAIGN_DEVICES, same))
        .where(
            DEVICES.c.tenant == ledger.stored.tenant,
            CAMPAIGN_DEVICES.c.campaign == ledger.stored.id,
            which,
        )
    )
    rows = ledger.connection.execute(asked.limit(PIECE)).all()
    for row in rows:
        ledger.happen(store.member_of(row), MemberEvent.LEFT, reason=reason)
    return [row.device for row in rows]


def join(ledger: Ledger) -> list[str]:
    """Let devices in that have come to be meant, at most `PIECE`; return which."""
    if not ledger.campaign.plan.is_dynamic or ledger.campaign.state is not State.RUNNING:
        return []
    stored = ledger.stored
    try:
        found = enlisting.newcomers(
            ledger.connection,
            stored.tenant,
            stored.id,
            ledger.campaign.plan,
            now_s=ledger.now_s,
            most=PIECE,
        )
    except EdgeError:
        # A release was taken back, or a group is gone: who is in goes on.
        return []
    last = _last_rank(ledger.connection, stored.tenant, stored.id)
    for number, device in enumerate(found, 1):
        ledger.join(device, last + number)
    return found


def _happen(ledger: Ledger, desk: Desk, member: Member, event: MemberEvent) -> None:
    match event:
        case MemberEvent.UNANSWERED:
            reason = "the order was not taken up in time; another device has its place"
            offering.take_back(ledger, desk, member, event, reason)
        case MemberEvent.SOAKED if other := _runs_other(ledger, member):
            ledger.happen(member, MemberEvent.FAILED, reason=f"runs {other} after its soak")
        case MemberEvent.SILENT:
            ledger.happen(member, event, reason=_SILENT.get(member.state, ""))
        case _:
            ledger.happen(member, event)


_SILENT: Final = {
    MemberState.UPDATING: "not heard of in time",
    MemberState.SOAKING: "not heard of since it committed the release",
    MemberState.REVERTING: "not heard of since it was ordered back",
}


def _runs_other(ledger: Ledger, member: Member) -> str:
    """Return which other version a device runs; empty if all is as it should be."""
    row = registry.get(ledger.connection, ledger.stored.tenant, member.device)
    # Else its status is of another order, or older than the report of how this one ended.
    is_told = row.action == member.action and row.phase == "idle"
    is_ddi = registry.speaks_ddi(ledger.connection, row.tenant, row.device)
    others = going_back.others(ledger, member, row) if is_told and not is_ddi else iter(())
    return next((version for _release, version in others), "")


def _overdue(ledger: Ledger) -> Any:
    """Return the question for whom something is due; in a soak, only those seen since or lost."""
    at_s, away_s = ledger.at_s, ledger.campaign.away_s
    seen_at_s = offering.seen_at_s()
    silence_s = ledger.campaign.plan.times.silence_s
    return (
        select(CAMPAIGN_DEVICES, seen_at_s.label("seen_at_s"))
        .select_from(offering.joined())
        .where(
            CAMPAIGN_DEVICES.c.tenant == ledger.stored.tenant,
            CAMPAIGN_DEVICES.c.campaign == ledger.stored.id,
            CAMPAIGN_DEVICES.c.deadline_s > 0,
            CAMPAIGN_DEVICES.c.deadline_s <= at_s,
            or_(
                CAMPAIGN_DEVICES.c.state != MemberState.SOAKING,
                seen_at_s - away_s >= CAMPAIGN_DEVICES.c.deadline_s,
                CAMPAIGN_DEVICES.c.deadline_s <= at_s - silence_s,
            ),
        )
        .order_by(CAMPAIGN_DEVICES.c.deadline_s)
    )


def _last_rank(connection: Connection, tenant: str, id_: str) -> int:
    same = (CAMPAIGN_DEVICES.c.tenant == tenant, CAMPAIGN_DEVICES.c.campaign == id_)
    # Without those who had their turn and did not answer.
    ranks = select(func.max(CAMPAIGN_DEVICES.c.rank % course.LATER)).where(*same)
    return connection.scalar(ranks) or 0
