"""A filter as an expression of SQLAlchemy Core; it says the same as `edge.console.filters.match`.

Where the tables are is behind `Columns`. No expression is ever NULL, so that `not` is the opposite.
"""

from collections.abc import Callable
from typing import Protocol, assert_never

from sqlalchemy import ColumnElement, and_, false, not_, or_, true

from edge.console.filters import glob, versions
from edge.console.filters.elements import Aside, Folded
from edge.console.filters.fields import Field, Kind, Operator
from edge.console.filters.terms import Both, Compare, Either, Not, Term

Condition = ColumnElement[bool]
Where = Callable[[ColumnElement[str]], Condition]
# For a version, and `versions.key` of it.
WhereVersion = Callable[[ColumnElement[str], ColumnElement[str]], Condition]


class Columns(Protocol):
    """Where what filters ask of devices is stored; the query is of one tenant by then."""

    def text(self, field: Field) -> ColumnElement[str]:
        """Return the column of a text or a version, never NULL."""

    def version_key(self, field: Field) -> ColumnElement[str]:
        """Return the column with `versions.key` of a version, never NULL, sorted by bytes."""

    def flag(self, field: Field) -> ColumnElement[bool]:
        """Return the column of a flag, never NULL."""

    def at_s(self, field: Field) -> ColumnElement[int]:
        """Return the column of a time, seconds since 1970, 0 for never."""

    def has(self, field: Field, attribute: str, where: Where) -> Condition:
        """Return whether one of the device's tags, groups or values of an attribute is such.

        Args:
            field: What of.
            attribute: The name of an attribute, else empty.
            where: Returns the condition for the column of one.
        """

    def runs(self, service: str, where: WhereVersion) -> Condition:
        """Return whether the device runs such a version of a service.

        Args:
            service: Its name.
            where: Returns the condition for what a version is called, without the name of the
                service before it; empty if it is not known.
        """


def condition(term: Term, columns: Columns, *, now_s: int) -> Condition:
    """Return what is to be true of a device that a filter means.

    Args:
        term: The filter.
        columns: Where things are.
        now_s: The time, seconds since 1970.
    """
    match term:
        case Both():
            parts = [condition(part, columns, now_s=now_s) for part in term.parts]
            return and_(true(), *parts)
        case Either():
            parts = [condition(part, columns, now_s=now_s) for part in term.parts]
            return or_(false(), *parts)
        case Not():
            return not_(condition(term.part, columns, now_s=now_s))
        case Compare():
            return _compare(term, columns, now_s)
    assert_never(term)


def _compare(term: Compare, columns: Columns, now_s: int) -> Condition:
    match term.field.kind:
        case Kind.TEXT:
            return text(term, columns.text(term.field))
        case Kind.VERSION:
            key = Aside(columns.version_key(term.field))
            return version(term, columns.text(term.field), key)
        case Kind.SERVICE:
            return columns.runs(term.attribute, lambda said, key: version(term, said, key))
        case Kind.AGE:
            return age(term, columns.at_s(term.field), now_s)
        case Kind.FLAG:
            flag = columns.flag(term.field)
            return flag.is_(true()) if term.value else flag.is_(false())
        case Kind.SET | Kind.ATTRIBUTE:
            return columns.has(term.field, term.attribute, lambda column: text(term, column))


def text(term: Compare, column: ColumnElement[str]) -> Condition:
    """Return the condition for a text."""
    wanted = str(term.value)
    if term.operator is Operator.LIKE:
        return Folded(column).like(glob.as_like(wanted), escape=glob.LIKE_ESCAPE)
    return column == wanted


def version(term: Compare, said: ColumnElement[str], key: ColumnElement[str]) -> Condition:
    """Return the condition for a version and its key."""
    return text(term, said) if term.operator is Operator.LIKE else _version(term, key)


def _version(term: Compare, column: ColumnElement[str]) -> Condition:
    wanted = versions.key(str(term.value))
    if term.operator is Operator.EQUAL:
        return column == wanted
    if not wanted:
        return false()
    return and_(column != "", _in_order(term.operator, column, wanted))


def _in_order(operator: Operator, column: ColumnElement[str], wanted: str) -> Condition:
    match operator:
        case Operator.LESS:
            return column < wanted
        case Operator.AT_MOST:
            return column <= wanted
        case Operator.MORE:
            return column > wanted
        case _:
            return column >= wanted


def age(term: Compare, column: ColumnElement[int], now_s: int) -> Condition:
    """Return the condition for a time that is 0 for never; an index of it can be used."""
    if term.value is None:
        return column == 0
    limit_s = now_s - int(term.value)
    match term.operator:
        case Operator.LESS:
            return column > max(limit_s, 0)
        case Operator.AT_MOST:
            return column >= max(limit_s, 1)
        case Operator.MORE:
            return column < max(limit_s, 1)
        case _:
            return column <= max(limit_s, 0)
