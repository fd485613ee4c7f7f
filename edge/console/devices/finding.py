"""Names of the devices that conditions mean, page by page: by what leads to them the quickest.

A database that does not know how often a value occurs can not choose. So the ways are measured
first, up to a bound, and the best of them is written into the question.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    func,
    literal,
    select,
    tuple_,
)
from sqlalchemy.sql.util import find_tables

from edge.console.devices.ways import Part, Way
from edge.console.store.tables import DEVICES, SIGHTINGS

# What a list counts, if something is to be looked up for each device.
COUNT_MOST: Final = 20_000
# Ways to more devices than that are as good as none, if the devices are not in order there.
_MANY: Final = 200_000
# Ways to no more than that are walked once, and their devices named in what is asked.
_NAMED_MOST: Final = 10_000
# To sort devices takes so many times as long as to find them in order.
_SORTING: Final = 2
# So many are looked for at least: if there are fewer, their number is known.
_LOOKED_AT: Final = 1_000
# So many that are meant are sorted, of more the first ones are found in order.
_SORTED_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Meant:
    """Which devices of a tenant are meant: those for which all parts hold."""

    tenant: str
    parts: tuple[Part, ...] = ()

    def __add__(self, other: "Meant") -> "Meant":
        """Return the devices of the same tenant for which the parts of both hold."""
        return replace(self, parts=self.parts + other.parts)


@dataclass(frozen=True, slots=True)
class Count:
    """How many devices are meant.

    Attributes:
        is_least: There are more: not all were counted.
    """

    devices: int
    is_least: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins.

    Attributes:
        columns: What devices are sorted by before their id, of `DEVICES` or `SIGHTINGS`.
        after: The values of the last one of the page before, its id last; empty for the first.
        is_falling: From the last one to the first.
    """

    columns: tuple[Any, ...] = ()
    after: tuple[object, ...] = ()
    is_falling: bool = False

    def following(self, asked: Select[Any], keys: Sequence[Any], most: int) -> Select[Any]:
        """Return a question for the first ones from here on, by what it is sorted by."""
        if self.after:
            here, last = tuple_(*keys), tuple_(*[literal(one) for one in self.after])
            asked = asked.where(here < last if self.is_falling else here > last)
        order = [one.desc() if self.is_falling else one for one in keys]
        return asked.order_by(*order).limit(most)


@dataclass(frozen=True, slots=True)
class Found:
    """A page of names.

    Attributes:
        total: How many are meant in all; None if it was not asked for and is not known.
    """

    names: list[str]
    total: Count | None


def count(connection: Connection, meant: Meant, most: int | None = None) -> Count:
    """Return how many devices are meant.

    Args:
        connection: To read from.
        meant: Which ones.
        most: No more than that are counted, where something is to be looked up for each.
    """
    return _Search(connection, meant).count(most)


def page(
    connection: Connection,
    meant: Meant,
    place: Place,
    most: int,
    *,
    count_most: int | None = None,
) -> Found:
    """Return the ids of devices in an order, those after one.

    Args:
        connection: To read from.
        meant: Which ones.
        place: Where the page begins.
        most: How many.
        count_most: `most` of `count`; None to count none.
    """
    search = _Search(connection, meant)
    found = search.sorted(place, most) if place.columns else search.by_id(place, most)
    if count_most is None or found.total is not None:
        return found
    return Found(found.names, search.count(count_most))


