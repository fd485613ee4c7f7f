"""The trust state: what a device must never go below, kept outside the slots and the data.

It is kept twice in the partition `bootstate`, at the offsets `COPY_OFFSETS_BYTES`; the valid copy
with the higher `seq` counts, and only the other one is ever written. One copy is 4096 bytes:
CRC-32 (little endian) of the rest, then the fields below and zeros.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from construct import Bytes, Const, Int32ul, Int64ul, Struct

from edge_signing.errors import FormatError
from edge_signing.formats.record import Record, crc32_sealed

COPY_BYTES: Final = 4096
COPY_OFFSETS_BYTES: Final = (0x20_0000, 0x30_0000)
MAGIC: Final = b"EDGETRU1"
NOTHING_ARMED: Final = bytes(32)

_FIELDS_BYTES: Final = 8 + 4 + 4 + 8 + 8 + 32
_LAST_SEQ: Final = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class TrustState(Record):
    """What one copy says.

    Attributes:
        seq: Grows by one with every write, from 1.
        targets_version: The highest version of targets.json of a committed release.
        counter: The highest rollback counter of a committed release.
        floor_s: A time that has passed, in seconds since 1970.
        armed: What was last armed: SHA-256 that the agent makes of an action; zeros for nothing.
    """

    LAYOUT: ClassVar[Any] = crc32_sealed(
        Struct(
            "magic" / Const(MAGIC),
            "seq" / Int32ul,
            "targets_version" / Int32ul,
            "counter" / Int64ul,
            "floor_s" / Int64ul,
            "armed" / Bytes(32),
            "padding" / Const(bytes(COPY_BYTES - 4 - _FIELDS_BYTES)),
        )
    )

    seq: int
    targets_version: int = 0
    counter: int = 0
    floor_s: int = 0
    armed: bytes = NOTHING_ARMED

    def __post_init__(self) -> None:
        if not 1 <= self.seq <= _LAST_SEQ:
            raise FormatError(f"trust state: the number {self.seq} is not 1 to {_LAST_SEQ}")


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
