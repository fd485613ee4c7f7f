"""What happened to a device, in one stream: what it told, what was ordered, who did what.

The stream has one order, newest first, in which each thing has its place for good: a page begins
behind a place, whatever has come meanwhile.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, desc, or_, select

from edge.console.chain import Details
from edge.console.store.factory_tables import RECORDS
from edge.console.store.tables import AUDIT, EVENTS, ORDERS
from edge.errors import InputError
from edge_signing import canonical

# What happened in the same second: events come before orders, those before acts, and what a line
# of the factory told is the beginning.
_SOURCES: Final = ("made", "audit", "order", "event")
_PLACE: Final = re.compile(
    r"([0-9]{1,15})\.(?:(made|audit|event)\.([0-9]{1,18})|(order)\.([!-~]{1,200}))"
)


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a thing in the stream.

    Attributes:
        at_s: When the console heard of it.
        source: What it is of.
        key: What tells it from others of that second and source: a number, or the word of an order.
    """

    at_s: int
    source: str
    key: int | str

    @classmethod
    def of(cls, text: str) -> "Place":
        """Return the place that a text names.

        Raises:
            InputError: It names none.
        """
        found = _PLACE.fullmatch(text)
        if not found:
            raise InputError(f"{text!r} is no place in a history", hint="take `next` of a page")
        at_s, source, number, order, word = found.groups()
        return cls(int(at_s), source or order, int(number) if number else word)

    def __str__(self) -> str:
        return f"{self.at_s}.{self.source}.{self.key}"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that happened.

    Attributes:
        at_s: When the console heard of it, seconds since 1970; what a line made, when it did.
        source: `event`, `order`, `audit` or `made`.
        what: The kind of event, how an order stands, or the act.
        who: Who acted; empty for the device.
        place: Its place in the stream.
    """

    at_s: int
    source: str
    what: str
    action: str = ""
    version: str = ""
    reason: str = ""
    who: str = ""
    details: Details = field(default_factory=dict)
    place: str = ""


def of_device(
    connection: Connection,
    tenant: str,
    device: str,
    *,
    most: int,
    with_audit: bool,
    after: Place | None = None,
) -> list[Item]:
    """Return what happened to a device, newest first.

    Args:
        connection: To read from.
        tenant: Whose it is.
        device: Its id.
        most: How many things.
        with_audit: Who did what to it is told too.
        after: Only what is older than the thing at this place; None for the newest.
    """
    found = [*_events(connection, tenant, device, most, after)]
    found += _orders(connection, tenant, device, most, after)
    found += _made(connection, tenant, device, most, after)
    if with_audit:
        found += _acts(connection, tenant, device, most, after)
    # Of each source they are in order: sorting keeps those of one second as they are.
    return sorted(found, key=lambda one: one.at_s, reverse=True)[:most]


def _events(
    connection: Connection, tenant: str, device: str, most: int, after: Place | None
) -> list[Item]:
    asked = select(EVENTS).where(EVENTS.c.tenant == tenant, EVENTS.c.device == device)
    order = EVENTS.c.received_at_s, EVENTS.c.number
    return [
        Item(
            row.received_at_s,
            "event",
            row.kind,
            row.action,
            row.version,
            row.reason,
            place=str(Place(row.received_at_s, "event", row.number)),
        )
        for row in connection.execute(_newest(asked, "event", order, most, after))
    ]


def _orders(
    connection: Connection, tenant: str, device: str, most: int, after: Place | None
) -> list[Item]:
    """Return the ends that are no events: an order took the place of another one."""
    asked = select(ORDERS).where(
        ORDERS.c.tenant == tenant, ORDERS.c.device == device, ORDERS.c.state == "replaced"
    )
    order = ORDERS.c.closed_at_s, ORDERS.c.action
    return [
        Item(
            row.closed_at_s,
            "order",
            row.state,
            row.action,
            row.version,
            place=str(Place(row.closed_at_s, "order", row.action)),
        )
        for row in connection.execute(_newest(asked, "order", order, most, after))
    ]


def _made(
    connection: Connection, tenant: str, device: str, most: int, after: Place | None
) -> list[Item]:
    """Return what factory lines told of the device; not what conflicts with that."""
    asked = select(RECORDS).where(
        RECORDS.c.tenant == tenant,
        RECORDS.c.device == device,
        RECORDS.c.standing.in_(("newest", "past")),
    )
    order = RECORDS.c.made_at_s, RECORDS.c.id
    return [
        Item(
            row.made_at_s,
            "made",
            "made" if row.fate == "good" else row.fate,
            version=row.release,
            who=f"station:{row.line}/{row.station}",
            details={"board_serial": row.board_serial, "order": row.order},
            place=str(Place(row.made_at_s, "made", row.id)),
        )
        for row in connection.execute(_newest(asked, "made", order, most, after))
    ]


def _acts(
    connection: Connection, tenant: str, device: str, most: int, after: Place | None
) -> list[Item]:
    asked = select(AUDIT).where(AUDIT.c.tenant == tenant, AUDIT.c.subject == f"device:{device}")
    order = AUDIT.c.at_s, AUDIT.c.number
    found = []
    for row in connection.execute(_newest(asked, "audit", order, most, after)):
        details = canonical.decode(row.details.encode())
        assert isinstance(details, dict)
        found.append(
            Item(
                row.at_s,
                "audit",
                row.act,
                action=str(details.get("action", "")),
                who=row.actor,
                details=details,
                place=str(Place(row.at_s, "audit", row.number)),
            )
        )
    return found


def _newest(
    asked: Select[Any],
    source: str,
    order: tuple[ColumnElement[int], ColumnElement[Any]],
    most: int,
    after: Place | None,
) -> Select[Any]:
    """Return the question for the newest things of a source that are behind a place."""
    at_s, key = order
    if after is not None:
        asked = asked.where(_behind(after, source, at_s, key))
    return asked.order_by(desc(at_s), desc(key)).limit(most)


def _behind(
    after: Place, source: str, at_s: ColumnElement[int], key: ColumnElement[Any]
) -> ColumnElement[bool]:
    before, own = _SOURCES.index(source), _SOURCES.index(after.source)
    if before > own:
        return at_s < after.at_s
    if before < own:
        return at_s <= after.at_s
    return or_(at_s < after.at_s, and_(at_s == after.at_s, key < after.key))
