"""Endpoints about the devices of a campaign, its journal, and how it went."""

from typing import Final, assert_never

from sqlalchemy import Connection

from edge.console.api.campaign_detail_views import (
    CampaignSamplesView,
    CampaignSampleView,
    DevicesOfCampaignQuery,
    JournalEntryView,
    JournalQuery,
    JournalView,
    MembersView,
    MemberView,
    ReasonsView,
    ReasonView,
    SamplesOfCampaignQuery,
    TripView,
    VerifiedView,
)
from edge.console.api.endpoint import Call, Endpoint, Reach
from edge.console.campaigns import curve, scope, standing, store, verifying
from edge.console.campaigns.campaign import Decided
from edge.console.campaigns.course import Happened
from edge.console.campaigns.journal import Entry, Joined, Tripped
from edge.console.campaigns.members import Member
from edge.console.campaigns.scope import Seen
from edge.console.store.campaign_tables import JOURNAL
from edge.console.tokens import Scope

_REASONS_MOST: Final = 50


async def devices(call: Call) -> MembersView:
    """List the devices of a campaign."""
    query, tenant, id_ = call.query_as(DevicesOfCampaignQuery), call.actor.tenant, await _id(call)
    where = scope.own(tenant, call.visitor.groups)
    wave = None if query.wave is None else query.wave - 1

    def page(connection: Connection) -> MembersView:
        if query.sort == "trouble":
            states = standing.BY_TROUBLE if query.state is None else (query.state,)
            rows, following = standing.by_trouble(
                connection,
                tenant,
                id_,
                states=states,
                wave=wave,
                after=query.after,
                most=query.limit,
                where=where,
            )
        else:
            rows = standing.page(
                connection,
                tenant,
                id_,
                state=query.state,
                wave=wave,
                after=query.after,
                most=query.limit,
                where=where,
            )
            following = rows[-1].member.device if len(rows) == query.limit else ""
        return MembersView(devices=[_member(row) for row in rows], next=following)

    return await call.office.database.read(page)


async def reasons(call: Call) -> ReasonsView:
    """Tell why devices of a campaign did not make it."""
    tenant, id_ = call.actor.tenant, await _id(call)
    where = scope.own(tenant, call.visitor.groups)
    found = await call.office.database.read(
        lambda one: standing.reasons(one, tenant, id_, most=_REASONS_MOST, where=where)
    )
    return ReasonsView(
        reasons=[
            ReasonView(state=one.state, reason=one.reason, devices=one.devices) for one in found
        ]
    )


async def journal(call: Call) -> JournalView:
    """Tell what happened in a campaign."""
    query, tenant, seen = call.query_as(JournalQuery), call.actor.tenant, await _seen(call)
    names = call.visitor.groups
    found = await call.office.database.read(
        lambda one: list(
            store.entries(
                one,
                tenant,
                seen.stored.id,
                after=query.after,
                most=query.limit,
                is_newest_first=query.newest,
                is_whole=query.whole,
                where=scope.own(tenant, names, JOURNAL),
            )
        )
    )
    return JournalView(entries=[_entry(*one, is_part=seen.is_part) for one in found])


async def samples(call: Call) -> CampaignSamplesView:
    """Tell how a campaign went, for a chart."""
    most = call.query_as(SamplesOfCampaignQuery).most
    tenant, seen, names = call.actor.tenant, await _seen(call), call.visitor.groups

    def told(connection: Connection) -> list[tuple[int, dict[str, int]]]:
        if names is not None and seen.is_part:
            every = scope.since(connection, tenant, seen.stored.id, names)
            # Counted from the last one, which tells how it stands now.
            return every[:: -max(1, -(-len(every) // most))][::-1]
        return curve.samples(connection, tenant, seen.stored.id, most=most)

    found = await call.office.database.read(told)
    return CampaignSamplesView(
        samples=[CampaignSampleView(at_s=at_s, counts=counts) for at_s, counts in found]
    )


async def verify(call: Call) -> VerifiedView:
    """Tell whether a campaign stands as its journal gives it."""
    tenant, id_ = call.actor.tenant, await _id(call)
    found = await call.office.database.read(lambda one: verifying.verify(one, tenant, id_))
    return VerifiedView(
        entries=found.entries, devices=found.devices, differences=list(found.differences)
    )


async def _id(call: Call) -> str:
    """Return the id in the path, if the tenant has this campaign."""
    tenant, id_ = call.actor.tenant, call.part("campaign")
    return (await call.office.database.read(lambda one: store.get(one, tenant, id_))).id


async def _seen(call: Call) -> Seen:
    """Return the campaign of the path as the visitor sees it."""
    tenant, id_, names = call.actor.tenant, call.part("campaign"), call.visitor.groups
    return await call.office.database.read(lambda one: scope.see(one, tenant, id_, names))


def _member(row: store.MemberRow) -> MemberView:
    return MemberView(
        **{
            name: getattr(row.member, name)
            for name in (
                *("device", "state", "reason", "action", "release", "tries", "planned_bytes"),
            )
        },
        from_version=_from_version(row.member),
        taken=[one.release for one in row.member.taken],
        wave=row.member.wave + 1,
        changed_at_s=row.changed_at_s,
    )


def _from_version(one: Member) -> str:
    """Return what a device ran before of what its newest order is of."""
    if not one.service:
        return one.from_version
    return next((ran.version for ran in one.from_services if ran.service == one.service), "")


def _entry(number: int, at_s: int, entry: Entry, *, is_part: bool) -> JournalEntryView:
    """Return an entry; to who sees only his part of it, of all devices no more than that it was."""
    trip, by, reason = None, "", ""
    match entry.what:
        case Decided():
            what, by, reason = str(entry.what.event), entry.what.by, entry.what.reason
        case Happened():
            what, reason = str(entry.what.event), entry.what.reason
        case Tripped():
            what, reason = "tripped", entry.what.reason
            trip = TripView.model_validate(entry.what, from_attributes=True)
        case Joined():
            what = "joined"
        case _:
            assert_never(entry.what)
    if is_part and not entry.device:
        trip, reason = None, scope.TOO_MANY if what == "tripped" else ""
    return JournalEntryView(
        number=number, at_s=at_s, device=entry.device, what=what, by=by, reason=reason, trip=trip
    )


_ONE: Final = "/campaigns/{campaign}"
_READ: Final = Scope.DEVICES_READ

ENDPOINTS = (
    Endpoint(
        "GET",
        f"{_ONE}/devices",
        _READ,
        "List the devices of a campaign",
        devices,
        MembersView,
        query=DevicesOfCampaignQuery,
        reach=Reach.SEEN,
    ),
    Endpoint(
        "GET",
        f"{_ONE}/reasons",
        _READ,
        "Tell why devices of a campaign did not make it",
        reasons,
        ReasonsView,
        reach=Reach.SEEN,
    ),
    Endpoint(
        "GET",
        f"{_ONE}/journal",
        _READ,
        "Tell what happened in a campaign",
        journal,
        JournalView,
        query=JournalQuery,
        reach=Reach.SEEN,
    ),
    Endpoint(
        "GET",
        f"{_ONE}/verification",
        Scope.AUDIT_READ,
        "Tell whether it stands as its journal gives it",
        verify,
        VerifiedView,
        reach=Reach.WHOLE,
    ),
    Endpoint(
        "GET",
        f"{_ONE}/samples",
        _READ,
        "Tell how it went",
        samples,
        CampaignSamplesView,
        query=SamplesOfCampaignQuery,
        reach=Reach.SEEN,
    ),
)
