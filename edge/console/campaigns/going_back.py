"""How devices go back to what they ran before a campaign, as steps of a transaction.

The system goes first: the one of before brings its services back, its own or those in place that
stand for them. What is still another one then is ordered back after it.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, literal_column, select

from edge.console import releases
from edge.console.campaigns import engine, offering, ordering, sets, store
from edge.console.campaigns.ledger import Ledger
from edge.console.campaigns.members import (
    MAY_BE_HALFWAY,
    TO_REVERT,
    Member,
    MemberEvent,
    MemberState,
    Ran,
    Step,
)
from edge.console.campaigns.ordering import Desk
from edge.console.devices import registry, services
from edge.console.filters.elements import Aside
from edge.console.orders import UnsignedError
from edge.console.releases import Release
from edge.console.store.campaign_tables import CAMPAIGN_DEVICES
from edge.errors import EdgeError
from edge_signing.messages import Policy

PIECE: Final = 50
_BACK: Final = Policy(reboot="now", confirm="never")


def call_back(ledger: Ledger, desk: Desk) -> list[str]:
    """Order devices to run again what they ran before, at most `PIECE`; return which."""
    if not engine.may_revert(ledger.campaign):
        return []
    found = list(_to_go_back(ledger))
    for member in found:
        _call_one_back(ledger, desk, member)
    return [one.device for one in found]


def _to_go_back(ledger: Ledger) -> Iterator[Member]:
    of, most = CAMPAIGN_DEVICES.c, PIECE
    groups: list[tuple[ColumnElement[bool], ...]] = [(of.state.in_(sorted(TO_REVERT)),)]
    if ledger.campaign.halfway:
        # Of devices that wait there may be very many: an index has those that took a step.
        took = of.taken != literal_column("''")
        groups.append((took, Aside(of.state).in_(sorted(MAY_BE_HALFWAY))))
    for is_one in groups:
        asked = (
            select(CAMPAIGN_DEVICES)
            .select_from(offering.joined())
            .where(of.tenant == ledger.stored.tenant, of.campaign == ledger.stored.id, *is_one)
            .where(offering.is_ready(ledger.now_s))
        )
        rows = ledger.connection.execute(asked.limit(most)).all()
        most -= len(rows)
        yield from map(store.member_of, rows)


def _call_one_back(ledger: Ledger, desk: Desk, member: Member) -> None:
    row = registry.get(ledger.connection, ledger.stored.tenant, member.device)
    if other := _since(ledger, member, row):
        is_halfway = member.state in MAY_BE_HALFWAY
        ledger.happen(
            member, MemberEvent.LET_BE if is_halfway else MemberEvent.OVERTAKEN, reason=other
        )
        return
    has_begun = member.state is MemberState.HALF_BACK
    before = list(_before(member, has_begun=has_begun))
    for number, one in enumerate(before):
        if _runs_again(member, row, one):
            continue
        if not one.version and one.service and (has_begun or not before[0].service):
            # What it was nobody knows; it came with the system of before.
            continue
        _order_back(ledger, desk, member, row, one, before[number + 1 :])
        return
    ledger.happen(member, MemberEvent.WENT_BACK)


def _before(member: Member, *, has_begun: bool) -> Iterator[Ran]:
    """Yield what a device ran before, and has still to run again; the system first."""
    if not has_begun and any(not one.service for one in _steps(member)):
        yield Ran("", member.from_release, member.from_version)
    ordered = {one.service for one in _steps(member)}
    for one in member.from_services:
        # What was not ordered may still be another one after the system went back.
        if one.service in member.left if has_begun else one.version or one.service in ordered:
            yield one


def _order_back(
    ledger: Ledger, desk: Desk, member: Member, row: Row[Any], one: Ran, after: Sequence[Ran]
) -> None:
    release = _release(ledger, row, one)
    if release is None:
        is_own = one.service and one.version and not one.version.startswith(f"{one.service}+")
        what = f" of {one.service}" if is_own else ""
        reason = f"ran {one.version or 'what the console did not know'}{what} before"
        ledger.happen(member, MemberEvent.STAYED, reason=f"{reason}, of which no release is here")
        return
    try:
        order = ordering.give(ledger, desk, member.device, release, _BACK)
    except UnsignedError:
        raise
    except EdgeError as error:
        ledger.happen(member, MemberEvent.STAYED, reason=ordering.said(error))
        return
    ledger.happen(
        member,
        MemberEvent.CALLED_BACK,
        action=order.action,
        release=release.path,
        service=one.service,
        left=tuple(each.service for each in after),
    )


def _release(ledger: Ledger, row: Row[Any], one: Ran) -> Release | None:
    """Return the release that ran; also one that has come to be known since."""
    connection, tenant = ledger.connection, ledger.stored.tenant
    found = releases.by_path(connection, tenant, one.release) if one.release else None
    if found is None and one.service:
        return services.release_of(connection, tenant, row.product, one.service, one.version)
    return found


def _runs_again(member: Member, row: Row[Any], one: Ran) -> bool:
    """Whether a device runs what it ran before, as far as its word can be believed."""
    is_told = row.action == member.action and row.phase == "idle"
    if one.service == member.service and not is_told and member.state not in MAY_BE_HALFWAY:
        return False
    if not one.service:
        return bool(one.version) and row.version == one.version
    return bool(one.version) and (services.told(row.services) or {}).get(one.service) == one.version


def _steps(member: Member) -> list[Step]:
    """Return all that was ordered of a device on its way there."""
    return [*member.taken, Step(member.service, member.release)]


def _since(ledger: Ledger, member: Member, row: Row[Any]) -> str:
    """Return what was ordered of a device after this campaign, or what it runs instead; or ""."""
    is_ours = row.desired_action == member.action or (
        # A device that is to try once more has no order; its last one was of this.
        not member.action and row.desired_release == member.release
    )
    if row.desired_release and not is_ours:
        return f"{row.desired_release} was ordered since"
    if member.state is not MemberState.SUCCEEDED or ledger.campaign.plan.policy.download_only:
        return ""
    for one, version in others(ledger, member, row):
        # A service that its system's own took the place of was left by the device itself.
        if not one.service or version.startswith(f"{one.service}+"):
            return f"runs {version}"
    return ""


def others(ledger: Ledger, member: Member, row: Row[Any]) -> Iterator[tuple[Release, str]]:
    """Yield what a device took and does not run, and the version that it says it runs instead."""
    told = services.told(row.services)
    for step in _steps(member):
        one = releases.by_path(ledger.connection, ledger.stored.tenant, step.release)
        # A release on the way does not stay.
        if one is None or one.path not in ledger.campaign.plan.releases:
            continue
        version = sets.version(one, row, told)
        if version and not sets.runs(one, row, told):
            yield one, version
