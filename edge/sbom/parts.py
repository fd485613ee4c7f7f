"""Documents of strangers, read part by part: each error names its place, and none is too large.

Unknown keys are let be: a document says much that is of no interest here.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from edge.errors import InputError
from edge_signing.sbom import MOST_BYTES

# Each is an object in memory: 8 MiB of `[],` would be hundreds of MiB there.
PIECES_MOST: Final = 500_000
NAME_MOST: Final = 1_000
TEXT_MOST: Final = 20_000
_HINT: Final = "it is not an SBOM of SPDX 2.2 or 2.3 in JSON"


def problem(place: str, what: str) -> InputError:
    """Return the error that something is wrong at a place."""
    return InputError(f"{place}: {what}", hint=_HINT)


@dataclass(frozen=True, slots=True)
class Part:
    """An object of a document.

    Attributes:
        values: What it holds.
        place: Where it is, for errors.
    """

    values: dict[str, Any]
    place: str

    def text(self, key: str) -> str:
        """Return a text; empty if it is not there, or null.

        Raises:
            InputError: It is none.
        """
        found = self.values.get(key)
        return "" if found is None else _text(found, f"{self.place}{key}")

    def name(self, key: str) -> str:
        """Return a short text that has to be there.

        Raises:
            InputError: It is not, or empty, or long.
        """
        found = self.text(key)
        if not 0 < len(found) <= NAME_MOST:
            what = "not there" if not found else f"{len(found)} characters, more than {NAME_MOST}"
            raise problem(f"{self.place}{key}", what)
        return found

    def texts(self, key: str) -> list[str]:
        """Return a list of texts; empty if it is not there.

        Raises:
            InputError: It is none.
        """
        found = enumerate(self._list(key))
        return [_text(one, f"{self.place}{key}[{number}]") for number, one in found]

    def part(self, key: str) -> "Part":
        """Return an object; empty if it is not there.

        Raises:
            InputError: It is none.
        """
        found = self.values.get(key)
        return _part({} if found is None else found, f"{self.place}{key}")

    def parts(self, key: str) -> list["Part"]:
        """Return a list of objects; empty if it is not there.

        Raises:
            InputError: It is none.
        """
        found = enumerate(self._list(key))
        return [_part(one, f"{self.place}{key}[{number}]") for number, one in found]

    def _list(self, key: str) -> list[Any]:
        found = self.values.get(key)
        if found is None:
            return []
        if not isinstance(found, list):
            raise problem(f"{self.place}{key}", "not a list")
        return found


def decoded(data: bytes, place: str) -> Part:
    """Return the object that a document is.

    Args:
        data: The document.
        place: Its name, for errors.

    Raises:
        InputError: It is too large, no JSON, or no object.
    """
    if len(data) > MOST_BYTES:
        raise problem(place, f"{len(data)} bytes, more than {MOST_BYTES}")
    if sum(data.count(one) for one in (b"{", b"[", b",")) > PIECES_MOST:
        raise problem(place, f"made of more than {PIECES_MOST} pieces")
    try:
        found = json.loads(data)
    except RecursionError as error:
        raise problem(place, "nested too deeply") from error
    except ValueError as error:
        raise problem(place, f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise problem(place, "not an object")
    return Part(found, f"{place}: ")


def _part(found: Any, place: str) -> Part:
    if not isinstance(found, dict):
        raise problem(place, "not an object")
    return Part(found, f"{place}.")


def _text(found: Any, place: str) -> str:
    if not isinstance(found, str):
        raise problem(place, "not a text")
    if len(found) > TEXT_MOST:
        raise problem(place, f"a text of {len(found)} characters, more than {TEXT_MOST}")
    try:
        found.encode()
    except UnicodeEncodeError as error:
        raise problem(place, "a text that is not Unicode") from error
    return found
