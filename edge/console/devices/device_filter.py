"""The filter language over the tables of the console."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    FromClause,
    and_,
    literal,
    literal_column,
    not_,
    or_,
    select,
)

from edge.console.devices import services, ways
from edge.console.devices.finding import Meant
from edge.console.devices.ways import Part
from edge.console.filters.fields import ATTRIBUTE, Field
from edge.console.filters.parse import parse
from edge.console.filters.sql import Condition, Where, WhereVersion, condition
from edge.console.store.ddi_tables import REPORTED
from edge.console.store.factory_tables import RECORDS
from edge.console.store.service_tables import DEVICE_SERVICES
from edge.console.store.tables import ATTRIBUTES, DEVICES, MEMBERS, SIGHTINGS, TAGS

_NONE: Final[Mapping[str, str]] = MappingProxyType({})
_TEXTS: Final = {
    "id": DEVICES.c.device,
    "state": DEVICES.c.state,
    "board": DEVICES.c.board,
    "product": DEVICES.c.product,
    "version": DEVICES.c.version,
    "slot": DEVICES.c.slot,
    "phase": DEVICES.c.phase,
    "reason": DEVICES.c.reason,
}
# What the record of a factory line says, by the names of its columns.
MADE: Final = ("line", "station", "order")
NEWEST: Final = "newest"
_TIMES: Final = {"seen": SIGHTINGS.c.last_seen_s, "enrolled": DEVICES.c.created_at_s}


def device_filter(text: str, now_s: int, named: Mapping[str, str] = _NONE) -> ColumnElement[bool]:
    """Return what holds for the rows of `DEVICES`, joined with `SIGHTINGS`, that are meant.

    The query is bound to one tenant by whoever asks; what is looked up here is bound to the row.

    Args:
        text: What somebody wrote.
        now_s: The time, seconds since 1970.
        named: The tenant's groups that a filter means, with their filters, which name no groups.

    Raises:
        FilterError: It can not be read; the message has the place.
    """
    return condition(parse(text), _Columns(now_s, named), now_s=now_s)


def meant(text: str, tenant: str, now_s: int, named: Mapping[str, str] = _NONE) -> Meant:
    """Return the devices of a tenant that are meant, with the ways that lead to them.

    Raises:
        FilterError: It can not be read; the message has the place.
    """
    columns = _Columns(now_s, named)
    return Meant(
        tenant,
        tuple(
            Part(condition(one, columns, now_s=now_s), ways.of_term(one, tenant, now_s, named))
            for one in ways.parts(parse(text))
        ),
    )


class _Columns:
    """`edge.console.filters.sql.Columns` of the console's tables."""

    def __init__(self, now_s: int, named: Mapping[str, str]) -> None:
        self._now_s = now_s
        self._named = named

    def text(self, field: Field) -> ColumnElement[str]:
        return _TEXTS[field.name]

    def version_key(self, field: Field) -> ColumnElement[str]:
        del field
        return DEVICES.c.version_key

    def flag(self, field: Field) -> ColumnElement[bool]:
        del field
        return DEVICES.c.is_online

    def at_s(self, field: Field) -> ColumnElement[int]:
        return _TIMES[field.name]

    def has(self, field: Field, attribute: str, where: Where) -> Condition:
        if field is ATTRIBUTE:
            # What a person says of a device counts more than what it says of itself.
            said = _of_device(ATTRIBUTES, lambda one: (one.name == attribute,))
            by_person, by_device = (
                _of_device(table, lambda one: (one.name == attribute, where(one.value)))
                for table in (ATTRIBUTES, REPORTED)
            )
            return or_(by_person, and_(by_device, not_(said)))
        if field.name == "service":
            return _of_device(DEVICE_SERVICES, lambda one: (where(one.service),))
        if field.name == "tag":
            return _of_device(TAGS, lambda one: (where(one.tag),))
        if field.name in MADE:
            return _of_device(RECORDS, lambda one: made(one, one[field.name], where))
        return self._in_group(where)

    def runs(self, service: str, where: WhereVersion) -> Condition:
        return _of_device(
            DEVICE_SERVICES,
            lambda one: (one.service == service, services.is_called(service, where)),
        )

    def _in_group(self, where: Where) -> Condition:
        return or_(
            _of_device(MEMBERS, lambda one: (where(one.group),)),
            *(
                and_(where(literal(group)), device_filter(text, self._now_s))
                for group, text in self._named.items()
            ),
        )


def made(one: Any, column: Any, where: Where) -> tuple[ColumnElement[bool], ...]:
    """Return what holds for the record of a device that counts, if it says such a thing."""
    return one.standing == NEWEST, column != "", where(column)


def _of_device(table: Any, said: Callable[[Any], tuple[ColumnElement[bool], ...]]) -> Condition:
    rows: FromClause = table
    same = (rows.c.tenant == DEVICES.c.tenant, rows.c.device == DEVICES.c.device)
    # No more is asked than that it is there: an index may say it.
    return select(literal_column("1")).where(*same, *said(rows.c)).exists()
