"""Ids as text and as numbers. Pure."""

import re
from dataclasses import dataclass
from typing import Final

from edge.errors import InputError

_ID: Final = re.compile(r"(?P<prefix>[A-Za-z0-9_-]*?)(?P<number>\d{1,15})")
_MOST_IDS: Final = 100_000_000
DEVICE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Span:
    """The ids `first` to `last`, numbers with a prefix and always as many digits."""

    prefix: str
    digits: int
    first: int
    last: int

    def name(self, number: int) -> str:
        """Return the id with a number."""
        return f"{self.prefix}{number:0{self.digits}}"

    def number(self, device: str) -> int | None:
        """Return the number of an id; None if it is none of these."""
        found = device.removeprefix(self.prefix)
        if not device.startswith(self.prefix) or len(found) != self.digits:
            return None
        if not (found.isascii() and found.isdigit()):
            return None
        number = int(found)
        return number if self.first <= number <= self.last else None

    @property
    def count(self) -> int:
        """How many there are."""
        return self.last - self.first + 1


def span(text: str) -> Span:
    """Return what `gw-000001..gw-999999` means.

    Raises:
        InputError: It means nothing.
    """
    first_text, dots, last_text = text.partition("..")
    first, last = _ID.fullmatch(first_text), _ID.fullmatch(last_text)
    if not dots or not first or not last:
        raise InputError(f"{text!r} is no range of ids", hint="like gw-000001..gw-999999")
    if first["prefix"] != last["prefix"] or len(first_text) != len(last_text):
        raise InputError(f"{text!r}: both ends need one prefix, and as many digits")
    found = Span(first["prefix"], len(first["number"]), int(first["number"]), int(last["number"]))
    if found.last < found.first:
        raise InputError(f"{text!r}: the last id is before the first")
    if found.count > _MOST_IDS or not DEVICE.fullmatch(last_text):
        raise InputError(f"{text!r}: at most {_MOST_IDS} ids of 64 characters")
    return found
