"""Half-duplex dialogs: a generator asks for steps and gets answers, without port and clock."""

import re
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final, TypeVar

from edge.flash.events import Event

KEPT_BYTES: Final = 1 << 16  # of what nobody took: a board that babbles fills no memory


@dataclass(frozen=True, slots=True)
class Send:
    """Put bytes on the line."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Receive:
    """Wait for at least one byte, `timeout_s` at most; the answer is empty when none came."""

    timeout_s: float


@dataclass(frozen=True, slots=True)
class SetBaud:
    """Change our side's rate, after all that was sent has left."""

    baud: int


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell whoever listens."""

    event: Event


Step = Send | Receive | SetBaud | Tell


@dataclass(frozen=True, slots=True)
class Heard:
    """The answer to each step: bytes to a `Receive`, none to others.

    Attributes:
        data: What came in.
        at_s: When, on a clock that only goes forward.
    """

    data: bytes
    at_s: float


Result = TypeVar("Result")
Dialog = Generator[Step, Heard, Result]


class Line:
    """What the other side said and no dialog has taken yet: it outlives each single dialog."""

    def __init__(self) -> None:
        self.pending = bytearray()

    def now_s(self) -> Dialog[float]:
        """Return the time; takes in what is there."""
        heard = yield Receive(0)
        self._keep(heard.data)
        return heard.at_s

    def more(self, timeout_s: float) -> Dialog[tuple[bool, float]]:
        """Take in more; return whether something came, and the time."""
        heard = yield Receive(max(timeout_s, 0))
        self._keep(heard.data)
        return bool(heard.data), heard.at_s

    def byte(self, timeout_s: float) -> Dialog[int | None]:
        """Return the next byte, or None when none comes in time."""
        if not self.pending:
            yield from self.more(timeout_s)
        return self.pending.pop(0) if self.pending else None

    def match(self, pattern: re.Pattern[bytes], timeout_s: float) -> Dialog[re.Match[bytes] | None]:
        """Return the first match, and take all up to its end; None when it does not come in time.

        The time counts from the start, whatever else is said meanwhile.
        """
        if found := self._take(pattern):
            return found
        deadline_s = timeout_s + (yield from self.now_s())
        left_s = timeout_s
        while not (found := self._take(pattern)):
            if left_s <= 0:
                return None
            _came, at_s = yield from self.more(left_s)
            left_s = deadline_s - at_s
        return found

    def quiet(self, quiet_s: float, *, at_most_s: float) -> Dialog[bool]:
        """Drop all that is said until nothing is for `quiet_s`; False when that never happened."""
        deadline_s = at_most_s + (yield from self.now_s())
        while True:
            self.pending.clear()
            came, at_s = yield from self.more(quiet_s)
            if not came:
                return True
            if at_s >= deadline_s:
                return False

    def tail(self) -> str:
        """Return the end of what nobody took, for an error message."""
        return shown(bytes(self.pending))

    def _take(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        found = pattern.search(bytes(self.pending))
        if found:
            del self.pending[: found.end()]
        return found

    def _keep(self, data: bytes) -> None:
        self.pending += data
        if len(self.pending) > KEPT_BYTES:
            del self.pending[:-KEPT_BYTES]


def shown(data: bytes, *, at_most: int = 160) -> str:
    """Return the end of what a board said, as one printable line between quotes."""
    return repr(data[-at_most:].decode("ascii", "replace").replace("\r", ""))
