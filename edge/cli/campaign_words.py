"""How people write limits, rates, speeds and times of campaigns: in options and in plans.

Each reader raises `InputError` with what is wrong; who calls it says where that stands.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import click

from edge.console.filters.values import AGE, UNITS_S
from edge.errors import InputError

_LIMIT: Final = re.compile(r"(\d{1,9})(%?)")
_SPEED: Final = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(|[kMG])B?")
_FACTORS: Final = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
_RATE: Final = r"(\d{1,2}(?:\.\d)?)%"
_RATES: Final = re.compile(f"{_RATE},{_RATE},{_RATE}")
_RATE_NAMES: Final = ("good_permille", "bad_permille", "alarm_permille")
NEVER: Final = "never"
NONE: Final = "none"


def limit(text: str, sample: int) -> dict[str, Any]:
    """Return the limit that `10%`, `3`, both (`3,10%`) or `never` says, as the API takes it.

    Raises:
        InputError: It says none.
    """
    found: dict[str, Any] = {"percent": None}
    for part in text.split(",") if text != NEVER else ():
        said = _LIMIT.fullmatch(part)
        if said is None:
            raise InputError("neither a share nor a count", hint="10%, 3 or never")
        if said[2]:
            found |= {"percent": int(said[1]), "sample": sample}
        else:
            found |= {"count": int(said[1])}
    return found


def limit_text(limit: Mapping[str, Any]) -> str:
    """Return the text that `limit` reads."""
    count, percent = limit["count"], limit["percent"]
    said = [str(count)] if count is not None else []
    said += [f"{percent}%"] if percent is not None else []
    return ",".join(said) or NEVER


def evidence(text: str) -> dict[str, int] | None:
    """Return the stop rule that `1%,5%,5%` says, as the API takes it; None for `none`.

    Raises:
        InputError: It says no rule.
    """
    if text == NONE:
        return None
    said = _RATES.fullmatch(text)
    if said is None:
        raise InputError(
            "not three shares",
            hint="1%,5%,5%: 1 % may fail, 5 % must not, and 5 % of good releases may be stopped",
        )
    return {name: round(float(said[at]) * 10) for at, name in enumerate(_RATE_NAMES, 1)}


def evidence_text(rule: dict[str, int] | None) -> str:
    """Return the text that `evidence` reads."""
    return ",".join(f"{rule[name] / 10:g}%" for name in _RATE_NAMES) if rule else NONE


def speed(text: str) -> int | None:
    """Return the bytes per second that `20MB` says; None for `none`.

    Raises:
        InputError: It says no speed.
    """
    if text == NONE:
        return None
    said = _SPEED.fullmatch(text)
    if said is None:
        raise InputError("not a number of bytes", hint="500kB, 5MB")
    return max(1, int(float(said[1]) * _FACTORS[said[2]]))


def time_s(text: str) -> int:
    """Return the seconds since 1970 of a local time, `2027-01-31T02:00`.

    Raises:
        InputError: It is none.
    """
    try:
        return int(datetime.fromisoformat(text).astimezone().timestamp())
    except ValueError:
        raise InputError("not a time", hint="2027-01-31T02:00") from None


def until_s(text: str) -> int:
    """Return the seconds since 1970 of a local time, or of a duration from now on.

    Raises:
        InputError: It is neither.
    """
    try:
        return time_s(text)
    except InputError:
        pass
    try:
        return int(datetime.now().astimezone().timestamp()) + duration_s(text)
    except InputError:
        hint = "2027-01-31T02:00, 12h, 3d"
        raise InputError("neither a time nor a duration", hint=hint) from None


def time_text(at_s: int) -> str:
    """Return the text that `time_s` reads anywhere: with its distance from UTC."""
    return datetime.fromtimestamp(at_s).astimezone().isoformat()


def duration_s(text: str) -> int:
    """Return the seconds that `90`, `90s`, `15m`, `12h` or `2d` says.

    Raises:
        InputError: It says none.
    """
    if text.isascii() and text.isdigit() and len(text) <= 10:
        return int(text)
    said = AGE.fullmatch(text)
    if said is None:
        raise InputError("not a duration", hint="90s, 15m, 12h, 2d, or seconds")
    return int(said[1]) * UNITS_S[said[2]]


def duration_text(length_s: int) -> str:
    """Return the shortest text that `duration_s` reads."""
    for unit, unit_s in sorted(UNITS_S.items(), key=lambda one: -one[1]):
        if unit != "w" and length_s and length_s % unit_s == 0:
            return f"{length_s // unit_s}{unit}"
    return "0s"


class Duration(click.types.IntParamType):
    """A duration as the value of an option, seconds.

    Args:
        least_s: It is as long at least.
        most_s: It is as long at most.
    """

    name = "duration"

    def __init__(self, least_s: int, most_s: int) -> None:
        self._least_s, self._most_s = least_s, most_s

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the seconds; see `click.ParamType`."""
        try:
            found = duration_s(str(value))
        except InputError as error:
            self.fail(f"{value!r} is {error}: {error.hint}", param, ctx)
        if not self._least_s <= found <= self._most_s:
            bounds = f"{duration_text(self._least_s)} to {duration_text(self._most_s)}"
            self.fail(f"{value!r} is not {bounds}", param, ctx)
        return found
