"""Endpoints about devices."""

from collections.abc import Sequence

from sqlalchemy import Connection

from edge.console.api.endpoint import Call, Endpoint, Reach
from edge.console.api.views import (
    AttributesBody,
    AttributesView,
    DevicesQuery,
    DevicesView,
    DeviceView,
    EpochView,
    NotesBody,
    ReEnrolBody,
    RegisterBody,
    TagsBody,
    TagsView,
)
from edge.console.devices import device_filter, finding, groups, listing, reach, ways
from edge.console.devices.finding import Meant
from edge.console.devices.listing import Device
from edge.console.devices.ways import Part
from edge.console.tokens import Scope

_SAME = (
    "device",
    "state",
    "epoch",
    "board",
    "product",
    "version",
    "counter",
    "slot",
    "phase",
    "action",
    "release",
    "reason",
    "done_bytes",
    "planned_bytes",
    "bytes_per_s",
    "is_online",
    "first_seen_s",
    "last_seen_s",
    "via",
    "desired_release",
    "desired_action",
    "notes",
)


async def list_(call: Call) -> DevicesView:
    """List devices."""
    query = call.query_as(DevicesQuery)

    def read(one: Connection) -> DevicesView:
        most = finding.COUNT_MOST if query.total else None
        found = listing.page(
            one,
            _meant(one, call, query),
            after=query.after,
            most=query.limit,
            sort=query.sort,
            count_most=most,
        )
        last = found.devices[-1] if len(found.devices) == query.limit else None
        return DevicesView(
            devices=_views(one, call, found.devices),
            next=listing.place(last, query.sort) if last else "",
            total=found.total.devices if query.total and found.total else None,
            is_total_least=query.total and found.total is not None and found.total.is_least,
        )

    return await call.office.database.read(read)


async def show(call: Call) -> DeviceView:
    """Show a device."""
    return await _shown(call, call.part("device"))


async def register(call: Call) -> DeviceView:
    """Let a device in that has not called yet."""
    body = call.body_as(RegisterBody)
    await call.office.register(call.actor, body.device, _bytes(body.certificate))
    return await _shown(call, body.device)


async def accept(call: Call) -> DeviceView:
    """Let a device in that waits or was revoked."""
    await call.office.accept(call.actor, call.part("device"))
    return await show(call)


async def reject(call: Call) -> None:
    """Forget a device that waits, and never let its certificate in."""
    await call.office.reject(call.actor, call.part("device"))


async def revoke(call: Call) -> DeviceView:
    """Let a device in no longer, at once."""
    await call.office.revoke(call.actor, call.part("device"))
    return await show(call)


async def decommission(call: Call) -> DeviceView:
    """Put a device out of use for good."""
    await call.office.decommission(call.actor, call.part("device"))
    return await show(call)


async def re_enrol(call: Call) -> EpochView:
    """Let a device in anew with another certificate."""
    body = call.body_as(ReEnrolBody)
    fingerprint = _bytes(body.certificate)
    return EpochView(epoch=await call.office.re_enrol(call.actor, call.part("device"), fingerprint))


async def tag(call: Call) -> TagsView:
    """Add and remove tags."""
    body = call.body_as(TagsBody)
    found = await call.office.tag(call.actor, call.part("device"), add=body.add, remove=body.remove)
    return TagsView(tags=found)


async def set_attributes(call: Call) -> AttributesView:
    """Set attributes."""
    values = call.body_as(AttributesBody).attributes
    found = await call.office.set_attributes(call.actor, call.part("device"), values)
    return AttributesView(attributes=found)


async def set_notes(call: Call) -> DeviceView:
    """Set the notes."""
    await call.office.set_notes(call.actor, call.part("device"), call.body_as(NotesBody).notes)
    return await show(call)


def _meant(one: Connection, call: Call, query: DevicesQuery) -> Meant:
    tenant = call.actor.tenant
    found = reach.meant(call.visitor)
    if query.filter:
        named = groups.named(one, tenant)
        found += device_filter.meant(query.filter, tenant, call.actor.now_s, named)
    if query.state is not None:
        found += Meant(tenant, (Part(listing.stands(query.state)),))
    if query.tag:
        found += Meant(tenant, (Part(listing.has_tag(query.tag), ways.of_tag(tenant, query.tag)),))
    return found


def _bytes(fingerprint: str | None) -> bytes | None:
    return None if fingerprint is None else bytes.fromhex(fingerprint)


async def _shown(call: Call, name: str) -> DeviceView:
    def read(one: Connection) -> DeviceView:
        return _views(one, call, [listing.device(one, call.actor.tenant, name)])[0]

    return await call.office.database.read(read)


def _views(one: Connection, call: Call, found: Sequence[Device]) -> list[DeviceView]:
    names = [each.row.device for each in found]
    refusals = call.office.admissions.refusals(one, call.actor.tenant, names)
    return [_view(each, refusals[each.row.device]) for each in found]


def _view(found: Device, mqtt_refusal: str) -> DeviceView:
    row = found.row
    planned = row.planned_bytes
    return DeviceView(
        **{name: getattr(row, name) for name in _SAME},
        certificate=row.fingerprint or "",
        mqtt_refusal=mqtt_refusal,
        percent=min(100, row.done_bytes * 100 // planned) if planned else 0,
        tags=list(found.tags),
        groups=list(found.groups),
        attributes=found.attributes,
        reported=found.reported,
        services=dict(found.services),
    )


_ONE = "/devices/{device}"
_READ, _WRITE = Scope.DEVICES_READ, Scope.DEVICES_WRITE
ENDPOINTS = (
    Endpoint(
        "GET",
        "/devices",
        _READ,
        "List devices",
        list_,
        DevicesView,
        query=DevicesQuery,
        reach=Reach.OWN,
    ),
    Endpoint(
        "POST",
        "/devices",
        _WRITE,
        "Let a device in that has not called yet",
        register,
        DeviceView,
        body=RegisterBody,
    ),
    Endpoint("GET", _ONE, _READ, "Show a device", show, DeviceView),
    Endpoint("POST", f"{_ONE}/accept", _WRITE, "Let a device in", accept, DeviceView),
    Endpoint("POST", f"{_ONE}/reject", _WRITE, "Forget a device that waits", reject),
    Endpoint("POST", f"{_ONE}/revoke", _WRITE, "Let a device in no longer", revoke, DeviceView),
    Endpoint(
        "POST",
        f"{_ONE}/decommission",
        _WRITE,
        "Put a device out of use for good",
        decommission,
        DeviceView,
    ),
    Endpoint(
        "POST",
        f"{_ONE}/re-enrol",
        _WRITE,
        "Let a device in anew with another certificate",
        re_enrol,
        EpochView,
        body=ReEnrolBody,
    ),
    Endpoint("POST", f"{_ONE}/tags", _WRITE, "Add and remove tags", tag, TagsView, body=TagsBody),
    Endpoint(
        "PATCH",
        f"{_ONE}/attributes",
        _WRITE,
        "Set attributes",
        set_attributes,
        AttributesView,
        body=AttributesBody,
    ),
    Endpoint(
        "PUT", f"{_ONE}/notes", _WRITE, "Set the notes", set_notes, DeviceView, body=NotesBody
    ),
)
