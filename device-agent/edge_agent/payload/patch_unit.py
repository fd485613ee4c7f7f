"""One unit of fresh bytes: copies from the source with their changes, and literals."""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from edge_agent.payload import lanes, patch_branches
from edge_agent.payload.patch_streams import decoded, exactly
from edge_agent.payload.piece import BaseImage
from edge_signing.errors import FormatError
from edge_signing.formats import varint
from edge_signing.formats.patch import CALLS, CONTROL_MOST_BYTES, JOINED, PAGES, UnitHead, split
from edge_signing.formats.patch_map import Source

_WORDS_FROM_BYTES: Final = 16
_NUMBERS_JOINED: Final = 3
_NUMBERS_APART: Final = 4


@dataclass(frozen=True, slots=True)
class Operations:
    """By columns: literal bytes, then bytes copied from a position of the source, and again."""

    literal: "array[int]"
    copied: "array[int]"
    positions: "array[int]"

    def copies(self) -> Iterator[tuple[int, int, int]]:
        """Give each copy: its place in the unit, its length, its position in the source."""
        at = 0
        for literal, copied, position in zip(
            self.literal, self.copied, self.positions, strict=True
        ):
            at += literal
            if copied:
                yield at, copied, position
            at += copied


@dataclass(frozen=True, slots=True)
class Streams:
    """The four streams of a unit, decoded, and what it says about them."""

    flags: int
    operations: Operations
    changes: bytes
    literals: bytes


def fresh_bytes(stored: bytes, length_bytes: int, source: Source, base: BaseImage) -> bytearray:
    """Return the bytes that a unit makes.

    Args:
        stored: The unit.
        length_bytes: How many it has to make.
        source: Where copies come from.
        base: The old image.

    Raises:
        FormatError: The unit is not what the format says, or the base is too short for it.
    """
    streams = unpack(stored, length_bytes, source.old_bytes)
    changes = _in_place(streams, length_bytes)
    operations, flags = streams.operations, streams.flags
    del streams
    fresh = bytearray(length_bytes)
    for at, length, position in operations.copies():
        _copy(fresh, at, source.pieces(position, length), base)
    if flags & (CALLS | PAGES):
        patch_branches.guess(fresh, changes, word_copies(operations.copies()), flags)
    lanes.add(fresh, changes, _mask(operations, length_bytes))
    return fresh


def unpack(stored: bytes, length_bytes: int, source_bytes: int) -> Streams:
    """Return the streams of a unit that makes `length_bytes`.

    Raises:
        FormatError: The unit is not what the format says.
    """
    head, streams = split(stored)
    flags = head.numbers[0] if head.numbers else -1
    if flags & ~(JOINED | CALLS | PAGES) or len(head.numbers) != _wanted(flags):
        raise FormatError("patch: a unit with other flags or numbers than the format has")
    if flags & JOINED:
        return _joined(head, streams, length_bytes, source_bytes)
    return _apart(head, streams, length_bytes, source_bytes)


def word_lanes(position: int, at: int, length: int) -> tuple[int, int]:
    """Return the part of a copy (begin, end; of the unit) whose changes are words.

    Words lie at multiples of 4 in the unit, and only in copies that keep their place in a word.
    """
    if (position - at) % lanes.WORD_BYTES or length < _WORDS_FROM_BYTES:
        return at, at
    return at + -at % lanes.WORD_BYTES, (at + length) // lanes.WORD_BYTES * lanes.WORD_BYTES


def word_copies(copies: Iterable[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Return first and last word (exclusive) of copies, and how far the source is ahead."""
    found: list[tuple[int, int, int]] = []
    for at, length, position in copies:
        begin, end = word_lanes(position, at, length)
        if begin < end:
            found.append((begin >> 2, end >> 2, (position - at) >> 2))
    return found


def _wanted(flags: int) -> int:
    return _NUMBERS_JOINED if flags & JOINED else _NUMBERS_APART


def _joined(head: UnitHead, streams: memoryview, length_bytes: int, source_bytes: int) -> Streams:
    flags, lengths_bytes, places_bytes = head.numbers
    if max(lengths_bytes, places_bytes) > CONTROL_MOST_BYTES:
        raise FormatError(f"patch: lengths or places of more than {CONTROL_MOST_BYTES} bytes")
    control_bytes = lengths_bytes + places_bytes
    data = exactly(streams, control_bytes + length_bytes)
    operations = _operations(
        data[:lengths_bytes], data[lengths_bytes:control_bytes], length_bytes, source_bytes
    )
    changes_end = control_bytes + sum(operations.copied)
    return Streams(flags, operations, data[control_bytes:changes_end], data[changes_end:])


def _apart(head: UnitHead, streams: memoryview, length_bytes: int, source_bytes: int) -> Streams:
    parts: list[memoryview] = []
    begin = 0
    for stored_bytes in head.numbers[1:]:
        parts.append(streams[begin : begin + stored_bytes])
        if len(parts[-1]) != stored_bytes:
            raise FormatError("patch: a unit shorter than its streams")
        begin += stored_bytes
    lengths, places = (decoded(part, CONTROL_MOST_BYTES) for part in parts[:2])
    operations = _operations(lengths, places, length_bytes, source_bytes)
    changes_bytes = sum(operations.copied)
    changes = exactly(parts[2], changes_bytes)
    literals = exactly(streams[begin:], length_bytes - changes_bytes)
    return Streams(head.numbers[0], operations, changes, literals)


def _operations(lengths: bytes, places: bytes, length_bytes: int, source_bytes: int) -> Operations:
    """Return operations that make exactly `length_bytes` and copy what the source has."""
    numbers, shifts = varint.unpack(lengths), varint.unpack(places)
    literal, copied = numbers[::2], numbers[1::2]
    if len(shifts) != len(copied) or sum(numbers) != length_bytes or 0 in copied:
        raise FormatError("patch: lengths and places do not make the bytes of the unit")
    positions = array("Q")
    position = 0
    for length, shift in zip(copied, shifts, strict=True):
        position += varint.unfolded(shift)
        if position < 0 or position + length > source_bytes:
            raise FormatError(f"patch: a copy from {position}, outside of the old image")
        positions.append(position)
        position += length
    if len(literal) > len(copied):
        copied.append(0)
        positions.append(0)
    return Operations(literal, copied, positions)


def _in_place(streams: Streams, length_bytes: int) -> bytearray:
    """Return changes and literals where they are added."""
    placed = bytearray(length_bytes)
    changes, literals = memoryview(streams.changes), memoryview(streams.literals)
    at = 0
    for literal, copied in zip(streams.operations.literal, streams.operations.copied, strict=True):
        placed[at : at + literal] = literals[:literal]
        at += literal
        placed[at : at + copied] = changes[:copied]
        at += copied
        literals, changes = literals[literal:], changes[copied:]
    return placed


def _copy(fresh: bytearray, at: int, pieces: Iterable[tuple[int, int]], base: BaseImage) -> None:
    for offset, length in pieces:
        data = base.pread(length, offset)
        if len(data) != length:
            raise FormatError(f"patch: the old image ends before {offset + length}")
        fresh[at : at + length] = data
        at += length


def _mask(operations: Operations, length_bytes: int) -> bytearray:
    """Return the top bit of each lane: bytes, or words in copies that keep their place in one."""
    mask = bytearray(b"\x80") * length_bytes
    for at, length, position in operations.copies():
        begin, end = word_lanes(position, at, length)
        while begin < end:
            piece = min(lanes.PIECE_BYTES, end - begin)
            mask[begin : begin + piece] = lanes.WORDS_MASK[:piece]
            begin += piece
    return mask
