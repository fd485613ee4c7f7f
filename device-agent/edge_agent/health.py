"""Whether the system that runs may stay: a pure decision, and thin readers of what it rests on.

Healthy is: all services are ready and none ended for a while, the own commands of the image agree,
and, where that is asked for, the server was reached. Unhealthy is what is not healthy in time.
"""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from edge_agent.programs import TIMEOUT_S, Round

READY: Final = Path("/run/edge/ready")  # init makes it when all services are ready
RESTARTS: Final = Path("/run/edge/restarts")  # one file a service: how often it ended
DOWN: Final = Path("/run/edge/down")  # one file for each service that ended and is not back yet
COMMANDS: Final = Path("/etc/edge/health.d")


class Verdict(StrEnum):
    """What is known of the health."""

    PENDING = "pending"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked of a system.

    Attributes:
        stable_s: How long no service may end, once all are ready.
        timeout_s: When it has to be healthy at the latest, from the start of the watch.
        needs_console: Whether the server has to be reached.
    """

    stable_s: float = 30
    timeout_s: float = 300
    needs_console: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What was seen at one time.

    Attributes:
        at_s: Seconds of a clock that only goes forward.
        is_ready: Whether all services are, or were, ready.
        restarts: How often services ended, all together.
        console_reached: Whether the server answered since the start.
    """

    at_s: float
    is_ready: bool
    restarts: int
    console_reached: bool = False


@dataclass(frozen=True, slots=True)
class Watch:
    """What was seen so far.

    Attributes:
        since_s: When the watch began.
        stable_since_s: Since when all is ready and nothing ended; None while it is not.
        restarts: At that time.
        missing: What is missing, in words.
    """

    since_s: float
    stable_since_s: float | None = None
    restarts: int = 0
    missing: str = "not all services are ready"

    def seen(self, facts: Facts) -> "Watch":
        """Return the watch after one more look."""
        if not facts.is_ready:
            return Watch(self.since_s)
        if self.stable_since_s is None:
            return Watch(self.since_s, facts.at_s, facts.restarts, "not stable yet")
        if facts.restarts != self.restarts:
            return Watch(self.since_s, facts.at_s, facts.restarts, "a service ended again")
        return self

    def verdict(self, facts: Facts, terms: Terms) -> tuple[Verdict, str]:
        """Return what is known, and what is missing; the own commands are not looked at."""
        since_s = self.stable_since_s
        is_stable = since_s is not None and facts.at_s - since_s >= terms.stable_s
        missing = self.missing
        if is_stable and (facts.console_reached or not terms.needs_console):
            return Verdict.HEALTHY, ""
        if is_stable:
            missing = "the server was not reached"
        if facts.at_s - self.since_s >= terms.timeout_s:
            return Verdict.UNHEALTHY, f"not healthy after {terms.timeout_s:g} s: {missing}"
        return Verdict.PENDING, missing


class Probe(Protocol):
    """Where the facts come from."""

    def is_ready(self) -> bool:
        """Return whether all services are ready, as far as is known."""

    def restarts(self) -> int:
        """Return how often services ended, all together."""

    def complaint(self) -> str | None:
        """Ask the own commands of the image.

        Returns:
            What the first that disagrees says, empty if all agree, None while they are asked.
        """

    def withdraw(self) -> None:
        """Ask no more: the next `complaint` asks all again."""


@dataclass(slots=True)
class DeviceProbe:
    """What init and the commands of this image say.

    Attributes:
        monotonic_s: A clock that only goes forward.
        timeout_s: How long each command may take.
    """

    monotonic_s: Callable[[], float]
    ready: Path = READY
    counts: Path = RESTARTS
    commands: Path = COMMANDS
    timeout_s: float = TIMEOUT_S
    down: Path = DOWN
    _round: Round | None = field(default=None, init=False)

    def is_ready(self) -> bool:
        """See `Probe`. A service that waits for its next start is not ready."""
        return self.ready.exists() and not _names(self.down)

    def restarts(self) -> int:
        """See `Probe`; what cannot be read counts as none."""
        try:
            return sum(_number(path) for path in self.counts.iterdir())
        except OSError:
            return 0

    def complaint(self) -> str | None:
        """See `Probe`."""
        if self._round is None:
            self._round = Round(_programs(self.commands), self.monotonic_s, self.timeout_s)
        said = self._round.complaint()
        if said is not None:
            self._round = None
        return said

    def withdraw(self) -> None:
        """See `Probe`."""
        if self._round is not None:
            self._round.end()
        self._round = None


def _programs(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if _is_program(path))
    except OSError:
        return []


def _names(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:
        return []


def _is_program(path: Path) -> bool:
    found = path.stat()
    return stat.S_ISREG(found.st_mode) and os.access(path, os.X_OK)


def _number(path: Path) -> int:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0
