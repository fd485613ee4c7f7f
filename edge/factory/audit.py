"""What has to hold in the ledgers of a line besides their chains: no false record, and none double.

Each finding is a sentence that names the places; an empty list is a line in order.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from edge.factory.entry import Entry, Kind
from edge.factory.ids import Range, overlapping
from edge.factory.line import Line
from edge.factory.records import GOOD, RECORD_KEYS
from edge.factory.step_names import REQUIRED


@dataclass(slots=True)
class _Unit:
    device: str
    serial: str
    passed: dict[str, dict[str, object]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Use:
    """Where something that has to be one device's own was seen."""

    device: str
    place: str


class Audit:
    """Takes the entries of all stations of a line.

    Args:
        line: Its file.
        ranges: What was handed out.
    """

    def __init__(self, line: Line, ranges: Sequence[Range]) -> None:
        self._line = line
        self._ranges = ranges
        self._units: dict[str, _Unit] = {}
        self._stations_of: dict[str, str] = {}
        self._serials: dict[str, _Use] = {}
        self._keys: dict[str, _Use] = {}
        self._moved: set[str] = set()
        self.findings: list[str] = [
            f"ids {one.first} to {one.last} of {one.station} and {other.first} to {other.last} of"
            f" {other.station} overlap"
            for one, other in overlapping(ranges)
        ]

    def take(self, entry: Entry) -> None:
        """Look at the next entry; those of a station come in their order."""
        self.findings.extend(f"{_place(entry)}: {found}" for found in self._look(entry))

    def _look(self, entry: Entry) -> Iterator[str]:
        match entry.said.kind:
            case Kind.START:
                yield from self._started(entry)
            case Kind.STEP:
                yield from self._stepped(entry)
            case Kind.END:
                yield from self._ended(entry)
            case Kind.REWORK:
                self._moved.add(entry.said.device)
                if entry.said.details.get("board") == "new":
                    self._serials.pop(str(entry.said.details.get("serial_before")), None)
            case _:
                return

    def _started(self, entry: Entry) -> Iterator[str]:
        said = entry.said
        serial = str(said.details.get("board_serial", ""))
        if said.unit in self._units:
            yield f"the run {said.unit} began before"
        self._units[said.unit] = _Unit(said.device, serial)
        yield from self._given(entry)
        if serial:
            yield from self._own(self._serials, serial, entry, "the board with serial number")

    def _given(self, entry: Entry) -> Iterator[str]:
        device, span = entry.said.device, self._line.ids.span
        if not device:
            yield "a run without an id"
            return
        before = self._stations_of.setdefault(device, entry.station)
        if before != entry.station and device not in self._moved:
            yield f"{device} was made at {before} too"
        if self._line.ids.source != "range" or span is None:
            return
        number = span.number(device)
        own = [one for one in self._ranges if one.station == entry.station]
        is_own = number is not None and any(one.first <= number <= one.last for one in own)
        if not is_own and device not in self._moved:
            yield f"{device} is none of the ids of {entry.station}"

    def _own(self, uses: dict[str, _Use], value: str, entry: Entry, what: str) -> Iterator[str]:
        use = uses.setdefault(value, _Use(entry.said.device, _place(entry)))
        if use.device != entry.said.device:
            yield f"{what} {value} is {use.device} at {use.place}, and {entry.said.device} here"

    def _stepped(self, entry: Entry) -> Iterator[str]:
        said = entry.said
        unit = self._units.get(said.unit)
        if unit is None:
            yield f"a step of {said.unit}, which is not under way"
            return
        if said.details.get("result") == "passed":
            unit.passed[str(said.details.get("step"))] = said.details
        key = said.details.get("key")
        if isinstance(key, str) and key:
            yield from self._own(self._keys, key, entry, "the key")

    def _ended(self, entry: Entry) -> Iterator[str]:
        said = entry.said
        unit = self._units.pop(said.unit, None)
        if unit is None:
            yield f"the end of {said.unit}, which is not under way"
            return
        if said.device != unit.device:
            yield f"{said.unit} began as {unit.device} and ends as {said.device}"
        if said.details.get("result") == GOOD:
            yield from _false_good(said.details, unit)


def _false_good(details: Mapping[str, object], unit: _Unit) -> Iterator[str]:
    for name in REQUIRED:
        if name not in unit.passed:
            yield f"{unit.device} is good, and {name} never passed"
    for key in RECORD_KEYS:
        if key not in details:
            yield f"{unit.device} is good, and the record has no {key}"
    identity = unit.passed.get("identity", {})
    if details.get("key") != identity.get("key"):
        yield f"{unit.device} is good with another key than it was given"


def _place(entry: Entry) -> str:
    return f"{entry.station} entry {entry.n}"
