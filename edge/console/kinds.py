"""How many devices of a tenant are alike: state, product, version, connected or not.

For a whole fleet the index is not read from end to end: each kind is found behind the one before,
and then counted, which takes a third of the time. Too many kinds are grouped by the database.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, func, literal, select

from edge.console.devices import ways
from edge.console.devices.states import State
from edge.console.store.tables import DEVICES

# More than these are grouped.
FOUND_MOST: Final = 200
_COLUMNS: Final[tuple[Any, ...]] = (
    DEVICES.c.state,
    DEVICES.c.product,
    DEVICES.c.version,
    DEVICES.c.is_online,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """Devices that are alike.

    Attributes:
        devices: How many.
    """

    state: str
    product: str
    version: str
    is_online: bool
    devices: int


@dataclass(frozen=True, slots=True)
class VersionCount:
    """How many accepted devices run a version of a product."""

    product: str
    version: str
    devices: int


def of(connection: Connection, tenant: str, groups: Iterable[str] | None = None) -> list[Kind]:
    """Return the kinds of the devices of a tenant, or of the members of some groups."""
    if groups is not None:
        return _grouped(connection, tenant, groups)
    found: list[Kind] = []
    while len(found) < FOUND_MOST:
        kind = _following(connection, tenant, found[-1] if found else None)
        if kind is None:
            return found
        found.append(kind)
    return _grouped(connection, tenant, None)


def versions(kinds: Sequence[Kind], most: int) -> list[VersionCount]:
    """Return how many accepted devices run which version, most first."""
    counts: Counter[tuple[str, str]] = Counter()
    for one in kinds:
        if one.state == State.ACCEPTED:
            counts[one.product, one.version] += one.devices
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return [VersionCount(*what, devices) for what, devices in ordered[:most]]


def _following(connection: Connection, tenant: str, last: Kind | None) -> Kind | None:
    row = _next(connection, tenant, last)
    if row is None:
        return None
    same = (_is(column, value) for column, value in zip(_COLUMNS, row, strict=True))
    counted = select(func.count()).where(DEVICES.c.tenant == tenant, *same)
    state, product, version, is_online = row
    count = connection.scalar(counted) or 0
    return Kind(state, product, version, is_online, count)


def _next(connection: Connection, tenant: str, last: Kind | None) -> Row[Any] | None:
    """Return what comes behind a kind: of the same version, else of the same product, and so on.

    One comparison of all columns would say the same, but SQLite goes through the kind for it.
    """
    asked = select(*_COLUMNS).where(DEVICES.c.tenant == tenant).order_by(*_COLUMNS).limit(1)
    if last is None:
        return connection.execute(asked).first()
    said = (last.state, last.product, last.version, last.is_online)
    for at in reversed(range(len(said))):
        same = (_is(*one) for one in zip(_COLUMNS[:at], said[:at], strict=True))
        behind = _COLUMNS[at] > literal(said[at], _COLUMNS[at].type)
        row = connection.execute(asked.where(*same, behind)).first()
        if row is not None:
            return row
    return None


def _is(column: Any, value: object) -> ColumnElement[bool]:
    equal: ColumnElement[bool] = column == literal(value, column.type)
    return equal


def _grouped(connection: Connection, tenant: str, groups: Iterable[str] | None) -> list[Kind]:
    asked = select(*_COLUMNS, func.count()).where(DEVICES.c.tenant == tenant)
    if groups is not None:
        led = ways.of_groups(tenant, groups).names.subquery("led")
        asked = asked.select_from(DEVICES.join(led, led.c.device == DEVICES.c.device))
    return [Kind(*row) for row in connection.execute(asked.group_by(*_COLUMNS)).tuples()]
