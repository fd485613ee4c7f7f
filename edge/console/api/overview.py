"""Endpoints about the fleet as a whole."""

from dataclasses import asdict
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection, func, select

from edge.console import samples
from edge.console.api.endpoint import Call, Endpoint, Reach
from edge.console.api.overview_views import (
    ConsoleView,
    NoticedsView,
    NoticedView,
    OverviewView,
    ReasonView,
    SamplesQuery,
    SamplesView,
    SampleView,
    UnderWaysView,
    UnderWayView,
    VersionCountView,
)
from edge.console.devices import listing
from edge.console.overview import Some
from edge.console.store.tables import AUDIT
from edge.console.tokens import Scope

_DAY_S = 86_400
_NEVER_BEGUN = ""


async def show(call: Call) -> OverviewView:
    """Tell how the fleet stands."""
    found = await call.rooms.overviews.of(call.visitor)
    return OverviewView(
        now_s=call.actor.now_s,
        counted_at_s=found.counted_at_s,
        states=found.states,
        connected=found.connected,
        heard=found.heard,
        versions=[VersionCountView(**asdict(one)) for one in found.versions],
        outcomes=found.outcomes,
        reasons=[ReasonView(**vars(one)) for one in found.reasons],
        under_way=UnderWaysView(
            total=found.under_way.total, orders=[_under_way(one) for one in found.under_way.rows]
        ),
        pending=_noticed(
            found.pending,
            lambda one: {
                "certificate": one.fingerprint or "",
                "at_s": one.last_seen_s or one.created_at_s,
            },
        ),
        failed=_noticed(
            found.failed,
            lambda one: {"version": one.version, "reason": one.reason, "at_s": one.closed_at_s},
        ),
        silent=_noticed(
            found.silent, lambda one: {"version": one.version, "at_s": one.last_seen_s}
        ),
    )


async def list_samples(call: Call) -> SamplesView:
    """Tell how many devices ran which version when."""
    if call.visitor.groups is not None:
        # They count devices that he can not reach.
        return SamplesView(samples=[])
    tenant, from_s = call.actor.tenant, call.actor.now_s - call.query_as(SamplesQuery).days * _DAY_S
    rows = await call.office.database.read(lambda one: samples.since(one, tenant, from_s))
    names = SampleView.model_fields
    return SamplesView(
        samples=[SampleView(**{name: getattr(row, name) for name in names}) for row in rows]
    )


async def tell_of_console(call: Call) -> ConsoleView:
    """Tell of the console itself."""
    tenant, database = call.actor.tenant, call.office.database

    def read(one: Connection) -> tuple[int, int]:
        newest = select(func.max(AUDIT.c.number)).where(AUDIT.c.tenant == tenant)
        return sum(listing.counts(one, tenant).values()), one.scalar(newest) or 0

    devices, entries = await database.read(read)
    return ConsoleView(
        version=version("edge-os"),
        database=database.kind,
        store_batches=database.batches,
        started_at_s=call.rooms.started_at_s,
        now_s=call.actor.now_s,
        listeners=call.office.notices.listeners(tenant),
        devices=devices,
        audit_entries=entries,
    )


def _under_way(row: SimpleNamespace) -> UnderWayView:
    is_begun = row.at_work_on == row.action
    planned = row.planned_bytes if is_begun else 0
    return UnderWayView(
        device=row.device,
        action=row.action,
        version=row.version,
        wanted=row.wanted,
        phase=row.phase if is_begun else _NEVER_BEGUN,
        percent=min(100, row.done_bytes * 100 // planned) if planned else 0,
        created_at_s=row.created_at_s,
    )


def _noticed(some: Some, facts: Any) -> NoticedsView:
    found = [NoticedView(device=row.device, **facts(row)) for row in some.rows]
    return NoticedsView(total=some.total, devices=found)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/overview",
        Scope.DEVICES_READ,
        "Tell how the fleet stands",
        show,
        OverviewView,
        reach=Reach.OWN,
    ),
    Endpoint(
        "GET",
        "/samples",
        Scope.DEVICES_READ,
        "Tell how many devices ran which version when",
        list_samples,
        SamplesView,
        query=SamplesQuery,
        reach=Reach.OWN,
    ),
    Endpoint(
        "GET",
        "/console",
        Scope.METRICS_READ,
        "Tell of the console itself",
        tell_of_console,
        ConsoleView,
    ),
)
