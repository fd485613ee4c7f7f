"""Endpoints about one device in detail."""

from dataclasses import asdict

from sqlalchemy import Connection

from edge.console.api.detail_views import HistoryItemView, HistoryQuery, HistoryView
from edge.console.api.endpoint import Call, Endpoint
from edge.console.devices import history, registry
from edge.console.devices.history import Item
from edge.console.tokens import Scope


async def show(call: Call) -> HistoryView:
    """Tell what happened to a device."""
    tenant, device = call.actor.tenant, call.part("device")
    most = call.query_as(HistoryQuery).limit
    with_audit = Scope.AUDIT_READ in call.visitor.scopes

    def read(one: Connection) -> list[Item]:
        registry.get(one, tenant, device)
        return history.of_device(one, tenant, device, most=most, with_audit=with_audit)

    found = await call.office.database.read(read)
    return HistoryView(items=[HistoryItemView.model_validate(asdict(one)) for one in found])


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
