"""What a campaign orders of its devices, as steps of a transaction.

An order, how the device stands, and the entry of the journal are one: after any crash either all
three are there, or none. So no device is ordered twice, and none is forgotten.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
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

from edge.console import orders, releases
from edge.console.campaigns import before, engine, enlisting, store
from edge.console.campaigns.campaign import State
from edge.console.campaigns.ledger import Ledger
from edge.console.campaigns.members import ACTIVE, TO_REVERT, Member, MemberEvent, MemberState
from edge.console.campaigns.store import Stored
from edge.console.campaigns.ways import Ways
from edge.console.ddi import actions
from edge.console.devices import registry, states
from edge.console.orders import Director, Order, UnsignedError
from edge.console.releases import FOREIGN, Release
from edge.console.store.campaign_tables import CAMPAIGN_DEVICES, CAMPAIGNS
from edge.console.store.tables import DEVICES, SIGHTINGS
from edge.errors import EdgeError, RefusedError
from edge_signing.messages import Policy

# In one transaction: what others write waits for no more.
PIECE: Final = 50
_BACK: Final = Policy(reboot="now", confirm="never")
_ASKED_BACK: Final = frozenset({MemberState.OFFERED, MemberState.UPDATING, MemberState.HELD})


@dataclass(frozen=True, slots=True)
class Desk:
    """What orders are made with.

    Attributes:
        director: Signs them.
        word: Gives a word that is not given twice.
        ways: What releases cost, by path.
        approval: What people signed for the campaign, for devices that want that.
    """

    director: Director
    word: Callable[[], str]
    ways: Mapping[str, Ways]
    approval: bytes = b""


def candidates(connection: Connection, stored: Stored, now_s: int) -> list[str]:
    """Return the devices whose turn it is, at most `PIECE`; none if nothing may be ordered now.

    A fleet of which nobody is there is looked through to its end: this is for a reader.
    """
    campaign = stored.campaign
    offers = engine.next_offers(campaign, campaign.clock_s(now_s))
    if not offers.count:
        return []
    asked = _waiting(stored, offers.wave, now_s).limit(min(PIECE, offers.count))
    return [row.device for row in connection.execute(asked)]


def offer(ledger: Ledger, desk: Desk, chosen: Sequence[str]) -> list[str]:
    """Order devices of `candidates`, as many as may be now; return those that were looked at.

    What has changed since they were chosen counts: each is asked for once more.
    """
    offers = engine.next_offers(ledger.campaign, ledger.at_s)
    if not offers.count or not chosen:
        return []
    asked = _waiting(ledger.stored, offers.wave, ledger.now_s)
    asked = asked.where(CAMPAIGN_DEVICES.c.device.in_(chosen)).limit(offers.count)
    known, free, looked = _releases(ledger), offers.free_bytes, []
    for row in ledger.connection.execute(asked).all():
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
    if not engine.may_withdraw(ledger.campaign):
        return []
    found = _members(ledger, _ASKED_BACK)
    for member in found:
        take_back(ledger, desk, member, MemberEvent.CANCELLED, "the campaign was stopped")
    return [one.device for one in found]


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


def call_back(ledger: Ledger, desk: Desk) -> list[str]:
    """Order devices to run again what they ran before, at most `PIECE`; return which."""
    if not engine.may_revert(ledger.campaign):
        return []
    found = _members(ledger, TO_REVERT)
    for member in found:
        _call_one_back(ledger, desk, member)
    return [one.device for one in found]


def _offer_one(
    ledger: Ledger, desk: Desk, member: Member, known: Sequence[Release], free: int | None
) -> Member | None:
    """Order a release of a device; None if the bandwidth does not allow it now."""
    row = registry.get(ledger.connection, ledger.stored.tenant, member.device)
    if any(before.runs(row, one) for one in known):
        return ledger.happen(member, MemberEvent.FOUND)
    try:
        release = _step(ledger, row, known)
    except RefusedError as error:
        return ledger.happen(member, MemberEvent.REFUSED, reason=_said(error))
    was = before.version(row, release)
    planned = desk.ways[release.path].from_(was, row.board) if release.path in desk.ways else 0
    is_first = free is None or ledger.campaign.under_way == 0
    if free is not None and planned > free and not is_first:
        return None
    try:
        order = _give(ledger, desk, member.device, release, ledger.campaign.plan.policy)
    except UnsignedError:
        # No fault of the device: all of them wait until there is a key.
        raise
    except RefusedError as error:
        return ledger.happen(member, MemberEvent.REFUSED, reason=_said(error))
    return ledger.happen(
        member,
        MemberEvent.OFFERED,
        action=order.action,
        release=release.path,
        from_release=before.path(ledger.connection, row, release),
        from_version=was,
        planned_bytes=planned,
    )


def _step(ledger: Ledger, row: Row[Any], known: Iterable[Release]) -> Release:
    """Return the release that a device takes now: the one that is meant, or one on the way."""
    is_ddi = registry.speaks_ddi(ledger.connection, row.tenant, row.device)
    fitting = [
        one
        for one in known
        if (one.kind == FOREIGN) == is_ddi
        and row.product in ("", one.product)
        and (not row.board or row.board in one.boards)
    ]
    if not fitting:
        raise RefusedError("none of the releases is for it")
    meant = fitting[0]
    found = orders.way_to(ledger.connection, row, meant)
    if found is None:
        raise RefusedError(
            f"runs {row.version} with counter {row.counter}, {meant.version} is for systems from"
            f" {meant.from_counter} on, and no release here is a step to it"
        )
    return found


def _give(ledger: Ledger, desk: Desk, device: str, release: Release, policy: Policy) -> Order:
    connection, actor = ledger.connection, ledger.actor
    if release.kind == FOREIGN:
        return actions.deploy(connection, actor, device, release, policy=policy, word=desk.word)
    return orders.deploy(
        connection,
        actor,
        desk.director,
        device,
        release,
        policy=policy,
        word=desk.word,
        approval=desk.approval,
    )


def _call_one_back(ledger: Ledger, desk: Desk, member: Member) -> None:
    if other := _since(ledger, member):
        ledger.happen(member, MemberEvent.OVERTAKEN, reason=other)
        return
    release = releases.by_path(ledger.connection, ledger.stored.tenant, member.from_release)
    if release is None:
        was = member.from_version or "what the console did not know"
        reason = f"ran {was} before, of which no release is here"
        ledger.happen(member, MemberEvent.STAYED, reason=reason)
        return
    try:
        order = _give(ledger, desk, member.device, release, _BACK)
    except UnsignedError:
        raise
    except EdgeError as error:
        ledger.happen(member, MemberEvent.STAYED, reason=_said(error))
        return
    ledger.happen(member, MemberEvent.CALLED_BACK, action=order.action, release=release.path)


def _since(ledger: Ledger, member: Member) -> str:
    """Return what was ordered of a device after this campaign, or what it runs instead; or ""."""
    row = registry.get(ledger.connection, ledger.stored.tenant, member.device)
    if row.desired_release and row.desired_action != member.action:
        return f"{row.desired_release} was ordered since"
    if member.state is not MemberState.SUCCEEDED or ledger.campaign.plan.policy.download_only:
        return ""
    ours = releases.by_path(ledger.connection, ledger.stored.tenant, member.release)
    other = before.version(row, ours) if ours else ""
    return f"runs {other}" if ours and other and not before.runs(row, ours) else ""


def _releases(ledger: Ledger) -> list[Release]:
    connection, tenant = ledger.connection, ledger.stored.tenant
    found = (releases.by_path(connection, tenant, one) for one in ledger.campaign.plan.releases)
    return [one for one in found if one is not None and one.is_published]


def _waiting(stored: Stored, wave: int, now_s: int) -> Select[Any]:
    """Return the question whose turn it is: who waits, was seen lately, and is free."""
    seen_s = stored.campaign.plan.times.seen_s
    is_there = [seen_at_s() >= now_s - seen_s] if seen_s else []
    return (
        select(CAMPAIGN_DEVICES)
        .select_from(joined())
        .where(
            CAMPAIGN_DEVICES.c.tenant == stored.tenant,
            CAMPAIGN_DEVICES.c.campaign == stored.id,
            CAMPAIGN_DEVICES.c.state == MemberState.WAITING,
            CAMPAIGN_DEVICES.c.wave <= wave,
            DEVICES.c.state == states.State.ACCEPTED,
            *is_there,
            *enlisting.bound(stored.campaign.plan, CAMPAIGN_DEVICES),
            not_(_is_busy(stored)),
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


def _members(ledger: Ledger, states: Iterable[MemberState]) -> list[Member]:
    stored = ledger.stored
    return store.members_in(ledger.connection, stored.tenant, stored.id, states, most=PIECE)


def _said(error: EdgeError) -> str:
    return f"{error}; {error.hint}" if error.hint else str(error)
