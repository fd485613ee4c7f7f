"""What a console said, as lines for a log file. Pure."""

from collections.abc import Callable
from datetime import datetime


class Transcript:
    """Turns bytes of a console into the bytes of a log.

    Args:
        now: The time of day.
        timestamps: Each line begins with the time at which its first byte came.
    """

    def __init__(self, now: Callable[[], datetime], *, timestamps: bool) -> None:
        self._now = now
        self._timestamps = timestamps
        self._at_line_start = True

    def take(self, data: bytes) -> bytes:
        """Return what goes into the log for these bytes."""
        if not self._timestamps:
            return data
        parts = []
        for line in data.splitlines(keepends=True) if data else ():
            parts += [self._stamp(), line] if self._at_line_start else [line]
            self._at_line_start = line.endswith(b"\n")
        return b"".join(parts)

    def _stamp(self) -> bytes:
        return self._now().isoformat(timespec="milliseconds").encode() + b" "
