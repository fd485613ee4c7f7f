r"""Canonical JSON: one value has one form in bytes, and any other form is refused.

The form: UTF-8, no white space, object keys unique and sorted by code point, strings escaped only
where JSON demands it (`"`, `\`, control characters; the short escapes where there is one), numbers
integers of 64 bits. This is what RFC 8785 gives for such values, but for keys outside the basic
plane, which it sorts by UTF-16.

Source: RFC 8259; RFC 8785 §3.2.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from edge_signing.errors import FormatError

# Deep and large enough for every document of ours, small enough for a device.
LIMIT_BYTES: Final = 16 << 20
LIMIT_DEPTH: Final = 32
LAST_INTEGER: Final = (1 << 63) - 1
_LONGEST_INTEGER: Final = 20

# Lists and objects hold values again; mypy's recursive aliases do not fit `json`'s results.
Value: TypeAlias = Any


def encode(value: Value) -> bytes:
    """Return the one form of a value.

    Args:
        value: None, bool, int, str, and lists, tuples and dicts (with str keys) of them.

    Raises:
        FormatError: It holds another type, an integer of more than 64 bits, half of a surrogate
            pair, or is nested deeper than `LIMIT_DEPTH`.
    """
    _check(value, depth=0)
    return _form(value)


def decode(data: bytes, *, limit_bytes: int = LIMIT_BYTES) -> Value:
    """Return the value that these bytes are the one form of.

    Raises:
        FormatError: They are too many, no JSON, or not exactly what `encode` gives for the value.
    """
    if len(data) > limit_bytes:
        raise FormatError(f"{len(data)} bytes of JSON are more than {limit_bytes}")
    try:
        value = json.loads(
            data.decode(),
            object_pairs_hook=_unique,
            parse_int=_integer,
            parse_float=_no_number,
            parse_constant=_no_number,
        )
    except RecursionError as error:
        raise FormatError(f"JSON is nested deeper than {LIMIT_DEPTH}") from error
    except ValueError as error:
        raise FormatError(f"not JSON: {error}") from error
    if encode(value) != data:
        raise FormatError("JSON is not in its canonical form")
    return value


def _form(value: Value) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise FormatError("a string holds half of a surrogate pair") from error


def _check(value: Value, *, depth: int) -> None:
    if depth > LIMIT_DEPTH:
        raise FormatError(f"JSON is nested deeper than {LIMIT_DEPTH}")
    match value:
        case None | bool() | str():
            return
        case int():
            _check_integer(value)
        case dict():
            _check_keys(value)
            _check_all(value.values(), depth)
        case list() | tuple():
            _check_all(value, depth)
        case _:
            raise FormatError(f"{value!r} has no canonical form: use integers, strings, lists")


def _check_all(values: Iterable[Value], depth: int) -> None:
    for one in values:
        _check(one, depth=depth + 1)


def _check_keys(value: Mapping[Value, Value]) -> None:
    for key in value:
        if not isinstance(key, str):
            raise FormatError(f"the key {key!r} is no string")


def _check_integer(value: int) -> None:
    if not -LAST_INTEGER - 1 <= value <= LAST_INTEGER:
        raise FormatError("an integer has more than 64 bits")


def _unique(pairs: Sequence[tuple[str, Value]]) -> dict[str, Value]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise FormatError(f"the key {twice!r} is there twice")
    return found


def _integer(text: str) -> int:
    if len(text) > _LONGEST_INTEGER:
        raise FormatError("an integer has more than 64 bits")
    return int(text)


def _no_number(text: str) -> Value:
    raise FormatError(f"{text} is no integer")
