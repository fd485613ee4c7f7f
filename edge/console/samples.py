"""How many devices ran which version when: a sample when it has changed, and once an hour."""

from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, select

from edge.console import kinds, overview
from edge.console.store.overview_tables import SAMPLES

APART_S: Final = 300
LONGEST_S: Final = 3_600
KEPT_S: Final = 90 * 86_400


def is_due(connection: Connection, tenant: str, now_s: int) -> bool:
    """Whether it is time for a sample of a tenant; for a reader, so that most need no writing."""
    at_s = _newest(connection, tenant)
    if now_s - at_s < APART_S:
        return False
    return now_s - at_s >= LONGEST_S or _at(connection, tenant, at_s) != _now(connection, tenant)


def take(connection: Connection, tenant: str, now_s: int) -> None:
    """Store how many accepted devices run which version, and forget what is too old."""
    if not is_due(connection, tenant, now_s):
        return
    rows = [
        {"tenant": tenant, "at_s": now_s, "product": product, "version": version, "devices": count}
        for (product, version), count in _now(connection, tenant).items()
    ]
    # Without a device there is nothing to store.
    if rows:
        connection.execute(insert(SAMPLES), rows)
    old = (SAMPLES.c.tenant == tenant, SAMPLES.c.at_s < now_s - KEPT_S)
    connection.execute(delete(SAMPLES).where(*old))


def since(connection: Connection, tenant: str, from_s: int) -> list[Row[Any]]:
    """Return the samples since a time, in order."""
    asked = select(SAMPLES).where(SAMPLES.c.tenant == tenant, SAMPLES.c.at_s >= from_s)
    order = (SAMPLES.c.at_s, SAMPLES.c.product, SAMPLES.c.version)
    return list(connection.execute(asked.order_by(*order)))


def _newest(connection: Connection, tenant: str) -> int:
    found = connection.scalar(select(func.max(SAMPLES.c.at_s)).where(SAMPLES.c.tenant == tenant))
    return int(found or 0)


def _at(connection: Connection, tenant: str, at_s: int) -> dict[tuple[str, str], int]:
    asked = select(SAMPLES).where(SAMPLES.c.tenant == tenant, SAMPLES.c.at_s == at_s)
    return {(row.product, row.version): row.devices for row in connection.execute(asked)}


def _now(connection: Connection, tenant: str) -> dict[tuple[str, str], int]:
    found = kinds.versions(kinds.of(connection, tenant), overview.VERSIONS_MOST)
    return {(row.product, row.version): row.devices for row in found}
