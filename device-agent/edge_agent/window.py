"""The maintenance window of a device: when it may restart by itself. Pure."""

from dataclasses import dataclass
from typing import Final

DAY_MIN: Final = 24 * 60


@dataclass(frozen=True, slots=True)
class Window:
    """A time of the day, every day; one that ends before it begins goes over midnight.

    Attributes:
        begin_min: Minutes after midnight, local time.
        end_min: Minutes after midnight, not part of it.
        offset_min: Local time less UTC.
    """

    begin_min: int
    end_min: int
    offset_min: int = 0

    def is_open(self, now_s: int) -> bool:
        """Return whether it is open at a time, in seconds since 1970."""
        minute = (now_s // 60 + self.offset_min) % DAY_MIN
        if self.begin_min <= self.end_min:
            return self.begin_min <= minute < self.end_min
        return minute >= self.begin_min or minute < self.end_min
