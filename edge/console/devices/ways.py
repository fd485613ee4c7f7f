"""Ways to the devices that a filter means: where an index names them, few of all are looked at.

What is asked of a device itself is found by looking through all of them in one index (`CARD`),
which is quick; what is stored beside it is not, if it is looked up for each device.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, func, select, union, union_all

from edge.console.devices import services, values
from edge.console.filters import glob, sql
from edge.console.filters.fields import ATTRIBUTE, Operator
from edge.console.filters.match import is_version
from edge.console.filters.terms import Both, Compare, Either, Not, Term
from edge.console.store.ddi_tables import REPORTED
from edge.console.store.service_tables import DEVICE_SERVICES
from edge.console.store.tables import ATTRIBUTES, DEVICES, MEMBERS, SIGHTINGS, TAGS


@dataclass(frozen=True, slots=True)
class Way:
    """The devices that one condition means, and maybe others.

    Attributes:
        names: Selects their ids, each once.
        is_whole: There are no others.
        is_in_order: An index has them in the order of their ids.
        in_sqlite: The same by indexes that only SQLite has.
        is_of_sqlite: Other databases have no index for it.
        is_range: They are together in an index, so that they are soon counted.
        is_if_few: If they are many, a look at each device is better.
    """

    names: Select[Any]
    is_whole: bool
    is_in_order: bool
    in_sqlite: Select[Any] | None = None
    is_of_sqlite: bool = False
    is_range: bool = False
    is_if_few: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A condition, and the way to the devices that it means.

    Attributes:
        where: On rows of `DEVICES` joined with `SIGHTINGS`.
        way: None if there is none that is better than a look at each device.
    """

    where: ColumnElement[bool]
    way: Way | None = None

    def of(self, kind: str) -> "Part":
        """Return it with the way that a kind of database has."""
        if self.way is None or (self.way.is_of_sqlite and kind != "sqlite"):
            return Part(self.where)
        names = self.way.in_sqlite if kind == "sqlite" else None
        return self if names is None else Part(self.where, replace(self.way, names=names))


def parts(term: Term) -> tuple[Term, ...]:
    """Return what is to hold all together."""
    return term.parts if isinstance(term, Both) else (term,)


def of_term(term: Term, tenant: str, now_s: int, named: Mapping[str, str]) -> Way | None:
    """Return the way to the devices of a part of a filter; None if none is better than a look.

    Args:
        term: The part.
        tenant: Whose devices.
        now_s: The time, seconds since 1970.
        named: The tenant's groups that a filter means.
    """
    asked = _Asked(tenant, now_s, named)
    return asked.rest(term.part) if isinstance(term, Not) else asked.way(term)


def of_groups(tenant: str, names: Iterable[str]) -> Way:
    """Return the way to the members of some groups."""
    wanted = sorted(names)
    asked = _of(MEMBERS, tenant).where(MEMBERS.c.group.in_(wanted))
    is_one = len(wanted) == 1
    return Way(asked if is_one else asked.distinct(), is_whole=True, is_in_order=is_one)


