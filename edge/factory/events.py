"""What a station tells while it runs: to the operator's view, or as JSON lines.

The newest event of a port is all that its tile shows; a view needs no memory. docs/factory.md has
the same as JSON lines.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Light(StrEnum):
    """How a port stands, in one word; the names are part of the JSON lines and never change."""

    EMPTY = "empty"
    WORKING = "working"
    ASKING = "asking"
    GOOD = "good"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class PortEvent:
    """A port as it stands now.

    Attributes:
        port: Name of the port, as the station was given it.
        light: How it stands.
        unit: The run at this port; empty when there is none.
        device: Id of the device; empty until it has one.
        serial: What the board says of itself, may be empty.
        step: The step under way, or the one that failed; empty when none is.
        attempt: Of that step, counts from 1; 0 when there is none.
        percent: How far the step is; None when nobody can say.
        advice: What the operator should do now; empty for nothing.
        note: What happened, one line: an error, a retry, a measured value.
    """

    port: str
    light: Light
    unit: str = ""
    device: str = ""
    serial: str = ""
    step: str = ""
    attempt: int = 0
    percent: int | None = None
    advice: str = ""
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as what JSON can say."""
        return {"event": "port", **asdict(self), "light": self.light.value}


@dataclass(frozen=True, slots=True)
class StationEvent:
    """The station as a whole: told at the start, and when a count or what was scanned changes.

    Attributes:
        station: Its name.
        line: Name of the line.
        product: What is made.
        ports: The names of all ports, in their order on the screen.
        operator: Who stands there, may be empty.
        order: Scanned or given, may be empty.
        good: Devices that this shift made.
        failed: Runs of this shift that ended otherwise.
        first_pass: Of the good ones: in their first run, without a second try of any step.
        wanted: How many good ones to stop after; None for no end.
        left: Ids that the station may still give.
        note: What the operator should know of the station, one line.
    """

    station: str
    line: str
    product: str
    ports: tuple[str, ...]
    operator: str = ""
    order: str = ""
    good: int = 0
    failed: int = 0
    first_pass: int = 0
    wanted: int | None = None
    left: int = 0
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as what JSON can say."""
        return {"event": "station", **asdict(self), "ports": list(self.ports)}


@dataclass(frozen=True, slots=True)
class ScanEvent:
    """What was read from the scanner or the keyboard, and whether it meant something.

    Attributes:
        text: As it was read.
        accepted: Whether it was taken.
        note: What it was taken for, or why it was not.
    """

    text: str
    accepted: bool
    note: str

    def to_json(self) -> dict[str, Any]:
        """Return it as what JSON can say."""
        return {"event": "scan", **asdict(self)}


Event = PortEvent | StationEvent | ScanEvent

Listener = Callable[[Event], None]
"""Whoever wants to know; called from any thread, one call at a time; it returns soon."""
