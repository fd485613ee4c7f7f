"""What may follow in a filter that is being written."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from edge.console.filters.fields import (
    ATTRIBUTE_PREFIX,
    FIELDS,
    NEVER,
    OPERATORS,
    SERVICE_PREFIX,
    Field,
    Kind,
)
from edge.console.filters.parse import FIELD, OPERATOR, VALUE, expected

MOST: Final = 50
_LAST_WORD: Final = re.compile(r"(?:\"[^\"]*|[A-Za-z0-9_.*?+/@%-]*)\Z")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.+/@%-]+")
_KEYWORDS: Final = ("and", "or", "not", "in")
_AGES: Final = ("1h", "1d", "1w")

Known = Callable[[str], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A piece of text that may follow.

    Attributes:
        start: Where it is put, in place of all that is there up to the cursor.
        what: It in a few words; empty if it says so itself.
    """

    text: str
    start: int
    what: str = ""


def suggestions(text: str, at: int, known: Known) -> list[Suggestion]:
    """Return what may be at a place in a filter, at most `MOST`.

    Args:
        text: The filter.
        at: The place of the cursor, counted in letters from 0.
        known: Returns the values of a field, or the names of attributes for `attr`, that occur in
            the fleet.
    """
    before, word_begun = text[:at], begun(text, at)
    start = len(before) - len(word_begun)
    expects, field = expected(before[:start])
    wanted = word_begun.strip('"').casefold()
    offered: list[Suggestion] = []
    for expectation in expects:
        for word, what in _offers(expectation, field, known):
            if word.strip('"').casefold().startswith(wanted):
                offered.append(Suggestion(word, start, what))
    return offered[:MOST]


def begun(text: str, at: int) -> str:
    """Return the word before a place, as far as it is written; with its first quote."""
    found = _LAST_WORD.search(text[:at])
    return found[0] if found else ""


def quoted(value: str) -> str:
    """Return a value as it is written in a filter."""
    if _PLAIN.fullmatch(value) and value.lower() not in _KEYWORDS:
        return value
    inner = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{inner}"'


def _offers(expectation: str, field: Field | None, known: Known) -> Iterable[tuple[str, str]]:
    if expectation == FIELD:
        yield from ((one.name, one.what) for one in FIELDS.values())
        yield from ((f"{ATTRIBUTE_PREFIX}{name}", "attribute") for name in known("attr"))
        yield from ((f"{SERVICE_PREFIX}{name}", "version") for name in known("service"))
    elif expectation == OPERATOR and field is not None:
        yield from ((sign.value, "") for sign in OPERATORS[field.kind])
        yield "in", "one of a list"
    elif expectation == VALUE and field is not None:
        yield from ((quoted(value), "") for value in _values(field, known))
    else:
        yield expectation, ""


def _values(field: Field, known: Known) -> Iterable[str]:
    if field.choices:
        return field.choices
    if field.kind is Kind.AGE:
        return (*_AGES, NEVER)
    return known(field.name)
