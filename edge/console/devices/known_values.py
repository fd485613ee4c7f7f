"""The values that occur in a fleet, for completing filters."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, select

from edge.console.filters.fields import ATTRIBUTE
from edge.console.store.factory_tables import RECORDS
from edge.console.store.service_tables import DEVICE_SERVICES
from edge.console.store.tables import ATTRIBUTES, DEVICES, GROUPS, MEMBERS, TAGS

MOST: Final = 20
_OF_DEVICE: Final = {
    "id": DEVICES.c.device,
    "board": DEVICES.c.board,
    "product": DEVICES.c.product,
    "version": DEVICES.c.version,
    "phase": DEVICES.c.phase,
    "reason": DEVICES.c.reason,
}
_BESIDE: Final = {
    ATTRIBUTE.name: (ATTRIBUTES, ATTRIBUTES.c.name),
    "tag": (TAGS, TAGS.c.tag),
    "service": (DEVICE_SERVICES, DEVICE_SERVICES.c.service),
    **{name: (RECORDS, RECORDS.c[name]) for name in ("line", "station", "order")},
}


def of(
    connection: Connection,
    tenant: str,
    field: str,
    begun: str,
    where: Sequence[ColumnElement[bool]] = (),
) -> list[str]:
    """Return values of a field that begin in a way, of devices that meet some conditions.

    Args:
        connection: To read from.
        tenant: Whose devices.
        field: Its name, `attr` for names of attributes.
        begun: What they begin with.
        where: Conditions on rows of `DEVICES`.
    """
    if field in _OF_DEVICE:
        column = _OF_DEVICE[field]
        asked = select(column).where(DEVICES.c.tenant == tenant, *where)
    elif field in _BESIDE:
        table, column = _BESIDE[field]
        asked = _beside(table, column, tenant, where)
    elif field == "group":
        column = GROUPS.c.group
        asked = select(column).where(GROUPS.c.tenant == tenant)
        if where:
            column = MEMBERS.c.group
            asked = _beside(MEMBERS, column, tenant, where)
    else:
        return []
    chosen = (
        asked.where(column != "", column.istartswith(begun, autoescape=True))
        .distinct()
        .order_by(column)
    )
    return list(connection.scalars(chosen.limit(MOST)))


def _beside(table: Any, column: Any, tenant: str, where: Sequence[ColumnElement[bool]]) -> Any:
    asked = select(column).where(table.c.tenant == tenant)
    if not where:
        return asked
    same = (DEVICES.c.tenant == table.c.tenant, DEVICES.c.device == table.c.device)
    return asked.where(select(DEVICES.c.device).where(*same, *where).exists())
