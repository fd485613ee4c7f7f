"""The words and signs of a filter, each with its place."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from edge.console.filters.errors import FilterError

TEXT_MOST: Final = 4000


class Sort(StrEnum):
    """What a token is."""

    WORD = "word"
    QUOTED = "quoted"
    SIGN = "sign"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text.

    Attributes:
        value: What it says: a quoted text without its quotes.
        start: Its place in the filter, counted in letters from 0.
        end: The place behind it.
    """

    sort: Sort
    value: str
    start: int
    end: int


_TOKEN: Final = re.compile(
    r'\s*(?:(?P<quoted>"(?:[^"\\]|\\["\\])*")'
    r"|(?P<sign><=|>=|!=|!~|[=<>~:(),])"
    r"|(?P<word>[A-Za-z0-9_.*?+/@%-]+)"
    r"|(?P<open>\"[^\n]*)"
    r"|(?P<wrong>\S))"
)
_ESCAPED: Final = re.compile(r"\\(.)")


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of a filter, and the end.

    Raises:
        FilterError: There is a letter that means nothing, or a quote without its other one.
    """
    if len(text) > TEXT_MOST:
        reason = f"{len(text)} letters are more than {TEXT_MOST}"
        raise FilterError(reason, text=text[:80], start=0, end=0)
    at = 0
    while found := _TOKEN.match(text, at):
        kind = str(found.lastgroup)
        start, at = found.span(kind)
        value = found[kind]
        match kind:
            case "quoted":
                yield Token(Sort.QUOTED, _ESCAPED.sub(r"\1", value[1:-1]), start, at)
            case "sign" | "word":
                yield Token(Sort(kind), value, start, at)
            case "open":
                reason, hint = 'the other " is missing', 'within quotes, \\" is a quote'
                raise FilterError(reason, text=text, start=start, end=at, hint=hint)
            case _:
                hint = "write texts with such letters in double quotes"
                raise FilterError(
                    f"{value!r} means nothing here", text=text, start=start, end=at, hint=hint
                )
    yield Token(Sort.END, "", len(text), len(text))
