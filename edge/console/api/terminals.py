"""Endpoints about terminals: ask for one, carry its frames, and look at records.

Frames are sealed between person and device: here they are bytes that nobody can read or make.
"""

import base64
from typing import Any, Final

from sqlalchemy import Connection, Row

from edge.console.api.endpoint import Call, Endpoint
from edge.console.api.terminal_views import (
    FramesBody,
    FramesQuery,
    ParcelsView,
    ParcelView,
    RecordQuery,
    RecordView,
    TerminalBody,
    TerminalsQuery,
    TerminalsView,
    TerminalView,
)
from edge.console.terminal import records
from edge.console.tokens import Scope
from edge.errors import InputError
from edge_signing.errors import FormatError
from edge_signing.terminal.grant import SignedGrant
from edge_signing.terminal.parcels import Kind, Parcel

_MANY: Final = "/devices/{device}/terminals"
_ONE: Final = f"{_MANY}/{{session}}"


async def open_(call: Call) -> TerminalView:
    """Ask a device for a session."""
    body, device = call.body_as(TerminalBody), call.part("device")
    packed = body.grant.encode()
    try:
        named = SignedGrant.unpack(packed).grant.device
    except FormatError as error:
        raise InputError(f"body.grant: {error}") from error
    if named != device:
        raise InputError(f"body.grant: for the device {named!r}")
    session = await call.office.terminals.open(call.actor, packed, body.checked_by)
    return _shown(await _row(call, session))


async def list_(call: Call) -> TerminalsView:
    """List the sessions of a device."""
    tenant, device, most = call.actor.tenant, call.part("device"), call.query_as(TerminalsQuery)
    rows = await call.office.database.read(
        lambda one: records.list_(one, tenant, device, most=most.limit)
    )
    return TerminalsView(terminals=[_shown(row) for row in rows])


async def show(call: Call) -> TerminalView:
    """Show a session."""
    return _shown(await _row(call, call.part("session")))


async def record(call: Call) -> RecordView:
    """Give a part of a record."""
    query, tenant = call.query_as(RecordQuery), call.actor.tenant
    device, session = call.part("device"), call.part("session")

    def read(one: Connection) -> RecordView:
        row = records.get(one, tenant, device, session)
        found = records.chunks(one, tenant, session, after=query.after, most=query.limit)
        is_more = bool(found) and found[-1].number + 1 < row.chunks
        return RecordView(
            grant=bytes(row.grant_bytes).decode(),
            answer=bytes(row.answer or b"").decode(),
            closing=bytes(row.closing or b"").decode(),
            chunks=[bytes(each.content).decode(errors="replace") for each in found],
            next=found[-1].number if is_more else None,
        )

    return await call.office.database.read(read)


async def type_(call: Call) -> None:
    """Carry frames to the device."""
    body, session = call.body_as(FramesBody), call.part("session")
    try:
        frames = [
            Parcel(session, body.n + at, Kind.FRAME, base64.b64decode(one, validate=True))
            for at, one in enumerate(body.frames)
        ]
        call.office.terminals.type(call.actor, call.part("device"), session, frames)
    except (ValueError, FormatError) as error:
        raise InputError(f"body.frames: {error}") from error


async def shown(call: Call) -> ParcelsView:
    """Give what there is for the person."""
    query = call.query_as(FramesQuery)
    found = await call.office.terminals.shown(
        call.actor,
        call.part("device"),
        call.part("session"),
        after=query.after,
        wait_s=query.wait_s,
    )
    parcels = [
        ParcelView(n=one.n, kind=one.kind, content=base64.b64encode(one.content).decode())
        for one in found
    ]
    return ParcelsView(parcels=parcels)


async def end(call: Call) -> None:
    """End a session."""
    await call.office.terminals.hang_up(call.actor, call.part("device"), call.part("session"))


async def _row(call: Call, session: str) -> Row[Any]:
    tenant, device = call.actor.tenant, call.part("device")
    return await call.office.database.read(lambda one: records.get(one, tenant, device, session))


def _shown(row: Row[Any]) -> TerminalView:
    return TerminalView(**{name: getattr(row, name) for name in TerminalView.model_fields})


ENDPOINTS = (
    Endpoint(
        "POST",
        _MANY,
        Scope.TERMINAL,
        "Ask a device for a terminal, by a grant that support keys have signed",
        open_,
        TerminalView,
        body=TerminalBody,
    ),
    Endpoint(
        "GET",
        _MANY,
        Scope.TERMINAL,
        "List the terminals of a device",
        list_,
        TerminalsView,
        query=TerminalsQuery,
    ),
    Endpoint("GET", _ONE, Scope.TERMINAL, "Show a terminal", show, TerminalView),
    Endpoint("DELETE", _ONE, Scope.TERMINAL, "End a terminal", end),
    Endpoint(
        "GET",
        f"{_ONE}/record",
        Scope.TERMINAL,
        "Give a part of the record of a terminal",
        record,
        RecordView,
        query=RecordQuery,
        tells_secret=True,
    ),
    Endpoint(
        "POST",
        f"{_ONE}/frames",
        Scope.TERMINAL,
        "Carry sealed frames of the person to the device",
        type_,
        body=FramesBody,
    ),
    Endpoint(
        "GET",
        f"{_ONE}/frames",
        Scope.TERMINAL,
        "Give what the device has for the person; waits for it",
        shown,
        ParcelsView,
        query=FramesQuery,
    ),
)
