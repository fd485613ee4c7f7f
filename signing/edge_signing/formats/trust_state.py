"""The trust state: what a device must never go below, kept outside the slots and the data.

It is kept twice in the partition `bootstate`, at the offsets `COPY_OFFSETS_BYTES`; the valid copy
with the higher `seq` counts, and only the other one is ever written. One copy is 4096 bytes:
CRC-32 (little endian) of the rest, then the fields below and zeros. A copy with another magic, such
as that of an earlier format, is a damaged one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from construct import (
    Bytes,
    Const,
    Default,
    ExprValidator,
    FixedSized,
    GreedyBytes,
    Int32ul,
    Int64ul,
    PrefixedArray,
    Struct,
)

from edge_signing.errors import FormatError
from edge_signing.formats.record import Record, crc32_sealed
from edge_signing.trust.sighting import MARK_BYTES, Sighting

COPY_BYTES: Final = 4096
COPY_OFFSETS_BYTES: Final = (0x20_0000, 0x30_0000)
MAGIC: Final = b"EDGETRU2"
NOTHING_ARMED: Final = bytes(32)

_CRC_BYTES: Final = 4
_LAST_SEQ: Final = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class TrustState(Record):
    """What one copy says.

    Attributes:
        seq: Grows by one with every write, from 1.
        targets_version: The floor of targets.json, of a committed release; 0 for none.
        root_version: Of the root that it was verified with.
        counter: The highest rollback counter of a committed release.
        floor_s: A time that has passed, in seconds since 1970.
        armed: What was last armed: SHA-256 that the agent makes of an action; zeros for nothing.
        targets_threshold: How many of the keys of `targets` had to sign.
        targets_keys: Their marks, in order.
    """

    LAYOUT: ClassVar[Any] = crc32_sealed(
        FixedSized(
            COPY_BYTES - _CRC_BYTES,
            Struct(
                "magic" / Const(MAGIC),
                "seq" / Int32ul,
                "targets_version" / Int64ul,
                "root_version" / Int64ul,
                "counter" / Int64ul,
                "floor_s" / Int64ul,
                "armed" / Bytes(32),
                "targets_threshold" / Int32ul,
                "targets_keys" / PrefixedArray(Int32ul, Bytes(MARK_BYTES)),
                "padding"
                / Default(ExprValidator(GreedyBytes, lambda data, _context: not any(data)), b""),
            ),
        )
    )

    seq: int
    targets_version: int = 0
    root_version: int = 0
    counter: int = 0
    floor_s: int = 0
    armed: bytes = NOTHING_ARMED
    targets_threshold: int = 0
    targets_keys: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.seq <= _LAST_SEQ:
            raise FormatError(f"trust state: the number {self.seq} is not 1 to {_LAST_SEQ}")
        _ = self.targets  # refuses what was never seen together

    @property
    def targets(self) -> Sighting:
        """The floor of targets.json, with what it was seen with."""
        return Sighting(
            self.targets_version, self.root_version, self.targets_keys, self.targets_threshold
        )


def newest_index(copies: Sequence[bytes]) -> int | None:
    """Return the place of the valid copy that counts; of two with one `seq`, the first.

    Returns:
        None if no copy is valid.
    """
    seqs: dict[int, int] = {}
    for index, copy in enumerate(copies):
        try:
            seqs[index] = TrustState.unpack(copy).seq
        except FormatError:
            continue
    return max(seqs, key=lambda index: (seqs[index], -index)) if seqs else None


def is_blank(copies: Sequence[bytes]) -> bool:
    """Return whether no copy was ever written: all zeros, or erased flash."""
    return all(copy in (bytes(COPY_BYTES), b"\xff" * COPY_BYTES) for copy in copies)
