"""What happened to a device, in one stream: what it told, what was ordered, who did what."""

from dataclasses import dataclass, field

from sqlalchemy import Connection, desc, select

from edge.console.chain import Details
from edge.console.devices import listing
from edge.console.store.tables import AUDIT, EVENTS
from edge_signing import canonical


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that happened.

    Attributes:
        at_s: When the console heard of it, seconds since 1970.
        source: `event`, `order` or `audit`.
        what: The kind of event, how an order stands, or the act.
        who: Who acted; empty for the device.
    """

    at_s: int
    source: str
    what: str
    action: str = ""
    version: str = ""
    reason: str = ""
    who: str = ""
    details: Details = field(default_factory=dict)


def of_device(
    connection: Connection, tenant: str, device: str, *, most: int, with_audit: bool
) -> list[Item]:
    """Return what happened to a device last, newest first.

    Args:
        connection: To read from.
        tenant: Whose it is.
        device: Its id.
        most: How many things.
        with_audit: Who did what to it is told too.
    """
    found = [*_events(connection, tenant, device, most), *_orders(connection, tenant, device, most)]
    if with_audit:
        found += _acts(connection, tenant, device, most)
    return sorted(found, key=lambda one: one.at_s, reverse=True)[:most]


def _events(connection: Connection, tenant: str, device: str, most: int) -> list[Item]:
    asked = select(EVENTS).where(EVENTS.c.tenant == tenant, EVENTS.c.device == device)
    rows = connection.execute(asked.order_by(desc(EVENTS.c.number)).limit(most))
    return [
        Item(row.received_at_s, "event", row.kind, row.action, row.version, row.reason)
        for row in rows
    ]


def _orders(connection: Connection, tenant: str, device: str, most: int) -> list[Item]:
    """Return the ends that are no events: an order took the place of another one."""
    return [
        Item(row.closed_at_s, "order", row.state, row.action, row.version)
        for row in listing.orders(connection, tenant, device, most)
        if row.state == "replaced"
    ]


def _acts(connection: Connection, tenant: str, device: str, most: int) -> list[Item]:
    same = (AUDIT.c.tenant == tenant, AUDIT.c.subject == f"device:{device}")
    rows = connection.execute(select(AUDIT).where(*same).order_by(desc(AUDIT.c.number)).limit(most))
    found = []
    for row in rows:
        details = canonical.decode(row.details.encode())
        assert isinstance(details, dict)
        action = str(details.get("action", ""))
        found.append(
            Item(row.at_s, "audit", row.act, action=action, who=row.actor, details=details)
        )
    return found
