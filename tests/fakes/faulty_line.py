"""A receiver of YMODEM behind a line that damages single answers and blocks."""

from collections.abc import Mapping
from enum import StrEnum

from tests.fakes.ymodem_receiver import Receiver


class Damage(StrEnum):
    """What happens to bytes on the line."""

    LOST = "lost"
    CUT = "cut"
    LATE = "late"
    TWICE = "twice"
    CHANGED = "changed"


LATE_S = 4.0


class FaultyLine:
    """A port to a receiver, on a clock of the test.

    Args:
        receiver: What is at its other end.
        answers: What happens to which answer, counted from 0.
        blocks: What happens to which write.
    """

    def __init__(
        self,
        receiver: Receiver,
        *,
        answers: Mapping[int, Damage] | None = None,
        blocks: Mapping[int, Damage] | None = None,
    ) -> None:
        self.receiver = receiver
        self.now_s = 0.0
        self._answers = answers or {}
        self._blocks = blocks or {}
        self._count = {"answers": 0, "blocks": 0}
        self._coming: list[tuple[float, bytes]] = []

    def clock_s(self) -> float:
        """Return the time of the test."""
        return self.now_s

    def write(self, data: bytes) -> None:
        """Carry bytes to the receiver."""
        damage = self._damage("blocks", self._blocks)
        for part in _damaged(data, damage):
            self._answer(self.receiver.take(part, self.now_s))

    def read(self, timeout_s: float) -> bytes:
        """Return the next answer that has come in; else let time pass."""
        end_s = self.now_s + timeout_s
        while True:
            due = [entry for entry in self._coming if entry[0] <= self.now_s]
            if due:
                self._coming.remove(due[0])
                return due[0][1]
            if self.now_s >= end_s:
                return b""
            self.now_s = min(self.now_s + 0.05, end_s)
            self._answer(self.receiver.tick(self.now_s))

    def set_baud(self, baud: int) -> None:
        """Do nothing."""

    def fileno(self) -> int:
        """Have no descriptor."""
        raise OSError

    def close(self) -> None:
        """Do nothing."""

    def _answer(self, data: bytes) -> None:
        if not data:
            return
        damage = self._damage("answers", self._answers)
        late_s = LATE_S if damage is Damage.LATE else 0.0
        for part in _damaged(data, damage):
            self._coming.append((self.now_s + late_s, part))

    def _damage(self, what: str, planned: Mapping[int, Damage]) -> Damage | None:
        number = self._count[what]
        self._count[what] += 1
        return planned.get(number)


def _damaged(data: bytes, damage: Damage | None) -> list[bytes]:
    match damage:
        case Damage.LOST:
            return []
        case Damage.CUT:
            return [data[: len(data) // 2]] if len(data) > 1 else []
        case Damage.TWICE:
            return [data, data]
        case Damage.CHANGED:
            middle = len(data) // 2
            return [data[:middle] + bytes([data[middle] ^ 0x55]) + data[middle + 1 :]]
        case _:
            return [data]
