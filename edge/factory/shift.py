"""How a station is run, what it made, and how a run that is over is shown."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge.factory.engine import Run, State
from edge.factory.events import Light, PortEvent
from edge.factory.worker import Worker

LOOK_EVERY_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class Tally:
    """What a shift made."""

    good: int = 0
    failed: int = 0
    first_pass: int = 0


@dataclass(frozen=True, slots=True)
class Shift:
    """How a station is run.

    Attributes:
        station: Its name.
        operator: Who stands there.
        order: What it is for.
        wanted: After so many good ones it ends; None for no end.
        once: One run at each port, then it ends.
        look_every_s: How often the ports are looked at.
        clock_s: Returns seconds that only go forward.
        now_ms: Returns the time.
    """

    station: str
    now_ms: Callable[[], int]
    operator: str = ""
    order: str = ""
    wanted: int | None = None
    once: bool = False
    look_every_s: float = LOOK_EVERY_S
    clock_s: Callable[[], float] = time.monotonic


def shown(worker: Worker, run: Run, *, by_hand: bool) -> PortEvent:
    """Return how a port stands after a run.

    Args:
        worker: The run.
        run: How it ended.
        by_hand: Whether the operator has to say that the board was changed.
    """
    is_good = run.state is State.GOOD
    has_label = "label" in run.facts
    good = f"put the label {worker.device} on it, and take it out" if has_label else "take it out"
    bad = "take it out; plug it in again to try once more"
    return PortEvent(
        worker.port,
        Light.GOOD if is_good else Light.BAD,
        worker.unit,
        worker.device,
        worker.seen.serial,
        "" if is_good or run.rule is None else run.rule.name,
        run.attempt,
        None,
        (good if is_good else bad) + ("; then say next" if by_hand else ""),
        run.reason,
    )