def of_tag(tenant: str, tag: str) -> Way:
    """Return the way to the devices with a tag."""
    asked = _of(TAGS, tenant).where(TAGS.c.tag == tag)
    return Way(asked, is_whole=True, is_in_order=True)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whose devices are asked for, and when."""

    tenant: str
    now_s: int
    named: Mapping[str, str]

    def way(self, term: Term) -> Way | None:
        """Return the way of a part, if there is one that helps."""
        match term:
            case Compare():
                return self._compared(term)
            case Either():
                found = [way for part in term.parts if (way := self.way(part)) is not None]
                return _together(found, is_all=len(found) == len(term.parts))
            case _:
                return None

    def rest(self, term: Term) -> Way | None:
        """Return the way to the devices that a part does not mean, if there is one to those."""
        way = self.way(term)
        if way is None or not (way.is_whole and way.is_in_order):
            return None
        # In the order of both, so that SQLite walks along both at once.
        every = _of(DEVICES, self.tenant).except_(way.names).order_by(DEVICES.c.device)
        names = select(every.subquery("rest").c.device)
        return Way(names, is_whole=False, is_in_order=False, is_of_sqlite=True, is_if_few=True)

    def _compared(self, term: Compare) -> Way | None:
        if term.field is ATTRIBUTE:
            return _together([self._said(one, term) for one in (ATTRIBUTES, REPORTED)], is_all=True)
        match term.field.name:
            case "seen":
                at = sql.age(term, SIGHTINGS.c.last_seen_s, self.now_s)
                names = _of(SIGHTINGS, self.tenant).where(at)
                return Way(names, is_whole=True, is_in_order=False, is_range=True)
            case "service.":
                return self._running(term)
            case "tag" | "service" as name:
                table = TAGS if name == "tag" else DEVICE_SERVICES
                return self._labelled(table, table.c[name], term)
            case "group" if not any(_means(term, one) for one in self.named):
                return self._labelled(MEMBERS, MEMBERS.c.group, term)
            case _:
                return self._of_itself(term)

    def _of_itself(self, term: Compare) -> Way | None:
        """Return the way by what a device is itself."""
        asked = _of(DEVICES, self.tenant)
        is_like = term.operator is Operator.LIKE
        match term.field.name:
            case "version" if not is_like:
                names = asked.where(sql.version(term, DEVICES.c.version, DEVICES.c.version_key))
                return Way(names, is_whole=True, is_in_order=False, is_range=True)
            case "id" if is_like:
                begun = values.beginning(asked, DEVICES.c.device, term)
                if begun is None:
                    return None
                return Way(begun, is_whole=True, is_in_order=True, is_of_sqlite=True)
            case "reason" if not _fits_nothing(term):
                # Most devices have none, and are in no index of reasons.
                has_one = DEVICES.c.reason != ""
                names = asked.where(has_one, sql.text(term, DEVICES.c.reason))
                return Way(names, is_whole=True, is_in_order=False, is_of_sqlite=True)
            case _:
                return None

    def _labelled(self, table: Table, column: Any, term: Compare) -> Way:
        rows = _of(table, self.tenant)
        asked = rows.where(sql.text(term, column))
        if term.operator is Operator.EQUAL:
            return Way(asked, is_whole=True, is_in_order=True)
        quick = values.like(rows, column, term)
        return Way(asked.distinct(), is_whole=True, is_in_order=False, in_sqlite=quick.distinct())

    def _running(self, term: Compare) -> Way | None:
        """Return the way to who runs such a version; none if it is one that is not known."""
        if is_version(term, ""):
            return None

        def is_meant(said: Any, key: Any) -> ColumnElement[bool]:
            return sql.version(term, said, key)

        one = DEVICE_SERVICES.c
        asked = _of(DEVICE_SERVICES, self.tenant).where(one.service == term.attribute)
        name = func.substr(one.version, len(term.attribute) + 2)
        in_place = asked.where(one.version_key != "", is_meant(name, one.version_key))
        own = services.own_called(term.attribute, self.tenant, is_meant)
        # A device has one version of a service: it is in one of the two.
        every = union_all(in_place, asked.where(one.version.in_(own))).subquery()
        return Way(select(every.c.device), is_whole=True, is_in_order=False)

    def _said(self, table: Table, term: Compare) -> Way:
        rows = _of(table, self.tenant).where(table.c.name == term.attribute)
        names = rows.where(sql.text(term, table.c.value))
        if term.operator is Operator.EQUAL:
            return Way(names, is_whole=True, is_in_order=False)
        quick = values.like(rows, table.c.value, term)
        return Way(names, is_whole=True, is_in_order=False, in_sqlite=quick)


def _of(table: Table, tenant: str) -> Select[Any]:
    return select(table.c.device).where(table.c.tenant == tenant)


def _together(found: Sequence[Way], *, is_all: bool) -> Way | None:
    if not is_all or not found:
        return None
    return Way(
        _union(one.names for one in found),
        is_whole=False,
        is_in_order=False,
        in_sqlite=_union(
            one.in_sqlite if one.in_sqlite is not None else one.names for one in found
        ),
        is_of_sqlite=any(one.is_of_sqlite for one in found),
    )


def _union(names: Iterable[Select[Any]]) -> Select[Any]:
    every = union(*names).subquery()
    return select(every.c.device)


def _fits_nothing(term: Compare) -> bool:
    """Whether a device of which nothing is said is meant too."""
    wanted = str(term.value)
    return glob.is_like("", wanted) if term.operator is Operator.LIKE else not wanted


def _means(term: Compare, group: str) -> bool:
    wanted = str(term.value)
    return glob.is_like(group, wanted) if term.operator is Operator.LIKE else group == wanted
