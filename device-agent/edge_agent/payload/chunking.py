"""Cutting an image into chunks, and these into groups, at places that its contents choose.

A chunk may end where a hash of the last bytes says so, or where a run of zeros ends: in a file
system the latter is where most files begin. Whether it does depends on bytes of the chunk alone
and on the one after it, so an insertion moves only the borders near it.

The hash has two stages. The first, of 9 bytes, is computed for all places at once as a product of
polynomials over GF(2), with the piece as one big integer; one place in 256 passes. There the second
decides, a CRC-32 of the last 32 bytes. A run of one byte never passes the first stage.
"""

import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from edge_signing.formats.chunks import MOST_CHUNKS, Cutting

# 32 KiB pieces of integer arithmetic stay in the processor's cache.
PIECE_BYTES: Final = 32 << 10
WINDOW_BYTES: Final = 32
ZEROS: Final = bytes(64)

SUBSTITUTE: Final = bytes(
    hashlib.sha256(b"edge chunk %d" % value).digest()[0] for value in range(256)
)
SHIFTS: Final = (9, 18, 36)
_SPILL_BYTES: Final = (sum(SHIFTS) + 7) // 8
PASSING: Final = b"\x5a"

_NOT_ZERO: Final = re.compile(rb"[^\0]")
_NO_SUM: Final = -1


@dataclass(frozen=True, slots=True)
class Cut:
    """One chunk, and whether its group ends with it."""

    data: bytes
    ends_group: bool


def cuts(pieces: Iterable[bytes], cutting: Cutting) -> Iterator[Cut]:
    """Yield the chunks of an image, whatever the lengths of the pieces that it comes in.

    Args:
        pieces: The image, in order and without gaps.
        cutting: Where chunks and groups end.
    """
    cutter = _Cutter(cutting)
    held: Cut | None = None
    for piece in pieces:
        for start in range(0, len(piece), PIECE_BYTES):
            for cut in cutter.receive(piece[start : start + PIECE_BYTES]):
                if held:
                    yield held
                held = cut
    rest = cutter.rest()
    if held:
        yield held if rest else Cut(held.data, ends_group=True)
    if rest:
        yield Cut(rest, ends_group=True)


class _Cutter:
    """Cuts a stream; holds less than one chunk and a piece."""

    def __init__(self, cutting: Cutting) -> None:
        self._cutting = cutting
        self._chunk_mask = (1 << cutting.chunk_bits) - 1
        self._group_mask = (1 << cutting.group_bits) - 1
        self._pending = bytearray()
        self._before = b""
        self._group_bytes = 0
        self._group_chunks = 0

    def receive(self, piece: bytes) -> Iterator[Cut]:
        """Yield the chunks that end in or before `piece`, as far as is already sure."""
        known_bytes = len(self._pending)
        self._pending += piece
        ends = _ends(self._before + piece, len(self._before), self._chunk_mask)
        self._before = (self._before + piece)[-len(ZEROS) :]
        cut_bytes = 0
        for place, crc32 in ends:
            end_bytes = known_bytes + place - cut_bytes
            while end_bytes > self._cutting.most_bytes:
                yield self._cut(self._cutting.most_bytes, _NO_SUM)
                cut_bytes += self._cutting.most_bytes
                end_bytes -= self._cutting.most_bytes
            if end_bytes >= self._cutting.least_bytes:
                yield self._cut(end_bytes, crc32)
                cut_bytes += end_bytes
        while len(self._pending) > self._cutting.most_bytes:
            yield self._cut(self._cutting.most_bytes, _NO_SUM)

    def rest(self) -> bytes:
        """Return what comes after the last border."""
        return bytes(self._pending)

    def _cut(self, length_bytes: int, crc32: int) -> Cut:
        data = bytes(self._pending[:length_bytes])
        del self._pending[:length_bytes]
        self._group_bytes += length_bytes
        self._group_chunks += 1
        ends_group = self._ends_group(crc32)
        if ends_group:
            self._group_bytes = self._group_chunks = 0
        return Cut(data, ends_group)

    def _ends_group(self, crc32: int) -> bool:
        if self._group_bytes >= self._cutting.group_bytes or self._group_chunks == MOST_CHUNKS:
            return True
        enough = self._group_chunks >= self._cutting.group_chunks
        return enough and crc32 != _NO_SUM and not (crc32 >> 16) & self._group_mask


def _ends(data: bytes, before_bytes: int, chunk_mask: int) -> list[tuple[int, int]]:
    """Return where chunks may end, counted from the new bytes on, each with its CRC-32.

    Args:
        data: Bytes that are known, then new ones.
        before_bytes: How many are known.
        chunk_mask: The bits of the CRC-32 that must be zero.
    """
    ends = [(place - before_bytes, _NO_SUM) for place in _ends_of_zeros(data, before_bytes)]
    lanes = first_stage(data)
    place = lanes.find(PASSING, before_bytes) + 1
    while place:
        crc32 = zlib.crc32(data[max(0, place - WINDOW_BYTES) : place])
        if not crc32 & chunk_mask:
            ends.append((place - before_bytes, crc32))
        place = lanes.find(PASSING, place) + 1
    ends.sort()
    return ends


def first_stage(data: bytes) -> bytes:
    """Return for each byte the hash of the 9 bytes that end with it."""
    product = int.from_bytes(data.translate(SUBSTITUTE), "little")
    for shift in SHIFTS:
        product ^= product << shift
    return product.to_bytes(len(data) + _SPILL_BYTES, "little")[: len(data)]


def _ends_of_zeros(data: bytes, from_bytes: int) -> Iterator[int]:
    """Yield the places from `from_bytes` on before which there is a run of zeros, and no more."""
    run = data.find(ZEROS)
    while run >= 0:
        end = _NOT_ZERO.search(data, run + len(ZEROS))
        if end is None:
            return
        if end.start() >= from_bytes:
            yield end.start()
        run = data.find(ZEROS, end.start())
