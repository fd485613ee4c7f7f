"""Apply a patch: the new image in ascending pieces, from the old image and the units.

A unit is a function of the old image and its own bytes alone, so that after a power cut the work
goes on at any unit, and doing one again is harmless. Memory is bounded by the sizes of one unit.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from edge_agent.payload import patch_unit
from edge_agent.payload.patch_streams import decoded
from edge_agent.payload.piece import BaseImage, Piece
from edge_signing.errors import FormatError
from edge_signing.formats.patch import BLOCK_BYTES, STORED_MOST_BYTES, UNIT_BYTES, units_of
from edge_signing.formats.patch_map import MAP_MOST_BYTES, BlockMap

PIECE_BYTES: Final = 256 << 10


def apply(
    unit: Callable[[int], bytes],
    units: int,
    base: BaseImage,
    *,
    first: int = 0,
    result_sha256: Callable[[int], bytes] | None = None,
) -> Iterator[Piece]:
    """Give the new image in ascending pieces without gaps.

    Args:
        unit: Returns the stored bytes of a unit, verified. Unit 0 is always asked for, then each
            one from `first` on, once and in order.
        units: How many there are.
        base: The old image, verified: another one gives other bytes, or an error.
        first: Where to begin: 0 is the begin of the image, another unit where its bytes begin.
        result_sha256: Returns the digest of what a unit has to make, for a check of each.

    Raises:
        FormatError: A unit is not what the format says, or makes other bytes; or the base is too
            short. Pieces that came before are right.
    """
    checked = _Units(unit, result_sha256)
    block_map = checked.block_map()
    if units != units_of(block_map.fresh_bytes):
        raise FormatError(f"patch: {units} units, its block map asks for another number")
    if not 0 <= first < units:
        raise FormatError(f"patch: unit {first} of {units}")
    return _Writer(checked, block_map, base, first).pieces()


@dataclass(frozen=True, slots=True)
class _Units:
    """The units with their checks."""

    stored: Callable[[int], bytes]
    result_sha256: Callable[[int], bytes] | None

    def __call__(self, index: int) -> bytes:
        stored = self.stored(index)
        if len(stored) > STORED_MOST_BYTES:
            raise FormatError(f"patch: unit {index} has {len(stored)} bytes")
        return stored

    def block_map(self) -> BlockMap:
        data = decoded(self(0), MAP_MOST_BYTES)
        self.check(0, data)
        return BlockMap.unpack(data)

    def check(self, index: int, made: bytes | bytearray) -> None:
        wanted = self.result_sha256
        if wanted is not None and hashlib.sha256(made).digest() != wanted(index):
            raise FormatError(f"patch: unit {index} makes other bytes than it should")


class _Writer:
    """The walk along the block map, with the fresh bytes of the unit at hand."""

    def __init__(self, units: _Units, block_map: BlockMap, base: BaseImage, first: int) -> None:
        self._units = units
        self._map = block_map
        self._base = base
        self._source = block_map.source()
        self._skipped_bytes = max(0, first - 1) * UNIT_BYTES
        self._first = first
        self._unit = 0
        self._fresh = b""

    def pieces(self) -> Iterator[Piece]:
        offset = fresh_at = 0
        for run in self._map.runs():
            fresh_bytes = min(run.fresh * BLOCK_BYTES, self._map.new_bytes - offset)
            yield from self._fresh_pieces(offset, fresh_at, fresh_bytes)
            offset, fresh_at = offset + fresh_bytes, fresh_at + fresh_bytes
            copied_bytes = min(run.copied * BLOCK_BYTES, self._map.new_bytes - offset)
            if self._unit or not self._first:
                yield from self._copied_pieces(offset, run.source * BLOCK_BYTES, copied_bytes)
            offset += copied_bytes

    def _fresh_pieces(self, offset: int, fresh_at: int, length: int) -> Iterator[Piece]:
        skipped = min(length, max(0, self._skipped_bytes - fresh_at))
        offset, fresh_at, length = offset + skipped, fresh_at + skipped, length - skipped
        while length:
            begin = fresh_at % UNIT_BYTES
            if self._unit != 1 + fresh_at // UNIT_BYTES:
                self._make(1 + fresh_at // UNIT_BYTES)
            data = self._fresh[begin : begin + min(length, PIECE_BYTES)]
            yield Piece(offset, data, self._unit)
            offset, fresh_at, length = offset + len(data), fresh_at + len(data), length - len(data)

    def _copied_pieces(self, offset: int, source: int, length: int) -> Iterator[Piece]:
        while length:
            data = self._base.pread(min(length, PIECE_BYTES), source)
            if len(data) != min(length, PIECE_BYTES):
                raise FormatError(f"patch: the old image ends before {source + length}")
            yield Piece(offset, data, self._unit)
            offset, source, length = offset + len(data), source + len(data), length - len(data)

    def _make(self, unit: int) -> None:
        self._fresh = b""
        length = min(UNIT_BYTES, self._map.fresh_bytes - (unit - 1) * UNIT_BYTES)
        made = patch_unit.fresh_bytes(self._units(unit), length, self._source, self._base)
        self._units.check(unit, made)
        self._fresh = bytes(made)
        self._unit = unit
