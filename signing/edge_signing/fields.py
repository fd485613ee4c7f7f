"""One strict reader for the objects of signed JSON documents: nothing is guessed or left over."""

import re
from collections.abc import Callable
from typing import Final, TypeVar

from edge_signing.errors import FormatError

Parsed = TypeVar("Parsed")

MOST: Final = (1 << 53) - 1  # what every reader of JSON keeps exact

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class Fields:
    """The fields of one JSON object, each taken once.

    Args:
        value: What the document has at this place.
        place: Where that is, for errors: `release.json: images[0]`.

    Raises:
        FormatError: It is not an object.
    """

    def __init__(self, value: object, place: str) -> None:
        if not isinstance(value, dict):
            raise FormatError(f"{place}: not an object")
        self._left = dict(value)
        self._place = place

    def text(self, name: str, pattern: re.Pattern[str]) -> str:
        """Take a string that `pattern` matches as a whole."""
        value = self._take(name)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise FormatError(f"{self._place}: {name} {value!r} is not one")
        return value

    def sha256(self, name: str) -> bytes:
        """Take a SHA-256 in hex and return its 32 bytes."""
        return bytes.fromhex(self.text(name, _SHA256))

    def integer(self, name: str, *, least: int = 0, most: int = MOST) -> int:
        """Take a whole number from `least` to `most`."""
        value = self._take(name)
        if type(value) is not int or not least <= value <= most:
            raise FormatError(f"{self._place}: {name} {value!r} is not a number {least} to {most}")
        return value

    def one_of(self, name: str, known: tuple[Parsed, ...]) -> Parsed:
        """Take a value that is one of those known."""
        value = self._take(name)
        for one in known:
            if type(value) is type(one) and value == one:
                return one
        raise FormatError(f"{self._place}: {name} {value!r} is not known")

    def fields(self, name: str) -> "Fields":
        """Take an object."""
        return Fields(self._take(name), f"{self._place}: {name}")

    def anything(self, name: str) -> object:
        """Take a value that another reader will look into."""
        return self._take(name)

    def has(self, name: str) -> bool:
        """Whether the object has this field."""
        return name in self._left

    def each(self, name: str, parse: Callable[["Fields"], Parsed]) -> tuple[Parsed, ...]:
        """Take a list of objects, each through `parse`, which must use all of its fields."""
        found = []
        for index, item in enumerate(self._list(name)):
            one = Fields(item, f"{self._place}: {name}[{index}]")
            found.append(parse(one))
            one.end()
        return tuple(found)

    def texts(self, name: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
        """Take a list of strings that `pattern` matches, in order and without a repetition."""
        found: list[str] = []
        for one in self._list(name):
            if not isinstance(one, str) or not pattern.fullmatch(one):
                raise FormatError(f"{self._place}: {name}: {one!r} is not one")
            found.append(one)
        if sorted(set(found)) != found:
            raise FormatError(f"{self._place}: {name} is not in order, each once")
        return tuple(found)

    def end(self) -> None:
        """See to it that no field is left.

        Raises:
            FormatError: Fields are left that nobody knows.
        """
        if self._left:
            raise FormatError(f"{self._place}: {', '.join(sorted(self._left))}: not known")

    def _take(self, name: str) -> object:
        if name not in self._left:
            raise FormatError(f"{self._place}: {name} is missing")
        return self._left.pop(name)

    def _list(self, name: str) -> list[object]:
        value = self._take(name)
        if not isinstance(value, list):
            raise FormatError(f"{self._place}: {name} is not a list")
        return value
