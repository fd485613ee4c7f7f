"""What a line did: yield, cycle times and what fails most, from its ledgers."""

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from edge.factory.entry import Entry, Kind
from edge.factory.records import GOOD


@dataclass(slots=True)
class StepFigures:
    """One step.

    Attributes:
        passed: How often it went well.
        failed: How often it did not, each attempt counted.
        times_ms: How long it took when it went well.
    """

    passed: int = 0
    failed: int = 0
    times_ms: list[int] = field(default_factory=list)

    @property
    def percent(self) -> float:
        """How many of a hundred attempts go well."""
        return _percent(self.passed, self.passed + self.failed)


@dataclass(slots=True)
class Figures:
    """What a line did.

    Attributes:
        runs: How many runs have ended.
        good: Devices that were made good, each once.
        first_pass: Of those: in their first run, and no step failed.
        devices: Devices that were begun.
        scrapped: Devices that were scrapped.
        reworked: How often one was to be made again.
        steps: By name, in the order of the first run.
        reasons: Why runs failed: step and reason.
        cycle_ms: How long good runs took.
        stations: Good ones by station.
        days: Good and failed runs by day (UTC).
    """

    runs: int = 0
    good: int = 0
    first_pass: int = 0
    devices: int = 0
    scrapped: int = 0
    reworked: int = 0
    steps: dict[str, StepFigures] = field(default_factory=dict)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    cycle_ms: list[int] = field(default_factory=list)
    stations: Counter[str] = field(default_factory=Counter)
    days: dict[int, tuple[int, int]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return them as what JSON can say."""
        return {
            "devices": self.devices,
            "good": self.good,
            "yield_percent": _percent(self.good, self.devices),
            "first_pass": self.first_pass,
            "first_pass_percent": _percent(self.first_pass, self.devices),
            "runs": self.runs,
            "scrapped": self.scrapped,
            "reworked": self.reworked,
            "cycle_s": times(self.cycle_ms),
            "steps": [
                {
                    "step": name,
                    "passed": one.passed,
                    "failed": one.failed,
                    "yield_percent": one.percent,
                    "seconds": times(one.times_ms),
                }
                for name, one in self.steps.items()
            ],
            "failures": [
                {"step": step, "reason": reason, "count": count}
                for (step, reason), count in self.reasons.most_common()
            ],
            "stations": dict(sorted(self.stations.items())),
        }


def figures(entries: Iterable[Entry], *, since_ms: int = 0, station: str = "") -> Figures:
    """Return the figures of what ended since a time.

    Args:
        entries: Of all stations.
        since_ms: Milliseconds since 1970.
        station: Only this one; empty for all.
    """
    found = Figures()
    begun: Counter[str] = Counter()
    good: set[str] = set()
    for entry in entries:
        if entry.at_ms < since_ms or station not in ("", entry.station):
            continue
        said = entry.said
        match said.kind:
            case Kind.START:
                begun[said.device] += 1
            case Kind.STEP:
                _step(found, said.details)
            case Kind.END:
                _end(found, entry, begun, good)
            case Kind.SCRAP:
                found.scrapped += 1
            case Kind.REWORK:
                found.reworked += 1
            case _:
                pass
    found.devices, found.good = len(begun), len(good)
    return found


def _step(found: Figures, details: Mapping[str, Any]) -> None:
    if details.get("result") not in ("passed", "failed"):
        return
    step = found.steps.setdefault(str(details["step"]), StepFigures())
    if details["result"] == "passed":
        step.passed += 1
        step.times_ms.append(int(details.get("took_ms", 0)))
    else:
        step.failed += 1


def _end(found: Figures, entry: Entry, begun: Counter[str], good: set[str]) -> None:
    details, device = entry.said.details, entry.said.device
    is_good = details.get("result") == GOOD
    found.runs += 1
    day = entry.at_s // 86_400
    before = found.days.get(day, (0, 0))
    found.days[day] = (before[0] + is_good, before[1] + (not is_good))
    if not is_good:
        reason = str(details.get("reason", "")).removeprefix(f"{entry.said.port}: ")
        found.reasons[str(details.get("step", "")), reason] += 1
        return
    found.cycle_ms.append(int(details.get("took_ms", 0)))
    found.stations[entry.station] += device not in good
    if device not in good and begun[device] <= 1 and not details.get("failures"):
        found.first_pass += 1
    good.add(device)


def times(values_ms: list[int]) -> dict[str, float] | None:
    """Return median, and the time that nine of ten keep to, in seconds; None without a value."""
    if not values_ms:
        return None
    ordered = sorted(values_ms)
    tenth = ordered[min(len(ordered) - 1, (9 * len(ordered)) // 10)]
    return {
        "median": round(statistics.median(ordered) / 1000, 3),
        "p90": round(tenth / 1000, 3),
        "most": round(ordered[-1] / 1000, 3),
    }


def rows(entries: Iterable[Entry]) -> Iterator[dict[str, Any]]:
    """Give one row for each run that has ended: for a spreadsheet."""
    for entry in entries:
        if entry.said.kind is not Kind.END:
            continue
        details = entry.said.details
        yield {
            "at_s": entry.at_s,
            "station": entry.station,
            "port": entry.said.port,
            "operator": entry.said.operator,
            "unit": entry.said.unit,
            "device": entry.said.device,
            "board_serial": details.get("board_serial", ""),
            "order": details.get("order", ""),
            "result": details.get("result", ""),
            "step": details.get("step", ""),
            "reason": details.get("reason", ""),
            "failures": details.get("failures", 0),
            "took_s": int(details.get("took_ms", 0)) / 1000,
            "release": details.get("release", ""),
        }


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0
