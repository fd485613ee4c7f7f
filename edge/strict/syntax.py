"""The events of the YAML parser, with every failure of it turned into one error with a place."""

from collections.abc import Iterator
from typing import Protocol

import yaml
from yaml.reader import ReaderError


class _Mark(Protocol):
    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


_WORDS = (
    ("found character '\\t'", "a tab stands where only spaces may", "indent with spaces"),
    (
        "mapping values are not allowed here",
        "a ':' that cannot stand here",
        "quote a text that holds ': ', or check the indentation of this line",
    ),
    (
        "could not find expected ':'",
        "a key without ':'",
        "write `key: value`; quote a text of several lines",
    ),
    (
        "expected <block end>",
        "the indentation does not fit the lines above",
        "align the keys of one mapping, and the '-' of one list, in one column",
    ),
    ("found unexpected end of stream", "a quote is opened and not closed", None),
    ("expected ',' or '", "a bracket is not closed, or a ',' is missing", None),
    ("found character '%'", "a text cannot begin with '%'", "put it in quotes"),
    ("found character '@'", "a text cannot begin with '@'", "put it in quotes"),
    ("found character '`'", "a text cannot begin with '`'", "put it in quotes"),
    ("found unknown escape character", "a backslash before a letter that has no meaning", None),
    ("expected alphabetic or numeric character", "'*' or '&' without a name", "put it in quotes"),
)
_ESCAPE_HINT = "use single quotes when backslashes are meant as they are"


class _Loader(yaml.SafeLoader):
    """PyYAML, with tabs between tokens as YAML and other readers allow them.

    Source: YAML 1.2.2, section 6.2. A tab at the start of a line of a block stays an error.
    """

    def scan_to_next_token(self) -> None:
        super().scan_to_next_token()
        while self.peek() == "\t" and (self.flow_level or not self.allow_simple_key):
            self.forward()
            super().scan_to_next_token()


class Stop(Exception):  # noqa: N818 - ends the reading of one file, becomes a Problem
    """The rest of the text cannot be read."""

    def __init__(self, line: int, column: int, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.line, self.column, self.message, self.hint = line, column, message, hint


def position_of(event: yaml.Event) -> tuple[int, int]:
    """Return line and column of an event, from 1."""
    return (1, 1) if event.start_mark is None else _position(event.start_mark)


def events(text: str) -> Iterator[yaml.Event]:
    """Give the events of `text`.

    Raises:
        Stop: The text is not YAML.
    """
    last = (1, 1)
    try:
        for event in yaml.parse(text, Loader=_Loader):
            last = position_of(event)
            yield event
    except ReaderError as error:
        raise _unreadable(text, error) from error
    except yaml.MarkedYAMLError as error:
        raise _unclear(error, last) from error
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        # PyYAML lets chr() and int() fail in escapes such as "\Uffffffff" and in %YAML.
        raise Stop(*last, "a backslash or '%' with an impossible number after here") from error


def _unreadable(text: str, error: ReaderError) -> Stop:
    before = text[: error.position]
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    code = error.character if isinstance(error.character, int) else ord(error.character)
    return Stop(line, column, f"the character U+{code:04X} is not allowed in YAML", "remove it")


def _unclear(error: yaml.MarkedYAMLError, last: tuple[int, int]) -> Stop:
    mark = error.problem_mark or error.context_mark
    place = last if mark is None else _position(mark)
    problem = error.problem or error.context or "not YAML"
    for part, message, hint in _WORDS:
        if part in problem:
            return Stop(*place, message, hint or (_ESCAPE_HINT if "escape" in part else None))
    return Stop(*place, f"not YAML: {problem}")


def _position(mark: "_Mark") -> tuple[int, int]:
    return mark.line + 1, mark.column + 1
