"""How many power cuts there are to be, and where they fell."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from edge_signing.messages import Status

CUTS_IN_CI: Final = 26
CUTS: Final = 200
STARTING: Final = "starting"  # the device has told nothing since it was switched on


def cuts_wanted(environment: Mapping[str, str]) -> int:
    """Return how many cuts a run makes: few where every change is tested, many elsewhere.

    Args:
        environment: `EDGE_POWER_CUTS` is the number; else `CI=true` asks for the few.
    """
    if chosen := environment.get("EDGE_POWER_CUTS"):
        return int(chosen)
    return CUTS_IN_CI if environment.get("CI") == "true" else CUTS


def tells_of_this_start(before: Status | None, last: Status | None) -> bool:
    """Return whether the last status is of another start than the one before it."""
    return last is not None and (before is None or last.boot_id != before.boot_id)


@dataclass
class Tally:
    """The phases in which cuts fell."""

    phases: Counter[str] = field(default_factory=Counter)

    def count(self, before: Status | None, last: Status | None) -> str:
        """Count a cut, and return the phase in which it fell.

        Args:
            before: What the device had told when it was switched on.
            last: What it has told when the power goes.
        """
        is_told = tells_of_this_start(before, last)
        phase = last.phase if last is not None and is_told else STARTING
        self.phases[phase] += 1
        return phase

    def text(self) -> str:
        """Return the phases with their numbers, the most frequent first."""
        return ", ".join(f"{phase} {number}" for phase, number in self.phases.most_common())
