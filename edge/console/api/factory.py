"""Endpoints of factory lines: what stations tell, and what people look at."""

from typing import Any

from sqlalchemy import Connection

from edge.console.api.endpoint import Call, Endpoint
from edge.console.api.factory_views import (
    DayView,
    FactoryQuery,
    FactoryView,
    LackingBody,
    LackingView,
    MadeRecordView,
    MadeView,
    OutcomesView,
    OutcomeView,
    QuarantineView,
    RecordsBody,
    StationView,
)
from edge.console.devices import quarantine, registry
from edge.console.devices.quarantine import Quarantined
from edge.console.factory import receiving, records
from edge.console.factory.outcome import Outcome
from edge.console.factory.records import DAY_S, Record
from edge.console.tokens import Scope
from edge.errors import InputError
from edge.factory.made import Made
from edge_signing.errors import FormatError

_QUARANTINE_MOST = 500
_CONFLICTS_MOST = 100


async def take(call: Call) -> OutcomesView:
    """Take records of devices that a station has made."""
    sent = call.body_as(RecordsBody).records
    answers: list[OutcomeView | None] = []
    made: list[Made] = []
    for number, one in enumerate(sent):
        try:
            made.append(Made.from_json(one, f"records[{number}]"))
            answers.append(None)
        except FormatError as error:
            answers.append(OutcomeView(device="", outcome=Outcome.REFUSED, problem=str(error)))
    taken = await receiving.take(call.office, call.actor, made)
    views = (
        OutcomeView(device=one.device, outcome=done.outcome, problem=done.problem)
        for one, done in zip(made, taken, strict=True)
    )
    return OutcomesView(outcomes=[one or next(views) for one in answers])


async def lack(call: Call) -> LackingView:
    """Tell a station which of its records are not here."""
    body = call.body_as(LackingBody)
    found = await receiving.lacking(call.office, call.actor, body.line, body.station, body.contents)
    return LackingView(contents=found)


async def show(call: Call) -> FactoryView:
    """Tell of lines, stations, what they made, and what somebody has to look at."""
    tenant = call.actor.tenant
    since_s = call.actor.now_s - call.query_as(FactoryQuery).days * DAY_S

    def read(one: Connection) -> FactoryView:
        return FactoryView(
            stations=[
                StationView(
                    line=each.line,
                    station=each.station,
                    good=each.good,
                    scrapped=each.scrapped,
                    conflicts=each.conflicts,
                    last_made_at_s=each.last_made_at_s,
                    last_sync_s=each.last_sync_s,
                )
                for each in records.stations(one, tenant)
            ],
            days=[
                DayView(begins_at_s=at_s, line=line, devices=devices)
                for at_s, line, devices in records.days(one, tenant, since_s)
            ],
            quarantine=[
                _quarantine(each) for each in quarantine.of(one, tenant)[:_QUARANTINE_MOST]
            ],
            conflicts=[_record(each) for each in records.conflicts(one, tenant, _CONFLICTS_MOST)],
        )

    return await call.office.database.read(read)


async def dismiss(call: Call) -> None:
    """Show a record no longer that conflicts with others."""
    text = call.part("record")
    if not text.isascii() or not text.isdigit() or len(text) > len(str(1 << 62)):
        raise InputError(f"{text!r} is no number of a record")
    await receiving.dismiss(call.office, call.actor, int(text))


async def made(call: Call) -> MadeView:
    """Tell what lines told of a device."""
    tenant, device = call.actor.tenant, call.part("device")

    def read(one: Connection) -> MadeView:
        registry.get(one, tenant, device)
        found = quarantine.of(one, tenant, device)
        return MadeView(
            records=[_record(each) for each in records.of_device(one, tenant, device)],
            quarantine=_quarantine(found[0]) if found else None,
        )

    return await call.office.database.read(read)


def _quarantine(found: Quarantined) -> QuarantineView:
    return QuarantineView(
        device=found.device, reason=found.reason, since_s=found.since_s, details=found.details
    )


def _record(found: Record) -> MadeRecordView:
    facts: dict[str, Any] = {**found.facts, "device": found.device}
    return MadeRecordView(
        id=found.id,
        standing=found.standing,
        problem=found.problem,
        received_at_s=found.received_at_s,
        certificate=found.fingerprint,
        **facts,
    )


_READ, _WRITE, _FACTORY = Scope.DEVICES_READ, Scope.DEVICES_WRITE, Scope.FACTORY_WRITE
ENDPOINTS = (
    Endpoint(
        "POST",
        "/factory/records",
        _FACTORY,
        "Take records of devices that a station has made",
        take,
        OutcomesView,
        body=RecordsBody,
    ),
    Endpoint(
        "POST",
        "/factory/lacking",
        _FACTORY,
        "Tell a station which of its records are not here",
        lack,
        LackingView,
        body=LackingBody,
    ),
    Endpoint(
        "GET",
        "/factory",
        _READ,
        "Tell of lines, stations, and what they made",
        show,
        FactoryView,
        query=FactoryQuery,
    ),
    Endpoint(
        "DELETE",
        "/factory/conflicts/{record}",
        _WRITE,
        "Show a record no longer that conflicts with others",
        dismiss,
    ),
    Endpoint(
        "GET", "/devices/{device}/made", _READ, "Tell what lines told of a device", made, MadeView
    ),
)
