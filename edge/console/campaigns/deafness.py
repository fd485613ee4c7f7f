"""Whether the console hears its devices: over a broker that is lost nobody can report."""

from collections.abc import Callable
from typing import Final

# Devices wait longer between two attempts the longer a broker is lost, so long at most.
AGAIN_MOST_S: Final = 600.0


class Deafness:
    """Whether devices are silent because of the console, not of themselves.

    It lasts as long as the broker is lost, and as long again: until then they have come back.

    Args:
        is_heard: Whether the broker is there now.
        monotonic_s: For how long it was not.
    """

    def __init__(self, is_heard: Callable[[], bool], monotonic_s: Callable[[], float]) -> None:
        self._is_heard = is_heard
        self._monotonic_s = monotonic_s
        self._lost_at: float | None = None
        self._until = 0.0

    def lasts(self) -> bool:
        """Return whether devices can not be blamed; to be asked now and then."""
        now = self._monotonic_s()
        if not self._is_heard():
            if self._lost_at is None:
                self._lost_at = now
            return True
        if self._lost_at is not None:
            self._until = now + min(AGAIN_MOST_S, now - self._lost_at)
            self._lost_at = None
        return now < self._until
