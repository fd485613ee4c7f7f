"""The files of a station in memory, whose power goes at a chosen write."""

import random
from collections.abc import Iterator


class PowerCutError(BaseException):
    """The machine is off."""


class LedgerDisk:
    """`edge.factory.ledger.Storage` that loses the power in the write that is due.

    Attributes:
        left: How many writes go well before the one that is cut; None for all.
        chance: Decides how much of that one is there: none, a part, or all.
    """

    def __init__(self, left: int | None = None, chance: random.Random | None = None) -> None:
        self.ledger = b""
        self.files: dict[str, bytes] = {}
        self.left = left
        self.chance = chance or random.Random(0)
        self.writes = 0
        self.is_off = False

    def lines(self) -> Iterator[bytes]:
        yield from self.ledger.splitlines(keepends=True)

    def append(self, data: bytes) -> None:
        if self._is_last():
            self.ledger += self._part(data)
            self._go_off()
        self.ledger += data

    def shorten(self, length_bytes: int) -> None:
        if self._is_last():
            if self.chance.random() < 0.5:
                self.ledger = self.ledger[:length_bytes]
            self._go_off()
        self.ledger = self.ledger[:length_bytes]

    def read(self, name: str) -> bytes | None:
        return self.files.get(name)

    def write(self, name: str, data: bytes) -> None:
        if self._is_last():
            if self.chance.random() < 0.5:
                self.files[name] = data
            self._go_off()
        self.files[name] = data

    def names(self) -> list[str]:
        return sorted(self.files)

    def close(self) -> None:
        pass

    def again(self, left: int | None = None) -> "LedgerDisk":
        """Return the same disk after the power came back."""
        disk = LedgerDisk(left, self.chance)
        disk.ledger, disk.files = self.ledger, dict(self.files)
        return disk

    def _is_last(self) -> bool:
        if self.is_off:
            raise PowerCutError
        self.writes += 1
        return self.left is not None and self.writes > self.left

    def _go_off(self) -> None:
        self.is_off = True
        raise PowerCutError

    def _part(self, data: bytes) -> bytes:
        length = self.chance.choice((0, 1, len(data) // 2, len(data) - 1, len(data)))
        part = data[: self.chance.choice((length, self.chance.randrange(len(data) + 1)))]
        is_holed = len(part) > 600 and self.chance.random() < 0.3
        return part[:100] + bytes(200) + part[300:] if is_holed else part
