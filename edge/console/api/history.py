"""Endpoints about one device in detail."""

from dataclasses import asdict

from sqlalchemy import Connection

from edge.console.api.detail_views import HistoryItemView, HistoryQuery, HistoryView
from edge.console.api.endpoint import Call, Endpoint
from edge.console.devices import history, registry
from edge.console.devices.history import Item, Place
from edge.console.tokens import Scope


async def show(call: Call) -> HistoryView:
    """Tell what happened to a device."""
    tenant, device = call.actor.tenant, call.part("device")
    query = call.query_as(HistoryQuery)
    after = Place.of(query.after) if query.after else None
    with_audit = Scope.AUDIT_READ in call.visitor.scopes

    def read(one: Connection) -> list[Item]:
        registry.get(one, tenant, device)
        return history.of_device(
            one, tenant, device, most=query.limit + 1, with_audit=with_audit, after=after
        )

    found = await call.office.database.read(read)
    shown = found[: query.limit]
    items = [HistoryItemView.model_validate(asdict(one)) for one in shown]
    return HistoryView(items=items, next=shown[-1].place if len(found) > query.limit else "")


ENDPOINTS = (
    Endpoint(
        "GET",
        "/devices/{device}/history",
        Scope.DEVICES_READ,
        "Tell what happened to a device",
        show,
        HistoryView,
        query=HistoryQuery,
    ),
)
