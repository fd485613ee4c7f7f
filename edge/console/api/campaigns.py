"""Endpoints about campaigns."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from typing import Any, Final

from edge.console import releases
from edge.console.api.campaign_views import (
    ApprovalView,
    ApproveBody,
    CampaignBody,
    CampaignsQuery,
    CampaignSummaryView,
    CampaignsView,
    CampaignView,
    DecisionBody,
    EvidenceView,
    GaugeView,
    GivenView,
    PlanBody,
    PreviewBody,
    PreviewView,
    RetriedView,
    RetryBody,
    WaveView,
    plan_body,
)
from edge.console.api.deployments import policy_of
from edge.console.api.endpoint import Call, Endpoint, Reach
from edge.console.campaigns import approving, engine, scope, stopping, store
from edge.console.campaigns.approving import Signed
from edge.console.campaigns.campaign import Campaign, Event, State
from edge.console.campaigns.members import UNREACHED
from edge.console.campaigns.plan import Plan, Wave
from edge.console.campaigns.scope import Seen
from edge.console.campaigns.store import Stored
from edge.console.tokens import Scope
from edge.errors import InputError, ThingNotFoundError
from edge_signing.approval import Approver

_ACTS: Final = {
    "start": Event.STARTED,
    "pause": Event.PAUSED,
    "resume": Event.RESUMED,
    "next-wave": Event.OPENED,
    "finish": Event.EXPIRED,
    "abort": Event.ABORTED,
    "revert": Event.REVERTED,
}


async def list_(call: Call) -> CampaignsView:
    """List campaigns."""
    query, tenant = call.query_as(CampaignsQuery), call.actor.tenant
    found = await call.office.database.read(
        lambda one: scope.all_of(one, tenant, call.visitor.groups, most=query.limit)
    )
    return CampaignsView(campaigns=[CampaignSummaryView(**_summary(one)) for one in found])


async def create(call: Call) -> CampaignView:
    """Make a campaign that nobody has started yet."""
    body = call.body_as(CampaignBody)
    plan = await _plan(call, body)
    made = await call.office.campaigns.create(call.actor, body.name, plan, seed=body.seed)
    return _view(Seen(made))


async def preview(call: Call) -> PreviewView:
    """Tell what a campaign would do."""
    body = call.body_as(PreviewBody)
    plan = await _plan(call, body)
    found = await call.office.campaigns.preview(call.actor.tenant, plan, seed=body.seed)
    return PreviewView.model_validate(asdict(found))


async def show(call: Call) -> CampaignView:
    """Show a campaign."""
    tenant, id_, names = call.actor.tenant, call.part("campaign"), call.visitor.groups
    return _view(await call.office.database.read(lambda one: scope.see(one, tenant, id_, names)))


async def edit(call: Call) -> CampaignView:
    """Change the plan of a campaign."""
    plan, before = await _plan(call, call.body_as(PlanBody)), await _stored(call)
    # To which groups it is bound is no part of what is sent, and stays as it is.
    plan = replace(plan, within=before.campaign.plan.within)
    found = await call.office.campaigns.decide(call.actor, before.id, Event.EDITED, plan=plan)
    return _view(Seen(found))


async def remove(call: Call) -> None:
    """Remove a campaign that is over."""
    await call.office.campaigns.remove(call.actor, call.part("campaign"))


async def approve(call: Call) -> CampaignView:
    """Agree to a campaign."""
    body = call.body_as(ApproveBody)
    signed = None
    if body.algorithm is not None:
        signed = Signed(Approver(body.algorithm, body.public), bytes.fromhex(body.sig))
    found = await call.office.campaigns.approve(
        call.actor, call.part("campaign"), reason=body.reason, signed=signed
    )
    return _view(Seen(found))


async def approval(call: Call) -> ApprovalView:
    """Tell what there is to approve, and who did."""
    stored = await _stored(call)
    given = await call.office.database.read(
        lambda one: approving.all_of(one, stored.tenant, stored.id)
    )
    statement = approving.read(stored.statement).object() if stored.statement else None
    return ApprovalView(
        statement=statement, given=[GivenView.model_validate(asdict(one)) for one in given]
    )


async def retry(call: Call) -> RetriedView:
    """Give devices that did not make it another try."""
    devices = call.body_as(RetryBody).devices
    count = await call.office.campaigns.retry(call.actor, call.part("campaign"), devices)
    return RetriedView(devices=count)


def _deciding(name: str, event: Event) -> Callable[[Call], Awaitable[CampaignView]]:
    async def act(call: Call) -> CampaignView:
        return await _decided(call, event)

    # By which the document names it.
    act.__name__ = name.replace("-", "_")
    return act


async def _decided(call: Call, event: Event) -> CampaignView:
    reason = call.body_as(DecisionBody).reason
    found = await call.office.campaigns.decide(
        call.actor, call.part("campaign"), event, reason=reason
    )
    return _view(Seen(found))


async def _stored(call: Call) -> Stored:
    tenant, id_ = call.actor.tenant, call.part("campaign")
    return await call.office.database.read(lambda one: store.get(one, tenant, id_))


async def _plan(call: Call, body: PlanBody) -> Plan:
    tenant = call.actor.tenant
    known = await call.office.database.read(
        lambda one: releases.list_(one, tenant, product=body.product)
    )
    paths: list[str] = []
    for version in (body.version, *body.also):
        found = [one.path for one in known if one.version == version]
        if not found:
            raise ThingNotFoundError(f"no release {version!r}", hint="edge releases list")
        if paths and found[0] in paths:
            raise InputError(f"also: {version} is said twice")
        paths += found
    names = call.visitor.groups
    within = None if names is None else tuple(sorted(names))
    return replace(body.plan(tuple(paths), policy_of(body)), within=within)


def _versions(plan: Plan) -> list[str]:
    """Return the versions of a plan, each once: as somebody says them."""
    return list(dict.fromkeys(one.split("/")[1] for one in plan.releases))


def _products(plan: Plan) -> list[str]:
    return list(dict.fromkeys(one.split("/")[0] for one in plan.releases))


def _summary(seen: Seen) -> dict[str, Any]:
    stored, campaign = seen.stored, seen.stored.campaign
    within = campaign.plan.within
    version, *also = _versions(campaign.plan)
    return {
        "campaign": stored.id,
        "name": stored.name,
        "state": campaign.state,
        "reason": campaign.reason,
        "tripped": campaign.tripped,
        "version": version,
        "also": also,
        "products": _products(campaign.plan),
        "target": campaign.plan.target,
        "devices": campaign.total,
        "counts": campaign.counts,
        "reached": campaign.total - campaign.of(UNREACHED),
        "open_wave": campaign.open_wave + 1,
        "waves": len(campaign.tallies),
        "made_by": stored.made_by,
        "created_at_s": stored.created_at_s,
        "began_at_s": stored.began_at_s,
        "ended_at_s": stored.ended_at_s,
        "is_live": campaign.is_live,
        "within": None if within is None else list(within),
        "is_part": seen.is_part,
        "is_least": seen.is_least,
    }


def _view(seen: Seen) -> CampaignView:
    campaign = seen.stored.campaign
    products = _products(campaign.plan)
    return CampaignView(
        **_summary(seen),
        under_way=campaign.under_way,
        approved_by=list(campaign.approved_by),
        wave_views=[_wave(campaign, number) for number in range(len(campaign.tallies))],
        evidence=None if seen.is_part else _evidence(campaign),
        plan=plan_body(
            campaign.plan, _versions(campaign.plan), products[0] if len(products) == 1 else ""
        ),
        acts=[] if seen.is_part else _acts(campaign),
    )


def _acts(campaign: Campaign) -> list[str]:
    return [*(name for name, event in _ACTS.items() if _may(campaign, event)), *_more(campaign)]


def _may(campaign: Campaign, event: Event) -> bool:
    return engine.may_decide(campaign, event)


def _more(campaign: Campaign) -> list[str]:
    known = {"approve": Event.APPROVED, "retry": Event.RETRIED}
    found = [name for name, event in known.items() if _may(campaign, event)]
    if campaign.state not in (State.FINISHED, State.ABORTED, State.REVERTED):
        found.append("edit")
    return found if campaign.is_live else [*found, "remove"]


def _wave(campaign: Campaign, number: int) -> WaveView:
    wave, tally = campaign.plan.waves[number], campaign.tallies[number]
    limit = stopping.within(wave.limit, tally.able)
    return WaveView(
        number=number + 1,
        size=_size(wave),
        devices=tally.total,
        counts={str(state): count for state, count in tally.counts.items()},
        is_open=number <= campaign.open_wave,
        succeeded=tally.successes,
        success_percent=wave.success_percent,
        wait_s=wave.wait_s,
        gauge=GaugeView(
            failures=tally.failures,
            ended=tally.failures + tally.good,
            count=limit.count,
            percent=limit.percent,
            sample=limit.sample,
        ),
    )


def _size(wave: Wave) -> str:
    if wave.percent is not None:
        return f"{wave.percent}%"
    if wave.count is not None:
        return str(wave.count)
    return wave.filter or ", ".join(wave.devices[:3]) + (", …" if len(wave.devices) > 3 else "")


def _evidence(campaign: Campaign) -> EvidenceView | None:
    rule = campaign.plan.evidence
    if rule is None:
        return None
    failures = sum(one.failures for one in campaign.tallies)
    good = sum(one.good for one in campaign.tallies)
    return EvidenceView(
        failures=failures, good=good, stops_at=stopping.failures_that_stop(rule, good)
    )


def _decisions() -> list[Endpoint]:
    said = {
        "start": "Start a campaign",
        "pause": "Order no more devices until it is resumed",
        "resume": "Go on; what was seen of failures counts no more if they had stopped it",
        "next-wave": "Begin the next wave without waiting for this one",
        "finish": "Order no more devices; what is under way comes to its end",
        "abort": "Stop, and take back what is under way",
        "revert": "Stop, and let devices that were updated run again what they ran before",
    }
    return [
        Endpoint(
            "POST",
            f"/campaigns/{{campaign}}/{name}",
            Scope.CAMPAIGNS_WRITE,
            said[name],
            _deciding(name, event),
            CampaignView,
            body=DecisionBody,
            reach=Reach.WHOLE,
        )
        for name, event in _ACTS.items()
    ]


_ONE: Final = "/campaigns/{campaign}"
_READ: Final = Scope.DEVICES_READ
_WRITE: Final = Scope.CAMPAIGNS_WRITE

ENDPOINTS = (
    Endpoint(
        "GET",
        "/campaigns",
        _READ,
        "List campaigns",
        list_,
        CampaignsView,
        query=CampaignsQuery,
        reach=Reach.OWN,
    ),
    Endpoint(
        "POST",
        "/campaigns",
        _WRITE,
        "Make a campaign",
        create,
        CampaignView,
        body=CampaignBody,
        reach=Reach.OWN,
    ),
    Endpoint(
        "POST",
        "/campaign-previews",
        _READ,
        "Tell what a campaign would do",
        preview,
        PreviewView,
        body=PreviewBody,
        reach=Reach.OWN,
    ),
    Endpoint("GET", _ONE, _READ, "Show a campaign", show, CampaignView, reach=Reach.SEEN),
    Endpoint(
        "PUT", _ONE, _WRITE, "Change a plan", edit, CampaignView, body=PlanBody, reach=Reach.WHOLE
    ),
    Endpoint("DELETE", _ONE, _WRITE, "Remove a campaign that is over", remove, reach=Reach.WHOLE),
    *_decisions(),
    Endpoint(
        "POST",
        f"{_ONE}/approve",
        Scope.CAMPAIGNS_APPROVE,
        "Agree to a campaign",
        approve,
        CampaignView,
        body=ApproveBody,
        reach=Reach.WHOLE,
    ),
    Endpoint(
        "GET",
        f"{_ONE}/approval",
        _READ,
        "Tell what is to be approved",
        approval,
        ApprovalView,
        reach=Reach.WHOLE,
    ),
    Endpoint(
        "POST",
        f"{_ONE}/retry",
        _WRITE,
        "Try devices again",
        retry,
        RetriedView,
        body=RetryBody,
        reach=Reach.WHOLE,
    ),
)
