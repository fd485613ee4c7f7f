"""A line whose boards, keys and image are simulated, and whose disk is in memory."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from edge.factory import simulated
from edge.factory.audit import Audit
from edge.factory.books import Books, books
from edge.factory.entry import Entry, Kind
from edge.factory.events import Event, Light, PortEvent
from edge.factory.ids import Range
from edge.factory.ledger import entries
from edge.factory.line import Line
from edge.factory.records import made_of
from edge.factory.shift import Shift, Tally
from edge.factory.simulated import Bench, SimulatedBoard
from edge.factory.station import Station
from edge.strict.model import load_model
from tests.fakes.ledger_disk import LedgerDisk

TEXT = """
line: gateway
product: gateway
board: rpi4
image: out
ids: {range: gw-0001..gw-9999}
"""


TESTED = """
steps:
- {step: detect}
- {step: identity}
- {step: flash, retries: 1}
- {step: modem, run: [./modem], on_failure: ask, timeout_s: 1}
- {step: verify}
- {step: register}
"""


def line_of(more: str = "", text: str = TEXT) -> Line:
    """Return a line; `more` is added to its file."""
    return load_model(Line, text + more, "line.yml")


@dataclass
class Yard:
    """One station with its disk, and all that it told."""

    line: Line = field(default_factory=line_of)
    station: str = "S1"
    disk: LedgerDisk = field(default_factory=LedgerDisk)
    range: Range = field(default_factory=lambda: Range("S1", 1, 500))
    ports: Sequence[str] = ("1", "2", "3", "4", "5", "6", "7", "8")
    events: list[Event] = field(default_factory=list)
    clock: "itertools.count[int]" = field(
        default_factory=lambda: itertools.count(1_700_000_000_000)
    )

    def open(self) -> Books:
        ids = self.line.ids.span if self.line.ids.source == "range" else None
        own = [self.range] if ids else []
        return books(self.disk, self.line, self.station, ids, own, now_ms=lambda: next(self.clock))

    def run(
        self, boards: Iterable[SimulatedBoard], *, bench: Bench | None = None, **shift: Any
    ) -> Tally:
        """Run the station until its tray is empty."""
        bench = bench or Bench(self.ports, boards, self.events.append)
        station = self.at(bench, **shift)
        bench.stop = station.stop
        return station.run()

    def at(self, bench: Bench, **shift: Any) -> Station:
        """Return the station over a bench."""
        found = self.open()

        def retired(device: str) -> tuple[str, ...]:
            return found.index.devices[device].certificates

        return Station(
            self.line,
            Shift(self.station, lambda: next(self.clock), look_every_s=0.002, **shift),
            found,
            bench,
            simulated.steps(self.line, bench, retired),
            bench.listen,
        )

    def entries(self) -> list[Entry]:
        """Return what is on the disk."""
        return list(entries(self.disk, self.line.line, self.station))


def findings(yard: Yard) -> list[str]:
    audit = Audit(yard.line, [yard.range])
    for entry in yard.entries():
        audit.take(entry)
    return audit.findings


def ends(yard: Yard) -> list[Entry]:
    return [one for one in yard.entries() if one.said.kind is Kind.END]


def made(yard: Yard) -> dict[str, str]:
    """Return the board of each good device."""
    return {one.device: one.board_serial for one in made_of(yard.entries())}


def ports(yard: Yard, light: Light) -> list[PortEvent]:
    return [one for one in yard.events if isinstance(one, PortEvent) and one.light is light]


class Person:
    """Answers when a port asks."""

    def __init__(self, yard: Yard, *scans: str) -> None:
        self.scans: Iterator[str] = iter(scans)
        self.yard = yard
        self.bench = Bench(yard.ports, [], self.look_on)
        self.station = yard.at(self.bench)
        self.bench.stop = self.station.stop

    def look_on(self, event: Any) -> None:
        self.yard.events.append(event)
        if isinstance(event, PortEvent) and event.light is Light.ASKING:
            scan = next(self.scans, None)
            if scan is None:
                self.station.stop()
            else:
                self.station.scan(scan)

    def make(self, *boards: SimulatedBoard) -> None:
        self.bench.lay(boards)
        self.station.run()
