"""Units of a patch: copies and literals as streams, and these compressed as small as found."""

import hashlib
import lzma
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from edge.bundle.delta.likeness import Copy
from edge.bundle.delta.mapped import Bytes
from edge.bundle.delta.rows import Row
from edge_agent.payload import patch_branches
from edge_agent.payload.patch_unit import word_copies, word_lanes
from edge_signing.formats import varint
from edge_signing.formats.patch import CALLS, DICTIONARY_BYTES, JOINED, PAGES, UNIT_BYTES, UnitHead

_JOINED_MOST_BYTES: Final = 4 << 10
_GAINED_BYTES: Final = 64
_GAINED_BYTES_A_GUESS: Final = 0.75

# A copy: its place in the unit, its length, its position in the source.
Placed = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as it is stored.

    Attributes:
        stored: Its bytes.
        result_sha256: SHA-256 of what it makes. Of unit 0 the decoded block map; of another
            one the fresh bytes of the new image that it stands for, whole: copies from the
            source with their changes, and literals.
    """

    stored: bytes
    result_sha256: bytes


@dataclass(frozen=True, slots=True)
class Streams:
    """What a unit says, before compression."""

    flags: int
    lengths: bytes
    places: bytes
    changes: bytes
    literals: bytes


def map_unit(decoded: bytes) -> Unit:
    """Return unit 0."""
    return Unit(_smallest(decoded), hashlib.sha256(decoded).digest())


def unit(made: Bytes, streams: Streams) -> Unit:
    """Return a unit of fresh bytes: that with the fewest bytes of those that say the same."""
    stored = _apart(streams)
    if len(stored) < _JOINED_MOST_BYTES:
        stored = min(stored, _joined(streams), key=len)
    return Unit(stored, hashlib.sha256(made.tobytes()).digest())


def parts(copies: Iterable[Copy]) -> Iterator[tuple[int, list[Copy]]]:
    """Give each unit that has copies: its number from 0, and its copies, cut at its ends."""
    index, part = 0, list[Copy]()
    for copy in copies:
        begin = copy.begin
        while begin < copy.end:
            if begin // UNIT_BYTES != index:
                yield index, part
                index, part = begin // UNIT_BYTES, []
            end = min(copy.end, (index + 1) * UNIT_BYTES)
            part.append(Copy(begin, end, copy.shift))
            begin = end
    yield index, part


def streams(fresh: Row, source: Row, begin: int, end: int, copies: Sequence[Copy]) -> Streams:
    """Return what the unit of the fresh bytes from `begin` to `end` says."""
    new = fresh.read(begin, end)
    placed = [
        (copy.begin - begin, copy.end - copy.begin, copy.begin + copy.shift) for copy in copies
    ]
    old = np.zeros(len(new), np.uint8)
    for at, length, position in placed:
        old[at : at + length] = source.read(position, position + length)
    flags, changes = _fewest_changes(old, new, placed)
    is_literal = np.ones(len(new), np.bool_)
    for at, length, _position in placed:
        is_literal[at : at + length] = False
    lengths, places = _control(placed, len(new))
    return Streams(
        flags, lengths, places, changes[~is_literal].tobytes(), new[is_literal].tobytes()
    )


def _control(placed: Sequence[Placed], length_bytes: int) -> tuple[bytes, bytes]:
    """Return the lengths and the places of copies."""
    lengths: list[int] = []
    places: list[int] = []
    done = expected = 0
    for at, length, position in placed:
        lengths += [at - done, length]
        places.append(varint.folded(position - expected))
        done, expected = at + length, position + length
    if done < length_bytes:
        lengths.append(length_bytes - done)
    return varint.pack(lengths), varint.pack(places)


def _fewest_changes(old: Bytes, new: Bytes, placed: Sequence[Placed]) -> tuple[int, Bytes]:
    """Return which guesses are worth the time they take on the device, and what is left to add."""
    flags, copies, made = 0, word_copies(placed), bytearray(new.tobytes())
    for kind in (CALLS, PAGES):
        copied = bytearray(old.tobytes())
        guesses = patch_branches.words_of(copied, kind)
        patch_branches.guess(copied, made, copies, kind, made=True)
        guessed = np.frombuffer(copied, np.uint8)
        gained = np.count_nonzero(old != new) - np.count_nonzero(guessed != new)
        if gained > guesses * _GAINED_BYTES_A_GUESS + _GAINED_BYTES:
            flags, old = flags | kind, guessed
    return flags, _changes(old, new, placed)


def _changes(old: Bytes, new: Bytes, placed: Sequence[Placed]) -> Bytes:
    """Return what is added to copies, by the lanes that the device uses."""
    changes: Bytes = new - old
    for at, length, position in placed:
        begin, end = word_lanes(position, at, length)
        words = new[begin:end].view("<u4") - old[begin:end].view("<u4")
        changes[begin:end] = words.view(np.uint8)
    return changes


def _apart(said: Streams) -> bytes:
    stored = [_smallest(stream) for stream in (said.lengths, said.places, said.changes)]
    numbers = (said.flags, *(len(stream) for stream in stored))
    return UnitHead(numbers).pack() + b"".join(stored) + _smallest(said.literals)


def _joined(said: Streams) -> bytes:
    whole = said.lengths + said.places + said.changes + said.literals
    numbers = (JOINED | said.flags, len(said.lengths), len(said.places))
    return UnitHead(numbers).pack() + _smallest(whole)


def _smallest(data: bytes) -> bytes:
    """Return the shortest stream that was found for some bytes."""
    if not data:
        return b""
    return min((_compressed(data, lc, lp, pb) for lc, lp, pb in _TRIED), key=len)


_TRIED: Final = ((3, 0, 0),)


def _compressed(data: bytes, lc: int, lp: int, pb: int) -> bytes:
    options: dict[str, Any] = {
        "id": lzma.FILTER_LZMA2,
        "preset": 9 | lzma.PRESET_EXTREME,
        "dict_size": DICTIONARY_BYTES,
        "lc": lc,
        "lp": lp,
        "pb": pb,
    }
    return lzma.compress(data, format=lzma.FORMAT_RAW, filters=[options])
