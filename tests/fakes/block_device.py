"""A block device whose power fails in the middle of a write."""

from collections.abc import Sequence
from dataclasses import dataclass, field

SECTOR_BYTES = 512
NEVER = 1 << 30


class PowerCutError(Exception):
    """The power is gone; nothing more is written."""


@dataclass
class BlockDevice:
    """Storage that loses power after some sectors.

    Args:
        medium: What outlives the cut.
        sectors_before_cut: How many sectors still get written, over all writes.
        torn_bytes: How much of the sector at the cut gets written; its rest becomes garbage.
        backwards: Whether a write begins with its last sector.
    """

    medium: bytearray
    sectors_before_cut: int = NEVER
    torn_bytes: int = 0
    backwards: bool = False
    writes: list[int] = field(default_factory=list)

    def read(self, offset_bytes: int, length_bytes: int) -> bytes:
        return bytes(self.medium[offset_bytes : offset_bytes + length_bytes])

    def write(self, offset_bytes: int, data: bytes) -> None:
        self.writes.append(offset_bytes)
        starts: Sequence[int] = range(0, len(data), SECTOR_BYTES)
        for start in reversed(starts) if self.backwards else starts:
            self._write_sector(offset_bytes + start, data[start : start + SECTOR_BYTES])

    def _write_sector(self, offset_bytes: int, sector: bytes) -> None:
        if self.sectors_before_cut == 0:
            if self.torn_bytes:
                torn = sector[: self.torn_bytes].ljust(SECTOR_BYTES, b"\xa5")
                self.medium[offset_bytes : offset_bytes + SECTOR_BYTES] = torn
            raise PowerCutError
        self.sectors_before_cut -= 1
        self.medium[offset_bytes : offset_bytes + SECTOR_BYTES] = sector
