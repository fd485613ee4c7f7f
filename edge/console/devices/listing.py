"""What is known of devices, their orders and events, page by page."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Row,
    Table,
    and_,
    desc,
    exists,
    func,
    select,
)

from edge.console.devices import finding, services
from edge.console.devices.finding import Count, Meant, Place
from edge.console.devices.registry import unknown
from edge.console.devices.states import State
from edge.console.devices.ways import Part
from edge.console.store.campaign_tables import CAMPAIGN_DEVICES, CAMPAIGNS
from edge.console.store.ddi_tables import REPORTED
from edge.console.store.tables import ATTRIBUTES, DEVICES, EVENTS, MEMBERS, ORDERS, SIGHTINGS, TAGS
from edge.errors import InputError

# What devices are sorted by before their id.
_ORDERS: Final[dict[str, tuple[Any, ...]]] = {
    "id": (),
    "seen": (SIGHTINGS.c.last_seen_s,),
    "version": (DEVICES.c.version_key,),
}
_SEEN = (SIGHTINGS.c.first_seen_s, SIGHTINGS.c.last_seen_s, SIGHTINGS.c.via)


@dataclass(frozen=True, slots=True)
class Device:
    """A device with what is stored beside its row.

    Attributes:
        row: Its columns of `DEVICES` and `SIGHTINGS`.
        attributes: What people say of it.
        reported: What it says of itself.
        services: What runs of those that are updated in place.
    """

    row: Row[Any]
    tags: tuple[str, ...]
    groups: tuple[str, ...]
    attributes: dict[str, str]
    reported: dict[str, str]
    services: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """Some devices in an order.

    Attributes:
        total: How many are meant in all; None if it was not asked for and is not known.
    """

    devices: list[Device]
    total: Count | None


def devices(
    connection: Connection,
    tenant: str,
    *,
    where: Sequence[ColumnElement[bool]] = (),
    after: str = "",
    most: int,
    sort: str = "id",
) -> list[Device]:
    """Return devices in an order, those after one; see `page`."""
    meant = Meant(tenant, tuple(map(Part, where)))
    return page(connection, meant, after=after, most=most, sort=sort).devices


def page(
    connection: Connection,
    meant: Meant,
    *,
    after: str = "",
    most: int,
    sort: str = "id",
    count_most: int | None = None,
) -> Page:
    """Return devices in an order, those after one.

    Args:
        connection: To read from.
        meant: Which ones.
        after: `place` of the last device of the page before; empty for the first page.
        most: How many.
        sort: `id`, `seen` or `version`; with `-` before it the other way round.
        count_most: `most` of `finding.count`; None to count none.

    Raises:
        InputError: No page gave that place.
    """
    columns = _ORDERS[sort.lstrip("-")]
    values = _values(after, [*columns, DEVICES.c.device]) if after else ()
    begin = Place(columns, tuple(values), sort.startswith("-"))
    found = finding.page(connection, meant, begin, most, count_most=count_most)
    if not found.names:
        return Page([], found.total)
    asked = _asked(meant.tenant).where(DEVICES.c.device.in_(found.names))
    rows = {row.device: row for row in connection.execute(asked)}
    in_order = [rows[name] for name in found.names]
    return Page(_with_labels(connection, meant.tenant, in_order), found.total)


def place(device: Device, sort: str) -> str:
    """Return where a device is in an order, for the next page."""
    columns = _ORDERS[sort.lstrip("-")]
    if not columns:
        return str(device.row.device)
    return json.dumps([*(getattr(device.row, one.key) for one in columns), device.row.device])


def stands(state: State) -> ColumnElement[bool]:
    """Return what holds for rows of `DEVICES` that stand so."""
    return DEVICES.c.state == state


def has_tag(tag: str) -> ColumnElement[bool]:
    """Return what holds for rows of `DEVICES` with a tag."""
    same = (TAGS.c.tenant == DEVICES.c.tenant, TAGS.c.device == DEVICES.c.device)
    return exists().where(*same, TAGS.c.tag == tag)


def device(connection: Connection, tenant: str, name: str) -> Device:
    """Return one device.

    Raises:
        ThingNotFoundError: The tenant has none of that name.
    """
    rows = connection.execute(_asked(tenant).where(DEVICES.c.device == name)).all()
    if not rows:
        raise unknown(name)
    return _with_labels(connection, tenant, rows)[0]


def counts(
    connection: Connection, tenant: str, where: Sequence[ColumnElement[bool]] = ()
) -> dict[str, int]:
    """Return how many devices stand how."""
    asked = select(DEVICES.c.state, func.count()).where(DEVICES.c.tenant == tenant, *where)
    found = dict(connection.execute(asked.group_by(DEVICES.c.state)).tuples().all())
    return {state: found.get(state, 0) for state in State}


def orders(connection: Connection, tenant: str, device_name: str, most: int) -> list[Row[Any]]:
    """Return the orders of a device, newest first, with the campaigns that they are of."""
    of_campaign = and_(
        CAMPAIGN_DEVICES.c.tenant == ORDERS.c.tenant,
        CAMPAIGN_DEVICES.c.action == ORDERS.c.action,
        CAMPAIGN_DEVICES.c.device == ORDERS.c.device,
        # By which it is seen that the index of orders is enough.
        CAMPAIGN_DEVICES.c.action != "",
    )
    is_one = and_(
        CAMPAIGNS.c.tenant == CAMPAIGN_DEVICES.c.tenant,
        CAMPAIGNS.c.campaign == CAMPAIGN_DEVICES.c.campaign,
    )
    asked = (
        select(
            ORDERS,
            func.coalesce(CAMPAIGNS.c.campaign, "").label("campaign"),
            func.coalesce(CAMPAIGNS.c.name, "").label("campaign_name"),
        )
        .select_from(ORDERS.outerjoin(CAMPAIGN_DEVICES, of_campaign).outerjoin(CAMPAIGNS, is_one))
        .where(ORDERS.c.tenant == tenant, ORDERS.c.device == device_name)
    )
    # The number of an order is ahead of its word: as text it would not be in order.
    newest = (
        desc(ORDERS.c.created_at_s),
        desc(func.length(ORDERS.c.action)),
        desc(ORDERS.c.action),
    )
    return list(connection.execute(asked.order_by(*newest).limit(most)))


def events(
    connection: Connection,
    tenant: str,
    *,
    device_name: str = "",
    where: Sequence[ColumnElement[bool]] = (),
    after: int = 0,
    most: int,
) -> list[Row[Any]]:
    """Return events in the order in which they came, those after a number."""
    asked = select(EVENTS).where(EVENTS.c.tenant == tenant, EVENTS.c.number > after, *where)
    if device_name:
        asked = asked.where(EVENTS.c.device == device_name)
    return list(connection.execute(asked.order_by(EVENTS.c.number).limit(most)))


def _values(after: str, columns: Sequence[Any]) -> list[object]:
    if len(columns) == 1:
        return [after]
    try:
        found = json.loads(after)
    except ValueError:
        found = None
    kinds = [one.type.python_type for one in columns]
    if not isinstance(found, list) or [type(one) for one in found] != kinds:
        raise InputError(f"after: {after!r} is not what a page gave as next")
    return found


def _asked(tenant: str) -> Any:
    same = (SIGHTINGS.c.tenant == DEVICES.c.tenant) & (SIGHTINGS.c.device == DEVICES.c.device)
    return select(DEVICES, *_SEEN).join(SIGHTINGS, same).where(DEVICES.c.tenant == tenant)


def _with_labels(connection: Connection, tenant: str, rows: Sequence[Row[Any]]) -> list[Device]:
    names = [row.device for row in rows]
    tags = _by_device(connection, tenant, names, TAGS.c.tag)
    groups = _by_device(connection, tenant, names, MEMBERS.c.group)
    attributes, reported = (
        _pairs(connection, table, tenant, names) for table in (ATTRIBUTES, REPORTED)
    )
    telling = [row.device for row in rows if row.services]
    running = services.of_each(connection, tenant, telling) if telling else {}
    return [
        Device(
            row,
            tuple(tags[row.device]),
            tuple(groups[row.device]),
            attributes[row.device],
            reported[row.device],
            running.get(row.device, {}),
        )
        for row in rows
    ]


def _pairs(
    connection: Connection, table: Table, tenant: str, names: Sequence[str]
) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {name: {} for name in names}
    asked = select(table).where(table.c.tenant == tenant, table.c.device.in_(names))
    for row in connection.execute(asked.order_by(table.c.name)):
        found[row.device][row.name] = row.value
    return found


def _by_device(
    connection: Connection, tenant: str, names: Sequence[str], column: Column[str]
) -> dict[str, list[str]]:
    """Return the values of a column of a table of labels for each device, in order."""
    found: dict[str, list[str]] = {name: [] for name in names}
    table = column.table
    asked = select(table.c.device, column).where(
        table.c.tenant == tenant, table.c.device.in_(names)
    )
    for device_name, value in connection.execute(asked.order_by(column)).tuples():
        found[device_name].append(value)
    return found
