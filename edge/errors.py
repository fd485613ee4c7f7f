"""What can go wrong on the host, one class for each exit code of `edge`.

EdgeError              1  the work could not be done
├── ToolError          1  a program that we ran ended badly
├── InputError         2  a file or an option of the user is wrong
│   └── ProblemsError    2  several such problems, each with its place
├── ThingNotFoundError 3  a device, board or file is not there
├── UntrustedError     4  a hash or signature does not match
├── RefusedError       5  refused for safety
├── LinkError          6  timed out, or the link was lost
└── ServerError        7  a server refused
"""

from collections.abc import Sequence
from dataclasses import dataclass


class EdgeError(Exception):
    """The root of all errors that the host raises on purpose.

    Args:
        message: What was wrong, with the value and the place.
        hint: What to try next.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class ToolError(EdgeError):
    """A program that we ran ended badly."""


class InputError(EdgeError):
    """A file or an option that the user wrote is wrong."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file that a person wrote; `line` and `column` count from 1."""

    file: str
    line: int
    column: int
    path: str
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}"
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class ProblemsError(InputError):
    """All problems of the files that were read, in the order of the files."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class ThingNotFoundError(EdgeError):
    """A device, board or file is not there."""


class UntrustedError(EdgeError):
    """A hash or a signature does not match."""


class RefusedError(EdgeError):
    """The request would be unsafe."""


class LinkError(EdgeError):
    """Something timed out, or the link to it was lost."""


class ServerError(EdgeError):
    """A server refused the request."""
