"""How the fleet of a tenant stands, in figures that the database adds up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    case,
    desc,
    exists,
    func,
    select,
)

from edge.console.devices.registry import State
from edge.console.devices.reports import FINAL, OPEN
from edge.console.store.tables import DEVICES, ORDERS, SIGHTINGS

Where = Sequence[ColumnElement[bool]]

SHOWN_MOST: Final = 8
VERSIONS_MOST: Final = 12
# What people call "online", for a device that polls too: it was heard within this time.
NOW_S: Final = 300
SILENT_S: Final = 86_400
PAST_S: Final = 7 * 86_400
# Heard within so many seconds, each without those before.
_AGES: Final = (NOW_S, 3_600, 86_400, 7 * 86_400)

_SEEN: Final = and_(SIGHTINGS.c.tenant == DEVICES.c.tenant, SIGHTINGS.c.device == DEVICES.c.device)
_ACCEPTED: Final = DEVICES.c.state == State.ACCEPTED
_OTHERS: Final = [one for one in State if one is not State.ACCEPTED]


@dataclass(frozen=True, slots=True)
class Some:
    """The first of some devices, and how many there are in all."""

    total: int
    rows: list[Row[Any]]


@dataclass(frozen=True, slots=True)
class Overview:
    """How a fleet stands.

    Attributes:
        states: How many devices stand how.
        connected: Accepted devices that are connected by MQTT.
        heard: Accepted devices heard within `_AGES`, then longer ago, then never.
        versions: Product, version and number of accepted devices, most first.
        outcomes: Orders that ended within `PAST_S`, by how.
        reasons: Why orders failed within that time, and how often.
        under_way: Orders that are open, newest first.
        pending: Devices that wait, in the order of their ids.
        failed: Accepted devices whose newest order failed, newest first.
        silent: Accepted devices not heard for `SILENT_S`, the longest first.
    """

    states: dict[str, int]
    connected: int
    heard: list[int]
    versions: list[Row[Any]]
    outcomes: dict[str, int]
    reasons: list[Row[Any]]
    under_way: Some
    pending: Some
    failed: Some
    silent: Some


def of(connection: Connection, tenant: str, now_s: int, where: Where = ()) -> Overview:
    """Return how the devices of a tenant stand that meet some conditions.

    Args:
        connection: To read from.
        tenant: Whose.
        now_s: The time, seconds since 1970.
        where: Conditions on rows of `DEVICES`.
    """
    meant = (DEVICES.c.tenant == tenant, *where)
    counted = select(DEVICES.c.state, func.count()).where(*meant).group_by(DEVICES.c.state)
    states = dict(connection.execute(counted).tuples().all())
    online = select(func.count()).where(*meant, _ACCEPTED, DEVICES.c.is_online)
    return Overview(
        states={state: states.get(state, 0) for state in State},
        connected=connection.scalar(online) or 0,
        heard=_heard(connection, tenant, where, now_s),
        versions=versions(connection, meant, VERSIONS_MOST),
        outcomes=_outcomes(connection, tenant, now_s, where),
        reasons=_reasons(connection, tenant, now_s, where),
        under_way=_under_way(connection, tenant, where),
        pending=_pending(connection, meant),
        failed=_failed(connection, tenant, where),
        silent=_silent(connection, meant, now_s),
    )


def versions(connection: Connection, meant: Where, most: int) -> list[Row[Any]]:
    """Return product, version and number of accepted devices, most first."""
    what = (DEVICES.c.product, DEVICES.c.version)
    asked = select(*what, func.count().label("devices")).where(*meant, _ACCEPTED).group_by(*what)
    return list(connection.execute(asked.order_by(desc("devices"), *what).limit(most)))


def _heard(connection: Connection, tenant: str, where: Where, now_s: int) -> list[int]:
    meant = (DEVICES.c.tenant == tenant, *where)
    age = _age(now_s)
    joined = select(age, func.count()).select_from(DEVICES.join(SIGHTINGS, _SEEN)).where(*meant)
    if where:
        return _ages(connection, joined.where(_ACCEPTED).group_by("age"))
    # Nearly all are accepted: counted without a look at each device, less the others.
    seen = select(age, func.count()).where(SIGHTINGS.c.tenant == tenant)
    every = _ages(connection, seen.group_by("age"))
    others = _ages(connection, joined.where(DEVICES.c.state.in_(_OTHERS)).group_by("age"))
    return [count - less for count, less in zip(every, others, strict=True)]


def _age(now_s: int) -> ColumnElement[int]:
    at_s = SIGHTINGS.c.last_seen_s
    cases = [(at_s >= now_s - age, number) for number, age in enumerate(_AGES)]
    return case(*cases, (at_s == 0, len(_AGES) + 1), else_=len(_AGES)).label("age")


def _ages(connection: Connection, asked: Select[Any]) -> list[int]:
    found = dict(connection.execute(asked).tuples().all())
    return [found.get(number, 0) for number in range(len(_AGES) + 2)]


def _orders(tenant: str, where: Where, *columns: Any) -> Select[Any]:
    same = and_(ORDERS.c.tenant == DEVICES.c.tenant, ORDERS.c.device == DEVICES.c.device)
    asked: Select[Any] = select(*columns).where(ORDERS.c.tenant == tenant)
    # All orders are of devices of the tenant: without conditions nothing is to be joined.
    return asked.select_from(ORDERS.join(DEVICES, same)).where(*where) if where else asked


def _outcomes(connection: Connection, tenant: str, now_s: int, where: Where) -> dict[str, int]:
    asked = _orders(tenant, where, ORDERS.c.state, func.count())
    ended = (ORDERS.c.state.in_(FINAL), ORDERS.c.closed_at_s >= now_s - PAST_S)
    rows = connection.execute(asked.where(*ended).group_by(ORDERS.c.state)).tuples()
    found = {str(state): int(count) for state, count in rows}
    return {state: found.get(state, 0) for state in FINAL}


def _reasons(connection: Connection, tenant: str, now_s: int, where: Where) -> list[Row[Any]]:
    asked = _orders(tenant, where, ORDERS.c.reason, func.count().label("orders"))
    failed = (ORDERS.c.state == "failed", ORDERS.c.closed_at_s >= now_s - PAST_S)
    by_reason = asked.where(*failed).group_by(ORDERS.c.reason)
    ordered = by_reason.order_by(desc("orders"), ORDERS.c.reason)
    return list(connection.execute(ordered.limit(SHOWN_MOST)))


def _under_way(connection: Connection, tenant: str, where: Where) -> Some:
    is_open = ORDERS.c.state == OPEN
    total = connection.scalar(_orders(tenant, where, func.count()).where(is_open))
    same = and_(ORDERS.c.tenant == DEVICES.c.tenant, ORDERS.c.device == DEVICES.c.device)
    columns = (
        ORDERS.c.device,
        ORDERS.c.action,
        ORDERS.c.version.label("wanted"),
        ORDERS.c.created_at_s,
        DEVICES.c.version,
        DEVICES.c.phase,
        DEVICES.c.action.label("at_work_on"),
        DEVICES.c.done_bytes,
        DEVICES.c.planned_bytes,
    )
    asked = select(*columns).select_from(ORDERS.join(DEVICES, same))
    rows = asked.where(ORDERS.c.tenant == tenant, is_open, *where)
    newest = rows.order_by(desc(ORDERS.c.created_at_s), ORDERS.c.device).limit(SHOWN_MOST)
    return Some(total or 0, list(connection.execute(newest)))


def _pending(connection: Connection, meant: Where) -> Some:
    columns = (
        DEVICES.c.device,
        DEVICES.c.fingerprint,
        DEVICES.c.created_at_s,
        SIGHTINGS.c.last_seen_s,
    )
    asked = select(*columns).select_from(DEVICES.join(SIGHTINGS, _SEEN))
    waiting = asked.where(*meant, DEVICES.c.state == State.PENDING)
    return _some(connection, waiting, lambda one: one.order_by(DEVICES.c.device))


def _failed(connection: Connection, tenant: str, where: Where) -> Some:
    # From the orders that failed to their devices, which are many more.
    is_newest = exists().where(
        DEVICES.c.tenant == ORDERS.c.tenant,
        DEVICES.c.device == ORDERS.c.device,
        DEVICES.c.desired_action == ORDERS.c.action,
        _ACCEPTED,
        *where,
    )
    columns = (ORDERS.c.device, ORDERS.c.version, ORDERS.c.reason, ORDERS.c.closed_at_s)
    failed = (ORDERS.c.tenant == tenant, ORDERS.c.state == "failed", is_newest)
    newest = (desc(ORDERS.c.closed_at_s), ORDERS.c.device)
    return _some(connection, select(*columns).where(*failed), lambda one: one.order_by(*newest))


def _silent(connection: Connection, meant: Where, now_s: int) -> Some:
    asked = select(DEVICES.c.device, DEVICES.c.version, SIGHTINGS.c.last_seen_s).select_from(
        DEVICES.join(SIGHTINGS, _SEEN)
    )
    at_s = SIGHTINGS.c.last_seen_s
    silent = asked.where(*meant, _ACCEPTED, at_s > 0, at_s < now_s - SILENT_S)
    return _some(connection, silent, lambda one: one.order_by(at_s, DEVICES.c.device))


def _some(
    connection: Connection, asked: Select[Any], ordered: Callable[[Select[Any]], Select[Any]]
) -> Some:
    total = connection.scalar(asked.with_only_columns(func.count())) or 0
    rows = list(connection.execute(ordered(asked).limit(SHOWN_MOST))) if total else []
    return Some(total, rows)
