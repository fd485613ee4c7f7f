"""A line with simulated boards, in a folder that all other commands can read."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edge import atomic
from edge.factory import ids, line, reading, report, simulated
from edge.factory.books import open_books
from edge.factory.events import Listener
from edge.factory.line import Line
from edge.factory.shift import LOOK_EVERY_S, Shift
from edge.factory.simulated import Bench, Lot
from edge.factory.station import Station

STATION: Final = "S1"
TEXT: Final = """\
# A line with simulated boards: edge factory demo.
line: demo
product: gateway
board: rpi4
image: none
ids: {range: gw-000001..gw-999999}
steps:
- {step: detect}
- {step: identity}
- {step: customise}
- {step: flash, retries: 1}
- {step: verify}
- {step: test, run: [simulated]}
- {step: register}
- {step: label}
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the demo made.

    Attributes:
        boards: How many there were.
        good: Devices that are good.
        failed: Runs that failed.
        first_pass: Devices that were good in their first run.
        entries: Of the ledger.
        findings: What is wrong in the ledger: nothing.
    """

    boards: int
    good: int
    failed: int
    first_pass: int
    entries: int
    findings: list[str]

    def to_json(self) -> dict[str, Any]:
        """Return it as what JSON can say."""
        return {
            "boards": self.boards,
            "good": self.good,
            "failed_runs": self.failed,
            "first_pass": self.first_pass,
            "ledger_entries": self.entries,
            "ledger_ok": not self.findings,
        }


def set_up(folder: Path, count: int) -> Line:
    """Make the folder of a line with one station."""
    (folder / line.STATIONS / STATION).mkdir(parents=True)
    with atomic.file(folder / line.FILE) as stream:
        stream.write(TEXT.encode())
    model = line.read(folder)
    if (span := model.ids.span) is not None:
        ids.hand_out(folder, span, STATION, count)
    return model


def run(
    folder: Path,
    lot: Lot,
    ports: int,
    *,
    now_ms: Callable[[], int],
    look_on: Listener,
    look_every_s: float = LOOK_EVERY_S,
) -> Shown:
    """Make all boards of a lot, and check the ledger.

    Args:
        folder: New; it holds the line afterwards.
        lot: The boards.
        ports: How many of them at a time.
        now_ms: Returns the time.
        look_on: Who is told.
        look_every_s: How often the ports are looked at.
    """
    model = set_up(folder, lot.count)
    names = [f"usb:1-1.{one}" for one in range(1, ports + 1)]
    bench = Bench(names, lot.boards(), look_on)
    books = open_books(folder, model, STATION, now_ms=now_ms)

    def retired(device: str) -> tuple[str, ...]:
        return books.index.devices[device].certificates

    station = Station(
        model,
        Shift(STATION, now_ms, operator="demo", order="demo-1", look_every_s=look_every_s),
        books,
        bench,
        simulated.steps(model, bench, retired),
        bench.listen,
    )
    bench.stop = station.stop
    station.run()
    found = reading.verified(folder, model)
    figures = report.figures(reading.of_line(folder, model))
    failed = figures.runs - len(figures.cycle_ms)
    return Shown(
        lot.count,
        figures.good,
        failed,
        figures.first_pass,
        sum(found.counts.values()),
        found.findings,
    )
