"""Which boards a station takes, and under which id: decided from what is known, by one thread."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from edge.errors import EdgeError, InputError
from edge.factory import golden as samples
from edge.factory.books import Books
from edge.factory.events import Light
from edge.factory.line import Line
from edge.factory.made import Fate
from edge.factory.ports import Seen
from edge.factory.records import Known
from edge.factory.spans import DEVICE

_SCAN: Final = "scan the id for this board"
_SCAN_SERIAL: Final = "scan the serial number of this board"


class Want(StrEnum):
    """What has to be scanned for a board."""

    NOTHING = "nothing"
    ID = "id"
    SERIAL = "serial number"


@dataclass(frozen=True, slots=True)
class Admitted:
    """A run begins, under this id."""

    device: str


@dataclass(frozen=True, slots=True)
class Sample:
    """It is a golden sample; `expected` says whether it has to pass."""

    expected: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing begins.

    Attributes:
        light: How the port stands.
        reason: Why.
        advice: What the operator should do.
        device: The id of the board, if it has one.
        wants: What has to be scanned.
    """

    light: Light
    reason: str
    advice: str
    device: str = ""
    wants: Want = Want.NOTHING


@dataclass(frozen=True, slots=True)
class Admission:
    """Decides.

    Attributes:
        line: What is made.
        books: What is known.
        now_ms: Returns the time.
    """

    line: Line
    books: Books
    now_ms: Callable[[], int]

    def of(
        self, seen: Seen, active: Mapping[str, str], scanned: str = ""
    ) -> Admitted | Sample | Refused:
        """Return what is to be done with a board.

        Args:
            seen: The board.
            active: The ports of the boards that are under way, by their serial numbers.
            scanned: An id that was scanned for it.
        """
        if self.line.serials == "scanner" and not seen.serial:
            reason = "it does not say its serial number"
            return Refused(Light.ASKING, reason, _SCAN_SERIAL, wants=Want.SERIAL)
        if seen.serial in active:
            port = active[seen.serial]
            reason = f"this board is under way at {port}"
            return Refused(Light.ASKING, reason, "wait, or put it back there")
        golden = self.line.golden
        if golden and seen.serial in (*golden.good, *golden.bad):
            return Sample(expected=seen.serial in golden.good)
        if due := samples.missing(golden, self.books.index, self.now_ms()):
            names = ", ".join(due)
            return Refused(Light.ASKING, "golden samples are due", f"first test: {names}")
        known = self.books.index.of_serial(seen.serial) if seen.serial else None
        return _again(known) if known is not None else self._first_time(seen, scanned)

    def _first_time(self, seen: Seen, scanned: str) -> Admitted | Refused:
        try:
            return self._new(seen, scanned)
        except EdgeError as error:
            if scanned:
                return Refused(Light.ASKING, str(error), _SCAN, wants=Want.ID)
            return Refused(Light.BAD, str(error), error.hint or "call for help")

    def _new(self, seen: Seen, scanned: str) -> Admitted | Refused:
        for device, serial in self.books.index.waiting:
            if serial in ("", seen.serial):
                return Admitted(device)
        if self.books.ids is not None:
            return Admitted(self.books.ids.next())
        if self.line.ids.source == "serial":
            if not seen.serial:
                raise InputError("the board does not say its serial number")
            return self._own(self.line.ids.prefix + seen.serial)
        if not scanned:
            return Refused(Light.ASKING, "it needs an id", _SCAN, wants=Want.ID)
        return self._own(scanned)

    def _own(self, device: str) -> Admitted:
        """Take an id that comes from elsewhere.

        Raises:
            InputError: It is none, or another board has it.
        """
        span = self.line.ids.span
        if not DEVICE.fullmatch(device) or (span is not None and span.number(device) is None):
            raise InputError(f"{device!r} is no id of this line")
        if device in self.books.index.devices:
            raise InputError(f"{device} belongs to another board already")
        return Admitted(device)


def _again(known: Known) -> Admitted | Refused:
    """Return what is to be done with a board that has an id."""
    if known.fate is Fate.SCRAPPED:
        return Refused(
            Light.BAD, f"{known.device} was scrapped", "put it into the scrap", known.device
        )
    if known.fate is Fate.GOOD and not known.may_repeat:
        return Refused(Light.GOOD, f"{known.device} is done already", "take it out", known.device)
    return Admitted(known.device)
