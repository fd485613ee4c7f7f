"""What devices say over DDI, read with care: JSON of others, of which unknown members are left out.

Pure. Text of devices is shown to people, so that nothing in it can be more than text to a terminal.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from edge_signing.errors import FormatError

_DEPTH_MOST: Final = 16
# What terminals and databases take for more than text.
_CONTROL: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_INSTEAD: Final = "\ufffd"


def opened(body: bytes) -> Mapping[str, Any]:
    """Return the object that a body is.

    Raises:
        FormatError: It is no JSON object, or is nested too deeply.
    """
    try:
        found = json.loads(body.decode())
        _check_depth(found, 0)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"no JSON: {type(error).__name__}") from error
    if not isinstance(found, dict):
        raise FormatError("not a JSON object")
    return found


def part(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a member that is an object; empty if it is left out.

    Raises:
        FormatError: It is something else.
    """
    found = said.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise FormatError(f"{name}: not an object")
    return found


def text(said: Mapping[str, Any], name: str) -> str:
    """Return a member that is a text; empty if it is left out.

    Raises:
        FormatError: It is something else.
    """
    found = said.get(name)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise FormatError(f"{name}: not a text")
    return shown(found)


def number(said: Mapping[str, Any], name: str) -> int:
    """Return a member that is a number from 0; 0 if it is left out.

    Raises:
        FormatError: It is something else.
    """
    found = said.get(name)
    if found is None:
        return 0
    if type(found) is not int or not 0 <= found < 1 << 53:
        raise FormatError(f"{name}: not a number from 0")
    return found


def texts(said: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return a member that is a list of texts; one alone stands for such a list.

    Raises:
        FormatError: It is something else.
    """
    found = said.get(name)
    if found is None:
        return ()
    listed = found if isinstance(found, list) else [found]
    if not all(isinstance(one, str) for one in listed):
        raise FormatError(f"{name}: not a list of texts")
    return tuple(shown(one) for one in listed)


def shown(said: str) -> str:
    """Return a text with nothing in it that a terminal would obey."""
    return _CONTROL.sub(_INSTEAD, said)


def line(said: str) -> str:
    """Return a text as one line with nothing in it that a terminal would obey."""
    return shown(said).replace("\n", " ").replace("\t", " ")


def _check_depth(value: object, depth: int) -> None:
    if depth > _DEPTH_MOST:
        raise FormatError(f"JSON is nested deeper than {_DEPTH_MOST}")
    match value:
        case dict():
            for one in value.values():
                _check_depth(one, depth + 1)
        case list():
            for one in value:
                _check_depth(one, depth + 1)
        case _:
            return
