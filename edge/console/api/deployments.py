"""Endpoints about orders and what came of them."""

from edge.console.api.campaign_views import PlanBody
from edge.console.api.endpoint import Call, Endpoint, Reach
from edge.console.api.views import (
    MOST,
    DeployBody,
    EventsQuery,
    EventsView,
    EventView,
    OrdersView,
    OrderView,
)
from edge.console.campaigns import scope
from edge.console.devices import listing, registry
from edge.console.store.tables import EVENTS
from edge.console.tokens import Scope
from edge.errors import InputError
from edge_signing import canonical
from edge_signing.approval import Approval
from edge_signing.errors import FormatError
from edge_signing.hours import Hours
from edge_signing.messages import Policy


async def deploy(call: Call) -> OrderView:
    """Order a release of a device."""
    body = call.body_as(DeployBody)
    made = await call.office.deploy(
        call.actor,
        body.device,
        body.version,
        product=body.product,
        policy=policy_of(body),
        approval=_approval(body),
    )
    found = await orders_of(call, body.device)
    return next(one for one in found if one.action == made.action)


def policy_of(body: DeployBody | PlanBody) -> Policy:
    """Return how an update may go on.

    Raises:
        InputError: The window is none, or does not go with the rest.
    """
    try:
        window = Hours.parse(body.window) if body.window else None
        return Policy(body.download_only, body.reboot, body.confirm, window, body.confirm_until_s)
    except FormatError as error:
        raise InputError(str(error)) from error


def _approval(body: DeployBody) -> bytes:
    if body.approval is None:
        return b""
    try:
        return Approval.unpack(canonical.encode(body.approval)).pack()
    except FormatError as error:
        raise InputError(str(error)) from error


async def orders(call: Call) -> OrdersView:
    """List the orders of a device."""
    return OrdersView(orders=await orders_of(call, call.part("device")))


async def cancel(call: Call) -> OrderView:
    """Take the open order of a device back."""
    device = call.part("device")
    action = await call.office.cancel_order(call.actor, device)
    return next(one for one in await orders_of(call, device) if one.action == action)


async def events(call: Call) -> EventsView:
    """List events."""
    query, tenant = call.query_as(EventsQuery), call.actor.tenant
    rows = await call.office.database.read(
        lambda one: listing.events(
            one,
            tenant,
            device_name=query.device,
            where=call.own(EVENTS),
            after=query.after,
            most=query.limit,
        )
    )
    found = [
        EventView(**{name: getattr(row, name) for name in EventView.model_fields}) for row in rows
    ]
    return EventsView(events=found, next=found[-1].number if found else query.after)


async def orders_of(call: Call, device: str) -> list[OrderView]:
    """Return the orders of a device, newest first."""
    tenant = call.actor.tenant
    await call.office.database.read(lambda one: registry.get(one, tenant, device))
    rows = await call.office.database.read(lambda one: listing.orders(one, tenant, device, MOST))
    found = [
        OrderView(**{name: getattr(row, name) for name in OrderView.model_fields}) for row in rows
    ]
    names, ids = call.visitor.groups, {one.campaign for one in found if one.campaign}
    if names is None or not ids:
        return found
    # What a campaign is called may be about devices that he may not know of.
    called = await call.office.database.read(lambda one: scope.names_of(one, tenant, ids, names))
    return [one.model_copy(update={"campaign_name": called.get(one.campaign, "")}) for one in found]


ENDPOINTS = (
    Endpoint(
        "POST",
        "/deployments",
        Scope.DEPLOY,
        "Order a release of a device",
        deploy,
        OrderView,
        body=DeployBody,
        reach=Reach.NAMED,
    ),
    Endpoint(
        "GET",
        "/devices/{device}/orders",
        Scope.DEVICES_READ,
        "List the orders of a device",
        orders,
        OrdersView,
    ),
    Endpoint(
        "POST",
        "/devices/{device}/orders/cancel",
        Scope.DEPLOY,
        "Take the open order of a device back",
        cancel,
        OrderView,
    ),
    Endpoint(
        "GET",
        "/events",
        Scope.DEVICES_READ,
        "List events",
        events,
        EventsView,
        query=EventsQuery,
        reach=Reach.OWN,
    ),
)
