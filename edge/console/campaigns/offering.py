"""What a campaign orders of its devices, as steps of a transaction.

An order, how the device stands, and the entry of the journal are one: after any crash either all
three are there, or none. So no device is ordered twice, and none is forgotten.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    case,
    exists,
    func,
    not_,
    or_,
    select,
)

from edge.console import orders
from edge.console.campaigns import engine, enlisting, ordering, sets, store
from edge.console.campaigns.campaign import State
from edge.console.campaigns.engine import Offers
from edge.console.campaigns.ledger import Ledger
from edge.console.campaigns.members import ACTIVE, Member, MemberEvent, MemberState
from edge.console.campaigns.ordering import Desk
from edge.console.campaigns.store import Stored
from edge.console.ddi import actions
from edge.console.devices import registry, services, states
from edge.console.orders import UnsignedError
from edge.console.releases import SERVICE, Release
from edge.console.store.campaign_tables import CAMPAIGN_DEVICES, CAMPAIGNS
from edge.console.store.tables import DEVICES, SIGHTINGS
from edge.errors import EdgeError, RefusedError

# In one transaction: what others write waits for no more.
PIECE: Final = 50
_ASKED_BACK: Final = frozenset({MemberState.OFFERED, MemberState.UPDATING, MemberState.HELD})
# A device that committed a step tells how it is then; if it does not, its report has to do.
_TELLS_IN_S: Final = 60


def candidates(connection: Connection, stored: Stored, now_s: int) -> list[str]:
    """Return the devices whose turn it is, at most `PIECE`; none if nothing may be ordered now.

    A fleet of which nobody is there is looked through to its end: this is for a reader.
    """
    campaign = stored.campaign
    offers = engine.next_offers(campaign, campaign.clock_s(now_s))
    rows: list[Row[Any]] = []
    if _has_between(stored, offers):
        rows += connection.execute(_between(stored, now_s).limit(PIECE))
    if offers.count:
        most = min(PIECE, offers.count)
        rows += connection.execute(_waiting(stored, offers.wave, now_s).limit(most))
    return [row.device for row in rows[:PIECE]]


def offer(ledger: Ledger, desk: Desk, chosen: Sequence[str]) -> list[str]:
    """Order devices of `candidates`, as many as may be now; return those that were looked at.

    What has changed since they were chosen counts: each is asked for once more. Devices that took a
    step come first: they have their place.
    """
    offers = engine.next_offers(ledger.campaign, ledger.at_s)
    rows = _still(ledger, offers, chosen) if chosen else []
    known = ordering.plan_releases(ledger) if rows else []
    free, looked = offers.free_bytes, []
    for row in rows:
        if ledger.campaign.tripped:
            # One could not take the rest of what is meant: that is a failure too.
            break
        member = store.member_of(row)
        after = _offer_one(ledger, desk, member, known, free)
        if after is None:
            break
        looked.append(member.device)
        if free is not None and after.state is MemberState.OFFERED:
            free -= after.planned_bytes
    return looked


def withdraw(ledger: Ledger, desk: Desk) -> list[str]:
    """Take back orders that are under way, at most `PIECE`; return of which devices."""
    states = engine.to_withdraw(ledger.campaign)
    found = _members(ledger, states & _ASKED_BACK)
    for member in found:
        take_back(ledger, desk, member, MemberEvent.CANCELLED, _STOPPED)
    between = _members(ledger, states - _ASKED_BACK)
    for member in between:
        # Its order has ended: there is nothing to take back.
        ledger.happen(member, MemberEvent.CANCELLED, reason=_STOPPED)
    return [one.device for one in (*found, *between)]


_STOPPED: Final = "the campaign was stopped"


def take_back(
    ledger: Ledger, desk: Desk, member: Member, event: MemberEvent, reason: str
) -> Member:
    """Take the order of a device back, and let something happen to it."""
    connection, actor = ledger.connection, ledger.actor
    try:
        if registry.speaks_ddi(connection, actor.tenant, member.device):
            actions.cancel(connection, actor, member.device)
        else:
            orders.stay(connection, actor, desk.director, member.device, word=desk.word)
    except UnsignedError:
        raise
    except EdgeError as error:
        # It has none any more, or is let in no longer: there is nothing to take back.
        reason = f"{reason}; {error}"
    return ledger.happen(member, event, reason=reason)


def _offer_one(
    ledger: Ledger, desk: Desk, member: Member, known: Sequence[Release], free: int | None
) -> Member | None:
    """Order a release of a device; None if the bandwidth does not allow it now."""
    row = registry.get(ledger.connection, ledger.stored.tenant, member.device)
    is_ddi = registry.speaks_ddi(ledger.connection, row.tenant, row.device)
    parts = sets.for_one(known, row, is_ddi=is_ddi)
    try:
        release = _step(ledger, row, member, parts)
        if release is None:
            has_any = bool(member.taken)
            return ledger.happen(member, MemberEvent.COMPLETED if has_any else MemberEvent.FOUND)
        planned = _planned(ledger, desk, row, release)
        is_first = free is None or _takes_no_place(ledger, member)
        if free is not None and planned > free and not is_first:
            return None
        order = ordering.give(ledger, desk, member.device, release, ledger.campaign.plan.policy)
    except UnsignedError:
        # No fault of the device: all of them wait until there is a key.
        raise
    except RefusedError as error:
        # Who took a part of what is meant, and can not take the rest, has failed.
        event = MemberEvent.FAILED if member.taken else MemberEvent.REFUSED
        return ledger.happen(member, event, reason=ordering.said(error))
    is_system = release.kind != SERVICE
    told = services.told(row.services) or {}
    of_services = (one for one in parts if one.kind == SERVICE)
    return ledger.happen(
        member,
        MemberEvent.OFFERED,
        action=order.action,
        release=release.path,
        service=release.service,
        from_release=_running(ledger, row) if is_system else "",
        from_version=row.version if is_system else "",
        from_services=tuple(
            ordering.ran(ledger, row, one.service, told.get(one.service, ""))
            for one in of_services
            if not member.from_services
        ),
        planned_bytes=planned,
    )


def _takes_no_place(ledger: Ledger, member: Member) -> bool:
    """Whether nobody else is under way: one device may always go over the bandwidth."""
    return ledger.campaign.under_way == (member.state is MemberState.BETWEEN)


def _step(
    ledger: Ledger, row: Row[Any], member: Member, parts: Sequence[Release]
) -> Release | None:
    """Return the release that a device takes now, also one on the way; None if it runs all.

    Raises:
        RefusedError: It can not take what is meant.
    """
    if not parts:
        raise RefusedError("none of the releases is for it")
    told = services.told(row.services)
    done = [one.release for one in member.taken if told is None and one.service]
    if member.state is MemberState.BETWEEN:
        # What it committed counts, whatever its status says; its soak shows whether it keeps it.
        done = [one.release for one in member.taken]
    rest = sets.left(parts, row, told, done)
    if not rest:
        return None
    if service := sets.lacking(rest, told):
        raise RefusedError(f"has no service {service} that is updated in place")
    meant = rest[0]
    found = orders.way_to(ledger.connection, row, meant)
    if found is None:
        raise RefusedError(
            f"runs {row.version} with counter {row.counter}, {meant.version} is for systems from"
            f" {meant.from_counter} on, and no release here is a step to it"
        )
    if found.path in done:
        raise RefusedError(f"runs {row.version}, after it had committed {found.version}")
    return found


def _planned(ledger: Ledger, desk: Desk, row: Row[Any], release: Release) -> int:
    """Return what a device has to fetch of a release, as far as it is known."""
    if release.path not in desk.ways:
        return 0
    version = row.version
    if release.kind == SERVICE:
        running = services.of(ledger.connection, row.tenant, row.device) or {}
        version = running.get(release.service, "")
    return desk.ways[release.path].from_(version, row.board)


def _running(ledger: Ledger, row: Row[Any]) -> str:
    found = ordering.released(ledger.connection, row.tenant, row.product, row.version)
    return found.path if found else ""


def _has_between(stored: Stored, offers: Offers) -> bool:
    return offers.goes_on and stored.campaign.of(frozenset({MemberState.BETWEEN})) > 0


def _still(ledger: Ledger, offers: Offers, chosen: Sequence[str]) -> list[Row[Any]]:
    """Return the rows of devices that were chosen, as far as they may be ordered now."""
    is_chosen = CAMPAIGN_DEVICES.c.device.in_(chosen)
    rows: list[Row[Any]] = []
    if _has_between(ledger.stored, offers):
        rows += ledger.connection.execute(_between(ledger.stored, ledger.now_s).where(is_chosen))
    if offers.count:
        asked = _waiting(ledger.stored, offers.wave, ledger.now_s).where(is_chosen)
        rows += ledger.connection.execute(asked.limit(offers.count))
    return rows


def _between(stored: Stored, now_s: int) -> Select[Any]:
    """Return the question who took a step, and has told how it is since."""
    return _standing(stored, MemberState.BETWEEN, is_ready(now_s))


def is_ready(now_s: int) -> ColumnElement[bool]:
    """Return what holds for devices that committed no step just now, or told how they are since."""
    return or_(
        CAMPAIGN_DEVICES.c.state.not_in((MemberState.BETWEEN, MemberState.HALF_BACK)),
        and_(DEVICES.c.action == CAMPAIGN_DEVICES.c.action, DEVICES.c.phase == "idle"),
        CAMPAIGN_DEVICES.c.changed_at_s <= now_s - _TELLS_IN_S,
    )


def _waiting(stored: Stored, wave: int, now_s: int) -> Select[Any]:
    """Return the question whose turn it is: who waits, was seen lately, and is free."""
    seen_s = stored.campaign.plan.times.seen_s
    is_there = [seen_at_s() >= now_s - seen_s] if seen_s else []
    is_open = CAMPAIGN_DEVICES.c.wave <= wave
    return _standing(stored, MemberState.WAITING, is_open, *is_there, not_(_is_busy(stored)))


def _standing(stored: Stored, state: MemberState, *where: ColumnElement[bool]) -> Select[Any]:
    """Return the question which devices stand so that can be ordered something, by their turns."""
    return (
        select(CAMPAIGN_DEVICES)
        .select_from(joined())
        .where(
            CAMPAIGN_DEVICES.c.tenant == stored.tenant,
            CAMPAIGN_DEVICES.c.campaign == stored.id,
            CAMPAIGN_DEVICES.c.state == state,
            DEVICES.c.state == states.State.ACCEPTED,
            *enlisting.bound(stored.campaign.plan, CAMPAIGN_DEVICES),
            *where,
        )
        .order_by(CAMPAIGN_DEVICES.c.wave, CAMPAIGN_DEVICES.c.rank)
    )


def seen_at_s() -> ColumnElement[int]:
    """Return when a device was there last; one that is connected is there now, whatever it said."""
    far = 1 << 62
    return case((DEVICES.c.is_online, far), else_=func.coalesce(SIGHTINGS.c.last_seen_s, 0))


def _is_busy(stored: Stored) -> ColumnElement[bool]:
    """Return what holds for a device that another campaign has, or has it before this one."""
    others, live = CAMPAIGN_DEVICES.alias("others"), CAMPAIGNS.alias("live")
    priority = stored.campaign.plan.priority
    goes_first = or_(
        live.c.priority > priority,
        and_(
            live.c.priority == priority,
            or_(
                live.c.created_at_s < stored.created_at_s,
                and_(live.c.created_at_s == stored.created_at_s, live.c.campaign < stored.id),
            ),
        ),
    )
    waits = and_(others.c.state == MemberState.WAITING, live.c.state == State.RUNNING, goes_first)
    return exists().where(
        live.c.tenant == stored.tenant,
        live.c.is_live,
        live.c.is_whole,
        live.c.campaign != stored.id,
        others.c.tenant == stored.tenant,
        others.c.campaign == live.c.campaign,
        others.c.device == CAMPAIGN_DEVICES.c.device,
        or_(others.c.state.in_(sorted(ACTIVE)), waits),
    )


def joined() -> Any:
    """Return the devices of campaigns with what is known of them, and when they were seen."""
    of_device = and_(
        DEVICES.c.tenant == CAMPAIGN_DEVICES.c.tenant,
        DEVICES.c.device == CAMPAIGN_DEVICES.c.device,
    )
    seen = and_(
        SIGHTINGS.c.tenant == CAMPAIGN_DEVICES.c.tenant,
        SIGHTINGS.c.device == CAMPAIGN_DEVICES.c.device,
    )
    return CAMPAIGN_DEVICES.join(DEVICES, of_device).join(SIGHTINGS, seen, isouter=True)


def _members(ledger: Ledger, states: frozenset[MemberState]) -> list[Member]:
    stored = ledger.stored
    if not states:
        return []
    return store.members_in(ledger.connection, stored.tenant, stored.id, states, most=PIECE)
