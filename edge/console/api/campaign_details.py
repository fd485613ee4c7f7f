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
from edge.console.api.endpoint import Call, Endpoint
from edge.console.campaigns import standing, store, verifying
from edge.console.campaigns.campaign import Decided
from edge.console.campaigns.course import Happened
from edge.console.campaigns.journal import Entry, Joined, Tripped
from edge.console.tokens import Scope

_REASONS_MOST: Final = 50


async def devices(call: Call) -> MembersView:
    """List the devices of a campaign."""
    query, tenant, id_ = call.query_as(DevicesOfCampaignQuery), call.actor.tenant, await _id(call)
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
            )
        else:
            rows = store.page(
                connection,
                tenant,
                id_,
                state=query.state,
                wave=wave,
                after=query.after,
                most=query.limit,
            )
            following = rows[-1].member.device if len(rows) == query.limit else ""
        return MembersView(devices=[_member(row) for row in rows], next=following)

    return await call.office.database.read(page)


async def reasons(call: Call) -> ReasonsView:
    """Tell why devices of a campaign did not make it."""
    tenant, id_ = call.actor.tenant, await _id(call)
    found = await call.office.database.read(
        lambda one: standing.reasons(one, tenant, id_, most=_REASONS_MOST)
    )
    return ReasonsView(
        reasons=[
            ReasonView(state=one.state, reason=one.reason, devices=one.devices) for one in found
        ]
    )


async def journal(call: Call) -> JournalView:
    """Tell what happened in a campaign."""
    query, tenant, id_ = call.query_as(JournalQuery), call.actor.tenant, await _id(call)
    found = await call.office.database.read(
        lambda one: list(
            store.entries(
                one,
                tenant,
                id_,
                after=query.after,
                most=query.limit,
                is_newest_first=query.newest,
                is_whole=query.whole,
            )
        )
    )
    return JournalView(entries=[_entry(*one) for one in found])


async def samples(call: Call) -> CampaignSamplesView:
    """Tell how a campaign went, for a chart."""
    most = call.query_as(SamplesOfCampaignQuery).most
    tenant, id_ = call.actor.tenant, await _id(call)
    found = await call.office.database.read(lambda one: store.samples(one, tenant, id_))
    step = max(1, -(-len(found) // most))
    # Counted from the last one, which tells how it stands now.
    chosen = found[::-step][::-1]
    return CampaignSamplesView(
        samples=[CampaignSampleView(at_s=at_s, counts=counts) for at_s, counts in chosen]
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


def _member(row: store.MemberRow) -> MemberView:
    return MemberView(
        **{
            name: getattr(row.member, name)
            for name in (
                *("device", "state", "reason", "action", "release", "from_version", "tries"),
                "planned_bytes",
            )
        },
        wave=row.member.wave + 1,
        changed_at_s=row.changed_at_s,
    )


def _entry(number: int, at_s: int, entry: Entry) -> JournalEntryView:
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
    ),
    Endpoint(
        "GET",
        f"{_ONE}/reasons",
        _READ,
        "Tell why devices of a campaign did not make it",
        reasons,
        ReasonsView,
    ),
    Endpoint(
        "GET",
        f"{_ONE}/journal",
        _READ,
        "Tell what happened in a campaign",
        journal,
        JournalView,
        query=JournalQuery,
    ),
    Endpoint(
        "GET",
        f"{_ONE}/verification",
        Scope.AUDIT_READ,
        "Tell whether it stands as its journal gives it",
        verify,
        VerifiedView,
    ),
    Endpoint(
        "GET",
        f"{_ONE}/samples",
        _READ,
        "Tell how it went",
        samples,
        CampaignSamplesView,
        query=SamplesOfCampaignQuery,
    ),
)