class _Search:
    """A search for the devices that are meant, along the way that was found to be the best."""

    def __init__(self, connection: Connection, meant: Meant) -> None:
        self._connection, self._tenant = connection, meant.tenant
        self._parts = tuple(one.of(connection.dialect.name) for one in meant.parts)
        self._led: Part | None = None
        self._named: list[str] | None = None
        self._choose()

    def count(self, most: int | None) -> Count:
        if len(self._parts) == 1:
            way = self._parts[0].way
            if way is not None and way.is_whole:
                return Count(self._counted(way.names))
        if not any(_looks_beside(part.where) for part in self._parts):
            most = None
        asked = self._asked()[0]
        if most is None:
            return Count(self._counted(asked))
        found = self._counted(asked.limit(most + 1))
        return Count(min(found, most), found > most)

    def by_id(self, place: Place, most: int) -> Found:
        asked, device = self._asked()
        looked = max(most, _LOOKED_AT) + 1
        every = list(self._connection.scalars(place.following(asked, [device], looked)))
        is_known = not place.after and len(every) < looked
        return Found(every[:most], Count(len(every)) if is_known else None)

    def sorted(self, place: Place, most: int) -> Found:
        few = self._few(place, most) if self._parts else None
        if few is not None:
            return few
        asked, keys = self._along(place.columns[0])
        return Found(list(self._connection.scalars(place.following(asked, keys, most))), None)

    def _few(self, place: Place, most: int) -> Found | None:
        """Return a page of few devices, which are sorted; None if there are too many."""
        some = self._asked()[0].limit(_SORTED_MOST + 1).subquery("some")
        counted = select(some.c.device, func.count().over().label("total")).subquery("counted")
        table = place.columns[0].table
        same = and_(table.c.tenant == self._tenant, table.c.device == counted.c.device)
        said = (
            select(counted.c.device, counted.c.total, *place.columns)
            .select_from(counted.join(table, same))
            .where(counted.c.total <= _SORTED_MOST)
            .subquery("said")
        )
        keys = [*(said.c[one.key] for one in place.columns), said.c.device]
        asked = place.following(select(said.c.device, said.c.total), keys, most)
        rows = self._connection.execute(asked).all()
        return Found([row.device for row in rows], Count(rows[0].total)) if rows else None

    def _along(self, column: Any) -> tuple[Select[Any], list[Any]]:
        """Return the question for the ids in the order of an index, and what they are sorted by."""
        ordered = column.table
        where = [part.where for part in self._parts]
        rows: Any = ordered
        if ordered is SIGHTINGS:
            rows = rows.join(DEVICES, _same(SIGHTINGS, DEVICES))
        elif _asks_for_sightings(where):
            rows = rows.join(SIGHTINGS, _same(SIGHTINGS, DEVICES))
        asked = select(ordered.c.device).select_from(rows).where(ordered.c.tenant == self._tenant)
        return asked.where(*where), [column, ordered.c.device]

    def _asked(self) -> tuple[Select[Any], ColumnElement[str]]:
        """Return the question for the ids of those that are meant, and the column of the id."""
        led = self._led
        rows: FromClause = DEVICES
        is_left_out = led is not None and led.way is not None and led.way.is_whole
        where = [part.where for part in self._parts if not (is_left_out and part is led)]
        device: ColumnElement[str] = DEVICES.c.device
        if led is None or led.way is None:
            asked = select(device)
        elif self._named is not None:
            asked = select(device).where(device.in_(self._listed(self._named)))
        elif led.way.is_in_order:
            names = led.way.names.subquery("led")
            if not where:
                return select(names.c.device), names.c.device
            rows = DEVICES.join(names, names.c.device == DEVICES.c.device)
            device = names.c.device
            asked = select(device)
        else:
            asked = select(device).where(device.in_(led.way.names))
        if _asks_for_sightings(where):
            rows = rows.join(SIGHTINGS, _same(SIGHTINGS, DEVICES))
        asked = asked.select_from(rows).where(DEVICES.c.tenant == self._tenant, *where)
        return asked, device

    def _choose(self) -> None:
        """Take the way to the fewest devices; of long ones, one that has them in order."""
        led = [one for one in self._parts if one.way is not None]
        if len(led) == 1 and led[0].way is not None and led[0].way.is_in_order:
            self._led = led[0]
            return
        best = _MANY
        for part in led:
            assert part.way is not None
            length, names = self._measured(part.way, best)
            if not part.way.is_in_order and names is None:
                length *= _SORTING
            if length < best or (part.way.is_in_order and self._led is None):
                best, self._led, self._named = min(length, best), part, names

    def _measured(self, way: Way, most: int) -> tuple[int, list[str] | None]:
        """Return how many devices a way leads to, no more than so many; their names if few."""
        if way.is_in_order:
            return self._counted(way.names.limit(most)), None
        if way.is_range and self._counted(way.names.limit(_NAMED_MOST + 1)) > _NAMED_MOST:
            return self._counted(way.names.limit(most // _SORTING)), None
        named_most = COUNT_MOST if way.is_if_few else _NAMED_MOST
        names = list(self._connection.scalars(way.names.limit(named_most + 1)))
        if len(names) <= named_most:
            return len(names), names
        if way.is_if_few:
            return _MANY, None
        return self._counted(way.names.limit(most // _SORTING)), None

    def _listed(self, names: list[str]) -> Any:
        """Return names for a comparison; one text costs a tenth of binding ten thousand."""
        if self._connection.dialect.name != "sqlite":
            return names
        rows = func.json_each(json.dumps(names)).table_valued("value")
        return select(rows.c.value)

    def _counted(self, asked: Select[Any]) -> int:
        return self._connection.scalar(select(func.count()).select_from(asked.subquery())) or 0


def _same(table: Any, other: Any) -> ColumnElement[bool]:
    return and_(table.c.tenant == other.c.tenant, table.c.device == other.c.device)


def _looks_beside(where: ColumnElement[bool]) -> bool:
    """Whether something is looked up for each device, which takes long for many."""
    tables = find_tables(where, check_columns=True, include_selects=True)
    return any(one is not DEVICES for one in tables)


def _asks_for_sightings(where: Sequence[ColumnElement[bool]]) -> bool:
    return any(SIGHTINGS in find_tables(one, check_columns=True) for one in where)
