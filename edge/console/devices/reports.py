"""What devices report, as steps of a transaction: each thing counts once, whenever it comes."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import Connection, Insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from edge.console.campaigns import hearing
from edge.console.desk import Caller
from edge.console.devices import services
from edge.console.filters import versions
from edge.console.store.tables import DEVICES, EVENTS, ORDERS
from edge_signing.messages import EventId, ReportEvent, Status

FINAL: Final = ("succeeded", "failed", "cancelled")
FELL_BACK: Final = "fell-back"
UNSTEADY: Final = "unsteady"
OPEN: Final = "open"
# Another order took its place; the device may still tell how it ended.
REPLACED: Final = "replaced"
# What an order to stay as it is has in place of the path of a release.
STAY: Final = ""
_NEVER_TAKEN: Final = "taken back before the device took it up"
_BOOTS_MOST: Final = 8


def take_status(connection: Connection, caller: Caller, status: Status, now_s: int) -> bool:
    """Store how a device is; whether it was news.

    A status is older than the stored one if it knows fewer orders, or comes from a start of the
    device that another one followed.
    """
    same = (DEVICES.c.tenant == caller.tenant, DEVICES.c.device == caller.device)
    columns = (
        *(DEVICES.c.boot_id, DEVICES.c.past_boots, DEVICES.c.seq),
        *(DEVICES.c.action, DEVICES.c.phase, DEVICES.c.services),
    )
    row = connection.execute(select(*columns).where(*same)).first()
    if row is None or _is_past(status.boot_id, row.boot_id, row.past_boots, status.seq, row.seq):
        return False
    key = versions.key(status.version)
    said = services.said(status.services)
    values: dict[str, Any] = {**asdict(status), "version_key": key, "status_at_s": now_s}
    values["services"] = said
    if row.boot_id not in ("", status.boot_id):
        past = [row.boot_id, *row.past_boots.split()]
        values["past_boots"] = " ".join(past[:_BOOTS_MOST])
    connection.execute(update(DEVICES).where(*same).values(values))
    if said != row.services:
        services.store(connection, caller.tenant, caller.device, status.services)
    has_started = row.boot_id != status.boot_id
    if has_started or hearing.is_news((row.action, row.phase), status):
        hearing.status(connection, caller, status, has_started=has_started, now_s=now_s)
    return True


def take_events(
    connection: Connection, caller: Caller, events: Sequence[ReportEvent], now_s: int
) -> list[EventId]:
    """Store events that are new, close the orders that they end, and return the names of all."""
    for one in events:
        values = {
            **one.object(),
            "tenant": caller.tenant,
            "device": caller.device,
            "received_at_s": now_s,
        }
        known = [EVENTS.c.tenant, EVENTS.c.device, EVENTS.c.boot_id, EVENTS.c.n]
        new = _new_only(connection, known).values(values).returning(EVENTS.c.number)
        is_new = connection.execute(new).first() is not None
        if is_new and one.kind in FINAL and one.action:
            _close(connection, caller, one, now_s)
            hearing.ended(connection, caller, one, now_s)
        elif is_new and one.kind == FELL_BACK:
            hearing.fell_back(connection, caller, one.reason, now_s)
        elif is_new and one.kind == UNSTEADY:
            hearing.unsteady(connection, caller, one, now_s)
    return [one.id for one in events]


def take_online(connection: Connection, caller: Caller, boot_id: str, *, is_online: bool) -> bool:
    """Store that a device is there or gone; the will of an earlier start changes nothing."""
    same = (DEVICES.c.tenant == caller.tenant, DEVICES.c.device == caller.device)
    row = connection.execute(select(DEVICES.c.past_boots).where(*same)).first()
    if row is None or boot_id in row.past_boots.split():
        return False
    connection.execute(update(DEVICES).where(*same).values(is_online=is_online))
    return True


def _is_past(boot_id: str, stored: str, past: str, seq: int, stored_seq: int) -> bool:
    if boot_id in past.split():
        return True
    # A device that lost its data begins with 0 again, in a new start.
    return boot_id == stored and seq < stored_seq


def _close(connection: Connection, caller: Caller, event: ReportEvent, now_s: int) -> None:
    order = (
        ORDERS.c.tenant == caller.tenant,
        ORDERS.c.device == caller.device,
        ORDERS.c.action == event.action,
        ORDERS.c.state.in_((OPEN, REPLACED)),
    )
    values = {"state": event.kind, "reason": event.reason, "closed_at_s": now_s}
    closed = update(ORDERS).where(*order).values(values).returning(ORDERS.c.release)
    if connection.scalar(closed) == STAY and event.kind == "succeeded":
        _close_taken_back(connection, caller, now_s)


def _close_taken_back(connection: Connection, caller: Caller, now_s: int) -> None:
    """Close what a device never took up: it tells of an order before it takes the next one."""
    orders = (
        ORDERS.c.tenant == caller.tenant,
        ORDERS.c.device == caller.device,
        ORDERS.c.state == REPLACED,
        ORDERS.c.cancel_asked_at_s > 0,
    )
    values = {"state": "cancelled", "reason": _NEVER_TAKEN, "closed_at_s": now_s}
    connection.execute(update(ORDERS).where(*orders).values(values))


def _new_only(connection: Connection, columns: Sequence[Any]) -> Insert:
    """Return an insertion that leaves a row alone that is there."""
    match connection.dialect.name:
        case "postgresql":
            return postgresql.insert(EVENTS).on_conflict_do_nothing(index_elements=columns)
        case _:
            return sqlite.insert(EVENTS).on_conflict_do_nothing(index_elements=columns)
