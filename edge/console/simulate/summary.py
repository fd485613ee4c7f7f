"""What simulated devices have done so far."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from edge.console.simulate.behaviour import Kind
from edge_agent.machine import Result


@dataclass(slots=True)
class Counts:
    """Counted by all devices of one loop.

    Attributes:
        opened: Times that a device came to be there.
        lost: Times that a link was lost, or broken on purpose.
        refused: Times that the server said no.
        actions_begun: Orders that were taken up.
        doubled: Orders of those that had been taken up before.
        told: Reports of how an order ended, without repetitions.
        repeated: Times that a device told once more what it had told.
        fetched_bytes: What the updates would have fetched.
        results: Actions that ended and are stored by the server, by how.
        silent: Devices that will not be heard again.
    """

    opened: int = 0
    lost: int = 0
    refused: int = 0
    actions_begun: int = 0
    doubled: int = 0
    told: int = 0
    repeated: int = 0
    fetched_bytes: int = 0
    silent: int = 0
    results: Counter[str] = field(default_factory=Counter)
    last_refusal: str = ""

    def begin(self, *, is_again: bool) -> None:
        """Count an order that was taken up."""
        self.actions_begun += 1
        self.doubled += is_again

    def count(self, result: Result) -> None:
        """Count an action that ended."""
        self.results[result.value] += 1

    def facts(self, kinds: Mapping[Kind, int], took_s: float) -> dict[str, object]:
        """Return the summary, for JSON."""
        said = asdict(self)
        return {
            **said,
            "results": {result.value: self.results[result.value] for result in Result},
            "untold": self.told - sum(self.results.values()),
            "devices": sum(kinds.values()),
            "behaviours": {kind.value: kinds.get(kind, 0) for kind in Kind},
            "seconds": round(took_s, 3),
        }
