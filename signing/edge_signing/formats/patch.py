"""Patches: what turns an old image into a new one, in units that are checked and applied singly.

Unit 0 is the block map (`patch_map`); each other one makes `UNIT_BYTES` of the fresh bytes, the
last one what is left. `docs/formats.md` has all of it byte for byte.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from construct import (
    Bytes,
    Const,
    ExprAdapter,
    GreedyBytes,
    Int8ul,
    Int24ul,
    Int32ul,
    Prefixed,
    Struct,
)

from edge_signing.formats import varint
from edge_signing.formats.record import Record

BLOCK_BYTES: Final = 4096
UNIT_BYTES: Final = 1 << 20
DICTIONARY_BYTES: Final = 1 << 20
CONTROL_MOST_BYTES: Final = 256 << 10
STORED_MOST_BYTES: Final = UNIT_BYTES + (64 << 10)

JOINED: Final = 1
CALLS: Final = 2
PAGES: Final = 4

MAGIC: Final = b"EDP1"
BASE_DIGEST_BYTES: Final = 16
DIGEST_BYTES: Final = 32
CRC_END_BYTES: Final = 8
HEAD_BYTES: Final = CRC_END_BYTES + BASE_DIGEST_BYTES + DIGEST_BYTES + 3


def _numbers(prefix: Any) -> Any:
    """Return the layout of a tuple of varints after its length in bytes."""

    def read(data: Any, _context: Any) -> tuple[int, ...]:
        return tuple(varint.unpack(data))

    def written(numbers: Any, _context: Any) -> bytes:
        return varint.pack(numbers)

    return ExprAdapter(Prefixed(prefix, GreedyBytes), read, written)


@dataclass(frozen=True, slots=True)
class UnitHead(Record):
    """The begin of a unit of fresh bytes, ahead of its streams.

    Attributes:
        numbers: The flags; then for joined streams the decoded lengths of *lengths* and *places*,
            else the stored lengths of *lengths*, *places* and *changes*.
    """

    LAYOUT: ClassVar[Any] = Struct("numbers" / _numbers(Int8ul))

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PatchFileHead(Record):
    """The first bytes of a patch that lies alone in a file.

    Attributes:
        crc32: Of all that follows it in the file.
        base_digest: The first half of the SHA-256 of the old image.
        result_digest: The SHA-256 of the new image.
        table_bytes: Length of the table that follows: the length of each unit, as varints.
    """

    LAYOUT: ClassVar[Any] = Struct(
        "magic" / Const(MAGIC),
        "crc32" / Int32ul,
        "base_digest" / Bytes(BASE_DIGEST_BYTES),
        "result_digest" / Bytes(DIGEST_BYTES),
        "table_bytes" / Int24ul,
    )

    crc32: int
    base_digest: bytes
    result_digest: bytes
    table_bytes: int


def split(stored: bytes) -> tuple[UnitHead, memoryview]:
    """Return the head of a unit of fresh bytes, and its streams.

    Raises:
        FormatError: It is shorter than its head.
    """
    head_bytes = 1 + stored[0] if stored else 0
    return UnitHead.unpack(stored[:head_bytes]), memoryview(stored)[head_bytes:]


def units_of(fresh_bytes: int) -> int:
    """Return how many units a patch with so many fresh bytes has, its block map included."""
    return 1 + -(-fresh_bytes // UNIT_BYTES)


def merged(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the union of ranges (begin, end) in ascending order."""
    union: list[tuple[int, int]] = []
    for begin, end in sorted(ranges):
        if union and begin <= union[-1][1]:
            union[-1] = (union[-1][0], max(end, union[-1][1]))
        else:
            union.append((begin, end))
    return union
