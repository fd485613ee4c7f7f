"""Small files in memory, typed as those of the device, that can stop at any write."""

from edge_agent.errors import StoreError


class MemoryFiles:
    """`edge_agent.store.Files` that loses the power before the write that is due.

    Attributes:
        left: How many writes and removals go well before one fails; None for all.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.left: int | None = None

    def read(self, name: str) -> bytes | None:
        return self.files.get(name)

    def write_atomic(self, name: str, data: bytes) -> None:
        self._spend(name)
        self.files[name] = data

    def remove(self, name: str) -> None:
        self._spend(name)
        self.files.pop(name, None)

    def names(self) -> list[str]:
        return sorted(self.files)

    def _spend(self, name: str) -> None:
        if self.left is not None:
            if self.left == 0:
                raise StoreError(f"{name}: the power is gone")
            self.left -= 1
