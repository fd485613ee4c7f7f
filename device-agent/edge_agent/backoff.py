"""How long to wait before the next attempt: exponential, with full jitter.

After a power cut in a whole town all devices come back at once; each waits a random part of its
time, so that the server sees them spread.
"""

from collections.abc import Callable
from dataclasses import dataclass

_EXPONENT_MOST = 30


@dataclass(slots=True)
class Backoff:
    """Counts attempts that went wrong in a row.

    Attributes:
        random: Returns a number from 0 to below 1.
        first_s: The most to wait after one.
        most_s: The most to wait ever.
    """

    random: Callable[[], float]
    first_s: float = 2.0
    most_s: float = 600.0
    attempts: int = 0

    def next_s(self, at_least_s: float = 0) -> float:
        """Return how long to wait now, and count.

        Args:
            at_least_s: What the server asked for; it is added, so that the jitter stays.
        """
        highest = min(self.most_s, self.first_s * float(1 << min(self.attempts, _EXPONENT_MOST)))
        self.attempts += 1
        return at_least_s + self.random() * highest

    def reset(self) -> None:
        """Start again: an attempt went well."""
        self.attempts = 0
