"""Ways to the devices that a filter means: where an index names them, few of all are looked at.

What is asked of a device itself is found by looking through all of them in one index (`CARD`),
which is quick; what is stored beside it is not, if it is looked up for each device.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, func, select, union, union_all

from edge.console.devices import services
from edge.console.filters import glob, sql
from edge.console.filters.fields import ATTRIBUTE, Operator
from edge.console.filters.match import is_version
from edge.console.filters.terms import Both, Compare, Either, Term
from edge.console.store.ddi_tables import REPORTED
from edge.console.store.service_tables import DEVICE_SERVICES
from edge.console.store.tables import ATTRIBUTES, MEMBERS, SIGHTINGS, TAGS


@dataclass(frozen=True, slots=True)
class Way:
    """The devices that one condition means, and maybe others.

    Attributes:
        names: Selects their ids, each once.
        is_whole: There are no others.
        is_in_order: An index has them in the order of their ids.
    """

    names: Select[Any]
    is_whole: bool
    is_in_order: bool


@dataclass(frozen=True, slots=True)
class Part:
    """A condition, and the way to the devices that it means.

    Attributes:
        where: On rows of `DEVICES` joined with `SIGHTINGS`.
        way: None if there is none that is better than a look at each device.
    """

    where: ColumnElement[bool]
    way: Way | None = None


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
    return _Asked(tenant, now_s, named).way(term)


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
                return _together([one.names for one in found], len(found) == len(term.parts))
            case _:
                return None

    def _compared(self, term: Compare) -> Way | None:
        if term.field is ATTRIBUTE:
            tables = (ATTRIBUTES, REPORTED)
            return _together([self._said(one, term) for one in tables], is_all=True)
        match term.field.name:
            case "seen":
                at = sql.age(term, SIGHTINGS.c.last_seen_s, self.now_s)
                names = _of(SIGHTINGS, self.tenant).where(at)
                return Way(names, is_whole=True, is_in_order=False)
            case "service.":
                return self._running(term)
            case "tag" | "service" as name:
                table = TAGS if name == "tag" else DEVICE_SERVICES
                return self._labelled(table, table.c[name], term)
            case "group" if not any(_means(term, one) for one in self.named):
                return self._labelled(MEMBERS, MEMBERS.c.group, term)
            case _:
                return None

    def _labelled(self, table: Table, column: Any, term: Compare) -> Way:
        asked = _of(table, self.tenant).where(sql.text(term, column))
        is_one = term.operator is Operator.EQUAL
        return Way(asked if is_one else asked.distinct(), is_whole=True, is_in_order=is_one)

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

    def _said(self, table: Table, term: Compare) -> Select[Any]:
        where = (table.c.name == term.attribute, sql.text(term, table.c.value))
        return _of(table, self.tenant).where(*where)


def _of(table: Table, tenant: str) -> Select[Any]:
    return select(table.c.device).where(table.c.tenant == tenant)


def _together(names: Sequence[Select[Any]], is_all: bool) -> Way | None:
    if not is_all or not names:
        return None
    every = union(*names).subquery()
    return Way(select(every.c.device), is_whole=False, is_in_order=False)


def _means(term: Compare, group: str) -> bool:
    wanted = str(term.value)
    return glob.is_like(group, wanted) if term.operator is Operator.LIKE else group == wanted
