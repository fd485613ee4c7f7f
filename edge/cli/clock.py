"""The time that commands give to what they call."""

import os
from datetime import UTC, datetime

from edge.errors import InputError

VARIABLE = "SOURCE_DATE_EPOCH"
_LONGEST = 11


def of_wall() -> datetime:
    """Return the time in UTC, whatever `SOURCE_DATE_EPOCH` says: for what must be fresh."""
    return datetime.now(UTC)


def now() -> datetime:
    """Return the time of what is written, in UTC: that of `SOURCE_DATE_EPOCH` when it is set.

    Raises:
        InputError: It is set, and is no time.
    """
    text = os.environ.get(VARIABLE)
    if not text:
        return datetime.now(UTC)
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST):
        raise InputError(f"{VARIABLE}: {text!r} is not a number of seconds since 1970")
    return datetime.fromtimestamp(int(text), UTC)


def since_s(text: str) -> int:
    """Return when the day began, in UTC, that `--since` names: seconds since 1970.

    Raises:
        InputError: It is no date.
    """
    try:
        found = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise InputError(f"--since {text!r} is not a date", hint="like 2026-03-01") from error
    return max(0, int(found.timestamp()))


def shown(at_s: int, *, seconds: bool = True) -> str:
    """Return a time in UTC as tables show it.

    Args:
        at_s: Seconds since 1970.
        seconds: To the second, else to the minute.
    """
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M{':%S' if seconds else ''}}"
