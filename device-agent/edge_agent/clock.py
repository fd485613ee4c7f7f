"""Time as an argument."""

import random
import time
from typing import Final, Protocol

# Longer than any device lives; what is later is a broken clock and would break dates.
LAST_S: Final = 253_402_300_799


class Clock(Protocol):
    """What time it is."""

    def now_s(self) -> int:
        """Return seconds since 1970; it may be wrong by years."""

    def monotonic_s(self) -> float:
        """Return seconds of a clock that only goes forward."""

    def jitter(self) -> float:
        """Return a random number from 0 to 1."""


class DeviceClock:
    """The clocks of this device."""

    def now_s(self) -> int:
        """See `Clock`."""
        return int(time.time())  # noqa: TID251  # this is the Clock

    def monotonic_s(self) -> float:
        """See `Clock`."""
        return time.monotonic()

    def jitter(self) -> float:
        """See `Clock`."""
        return random.random()  # noqa: S311  # spreads devices, keeps no secret


def now_s(clock: Clock, floor_s: int) -> int:
    """Return the time that counts: the clock, or the floor if that is later."""
    return min(max(clock.now_s(), floor_s), LAST_S)
