"""Ids that are handed out: to each station a range of its own, and none twice.

`ranges.json` of the line names who may give which numbers; it only grows. A station gives the
lowest number of its ranges above all that its ledger has, so that a number that was once written
down is never given again.
"""

import fcntl
import itertools
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from edge import atomic
from edge.errors import InputError, RefusedError, UntrustedError
from edge.factory.spans import Span

FILE: Final = "ranges.json"


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers that a station may give, both ends included."""

    station: str
    first: int
    last: int

    def overlaps(self, other: "Range") -> bool:
        """Return whether both have a number."""
        return self.first <= other.last and other.first <= self.last


def read(folder: Path) -> tuple[Range, ...]:
    """Return what was handed out in a line.

    Raises:
        UntrustedError: The file is damaged.
    """
    try:
        found = json.loads((folder / FILE).read_bytes())
        return tuple(_range(one) for one in found)
    except FileNotFoundError:
        return ()
    except (ValueError, KeyError, TypeError) as error:
        raise UntrustedError(f"{folder / FILE}: damaged: {error}") from error


def _range(value: dict[str, Any]) -> Range:
    found = Range(value["station"], value["first"], value["last"])
    if asdict(found) != value or type(found.first) is not int or type(found.last) is not int:
        raise ValueError(f"{value} is no range")
    return found


def write(folder: Path, ranges: Sequence[Range]) -> None:
    """Write what was handed out, whole or not at all."""
    text = json.dumps([asdict(one) for one in ranges], indent=1)
    with atomic.file(folder / FILE) as stream:
        stream.write(text.encode() + b"\n")


def hand_out(folder: Path, span: Span, station: str, count: int) -> Range:
    """Give a station the next numbers of the line.

    Raises:
        InputError: No so many are left.
    """
    with _locked(folder):
        ranges = read(folder)
        made = following(ranges, span, station, count)
        write(folder, (*ranges, made))
        return made


def following(ranges: Sequence[Range], span: Span, station: str, count: int) -> Range:
    """Return the numbers that a station would get next.

    Raises:
        InputError: No so many are left.
    """
    first = max((one.last for one in ranges), default=span.first - 1) + 1
    if first + count - 1 > span.last:
        left = span.last - first + 1
        raise InputError(
            f"{count} ids for {station}: {max(left, 0)} are left of {span.count}",
            hint="make ids.range of line.yml longer, or ask for fewer: --count",
        )
    return Range(station, first, first + count - 1)


def overlapping(ranges: Sequence[Range]) -> list[tuple[Range, Range]]:
    """Return the pairs that have a number in common."""
    ordered = sorted(ranges, key=lambda one: (one.first, one.last))
    return [(one, other) for one, other in itertools.pairwise(ordered) if one.overlaps(other)]


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    handle = os.open(folder / f".{FILE}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


class Ids:
    """The ids that one station may give.

    Args:
        span: How numbers become ids.
        ranges: Those of the station.
    """

    def __init__(self, span: Span, ranges: Sequence[Range]) -> None:
        self._span = span
        self._ranges = sorted(ranges, key=lambda one: one.first)
        self._given = span.first - 1  # all up to here are given or belong to others

    def saw(self, device: str) -> None:
        """Say that an id is in the ledger."""
        number = self._span.number(device)
        if number is not None and any(one.first <= number <= one.last for one in self._ranges):
            self._given = max(self._given, number)

    def next(self) -> str:
        """Return the next id; it counts as given when the ledger has it, and `saw` was told.

        Raises:
            RefusedError: None is left.
        """
        for one in self._ranges:
            number = max(one.first, self._given + 1)
            if number <= one.last:
                return self._span.name(number)
        raise RefusedError(
            "the station has no ids left", hint="edge factory station add LINE NAME --count 1000"
        )

    @property
    def left(self) -> int:
        """How many may still be given."""
        return sum(max(one.last - max(one.first, self._given + 1) + 1, 0) for one in self._ranges)
