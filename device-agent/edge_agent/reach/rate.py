"""How often something may be done: so many at once, and then one now and then. Pure."""

from dataclasses import dataclass


@dataclass(slots=True)
class Rate:
    """A burst, and what comes back with time.

    Attributes:
        most: How many at once.
        every_s: After how long there is one more.
        left: How many there are.
        at_s: When that was, on a clock that only goes forward.
    """

    most: float
    every_s: float
    left: float
    at_s: float

    def wait_s(self, now_s: float) -> float:
        """Return how long to wait until one may be done."""
        self.left = min(self.most, self.left + (now_s - self.at_s) / self.every_s)
        self.at_s = now_s
        return 0.0 if self.left >= 1 else (1 - self.left) * self.every_s

    def take(self) -> None:
        """Note that one is done."""
        self.left -= 1
