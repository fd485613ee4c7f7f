"""A filter as a predicate over devices.

It says the same as `edge.console.filters.sql`. A version that is not known is in no order; `!=` is
the opposite of `=`. A device that was never heard is older than any age.
"""

from collections.abc import Callable
from typing import assert_never

from edge.console.filters import glob, versions
from edge.console.filters.fields import Kind, Operator
from edge.console.filters.row import DeviceRow
from edge.console.filters.terms import Both, Compare, Either, Not, Term


def matches(term: Term, row: DeviceRow, *, now_s: int) -> bool:
    """Whether a device is one that a filter means.

    Args:
        term: The filter.
        row: The device.
        now_s: The time, seconds since 1970.
    """
    match term:
        case Both():
            return all(matches(part, row, now_s=now_s) for part in term.parts)
        case Either():
            return any(matches(part, row, now_s=now_s) for part in term.parts)
        case Not():
            return not matches(term.part, row, now_s=now_s)
        case Compare():
            return _compare(term, row, now_s)
    assert_never(term)


def _compare(term: Compare, row: DeviceRow, now_s: int) -> bool:
    match term.field.kind:
        case Kind.TEXT:
            return _text(term, _text_of(term, row))
        case Kind.VERSION:
            return is_version(term, row.version)
        case Kind.AGE:
            at_s = row.seen_at_s if term.field.name == "seen" else row.enrolled_at_s
            return _age(term, at_s, now_s)
        case Kind.FLAG:
            return row.is_online is term.value
        case Kind.SET | Kind.ATTRIBUTE | Kind.SERVICE:
            return _has(term, row)


def _has(term: Compare, row: DeviceRow) -> bool:
    match term.field.kind:
        case Kind.SERVICE:
            called = row.services.get(term.attribute)
            return called is not None and any(is_version(term, one) for one in called or ("",))
        case Kind.ATTRIBUTE:
            said = row.attributes.get(term.attribute)
            return said is not None and _text(term, said)
        case _:
            members = getattr(row, f"{term.field.name}s")
            return any(_text(term, one) for one in members)


def _text_of(term: Compare, row: DeviceRow) -> str:
    return str(getattr(row, term.field.name))


def _text(term: Compare, said: str) -> bool:
    wanted = str(term.value)
    if term.operator is Operator.LIKE:
        return glob.is_like(said, wanted)
    return said == wanted


def is_version(term: Compare, said: str) -> bool:
    """Return whether a version is as a test wants it."""
    if term.operator is Operator.LIKE:
        return _text(term, said)
    return _in_order(term.operator, versions.key(said), versions.key(str(term.value)))


def _in_order(operator: Operator, said: str, wanted: str) -> bool:
    if operator is Operator.EQUAL:
        return said == wanted
    return bool(said) and bool(wanted) and _ORDERS[operator](said, wanted)


_ORDERS: dict[Operator, Callable[[str, str], bool]] = {
    Operator.LESS: lambda said, wanted: said < wanted,
    Operator.AT_MOST: lambda said, wanted: said <= wanted,
    Operator.MORE: lambda said, wanted: said > wanted,
    Operator.AT_LEAST: lambda said, wanted: said >= wanted,
}


def _age(term: Compare, at_s: int | None, now_s: int) -> bool:
    if term.value is None or at_s is None:
        is_older = term.operator in (Operator.MORE, Operator.AT_LEAST)
        return at_s is None and (term.value is None or is_older)
    limit_s = now_s - int(term.value)
    match term.operator:
        case Operator.LESS:
            return at_s > limit_s
        case Operator.AT_MOST:
            return at_s >= limit_s
        case Operator.MORE:
            return at_s < limit_s
        case _:
            return at_s <= limit_s
