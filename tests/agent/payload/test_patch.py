"""Units that lie: whatever their bytes are, applying them ends well or with a FormatError."""

import lzma
import random
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.payload import lanes, patch, patch_branches
from edge_agent.payload.patch_unit import unpack
from edge_signing.errors import FormatError
from edge_signing.formats import varint
from edge_signing.formats.patch import CALLS, JOINED, PAGES, UNIT_BYTES, UnitHead
from edge_signing.formats.patch_map import MAP_MOST_BYTES, BlockMap

OLD = random.Random(1).randbytes(3 * 4096 + 100)
FILTERS: list[dict[str, Any]] = [{"id": lzma.FILTER_LZMA2, "preset": 9, "dict_size": 1 << 20}]


@dataclass(frozen=True)
class Memory:
    """An image in memory."""

    data: bytes

    def pread(self, length: int, offset: int) -> bytes:
        return self.data[offset : offset + length]


def stream(data: bytes) -> bytes:
    return lzma.compress(data, format=lzma.FORMAT_RAW, filters=FILTERS)


def block_map(*numbers: int) -> bytes:
    return stream(varint.pack(numbers))


def joined(lengths: list[int], places: list[int], rest: bytes, flags: int = JOINED) -> bytes:
    control = varint.pack(lengths), varint.pack(varint.folded(place) for place in places)
    head = UnitHead((flags, len(control[0]), len(control[1])))
    return head.pack() + stream(control[0] + control[1] + rest)


def applied(*units: bytes, old: bytes = OLD) -> bytes:
    pieces = patch.apply(lambda index: units[index], len(units), Memory(old))
    return b"".join(piece.data for piece in pieces)


def test_a_patch_written_by_hand_is_applied() -> None:
    the_map = block_map(len(OLD), 2 * 4096, 1, 1, varint.folded(1))
    unit = joined([4000, 96], [10], b"\1" * 96 + b"L" * 4000)
    # The map copies block 2, so that the source begins with blocks 0 and 1.
    changed = bytes((byte + 1) % 256 for byte in OLD[10:106])

    assert applied(the_map, unit) == b"L" * 4000 + changed + OLD[8192:12288]


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(b"", id="empty"),
        pytest.param(stream(b""), id="no numbers"),
        pytest.param(block_map(len(OLD)), id="no new length"),
        pytest.param(block_map(len(OLD), 8192, 1), id="ends early"),
        pytest.param(block_map(len(OLD), 8192, 3), id="beyond the end"),
        pytest.param(block_map(len(OLD), 8192, 0, 3, 0), id="copies beyond the end"),
        pytest.param(block_map(len(OLD), 8192, 1, 0, 0), id="copies nothing"),
        pytest.param(block_map(len(OLD), 8192, 2, 0), id="goes on after the end"),
        pytest.param(block_map(len(OLD), 8192, 0, 2, 1), id="before the old image"),
        pytest.param(block_map(len(OLD), 8192, 0, 2, 4), id="beyond the old image"),
        pytest.param(block_map(len(OLD), 8192, 0, 1, 0, 0, 1, 0), id="a run in two"),
        pytest.param(block_map(len(OLD), 1 << 60, 1 << 48), id="too large"),
        pytest.param(stream(b"\x80\0" * 3), id="not the shortest numbers"),
        pytest.param(stream(bytes(MAP_MOST_BYTES + 1)), id="a bomb"),
        pytest.param(block_map(len(OLD), 8192, 0, 2, 0) + b"\0", id="trailing byte"),
        pytest.param(block_map(len(OLD), 8192, 0, 2, 0)[:-1], id="cut off"),
        pytest.param(block_map(len(OLD) + 4096, 4096, 0, 1, 6), id="the base is too short"),
    ],
)
def test_a_lying_block_map_is_refused(bad: bytes) -> None:
    with pytest.raises(FormatError):
        applied(bad)


MAP = block_map(len(OLD), 4096, 1)


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff", id="no head"),
        pytest.param(UnitHead(()).pack(), id="no flags"),
        pytest.param(joined([4096], [], bytes(4096), flags=8), id="unknown flag"),
        pytest.param(UnitHead((0, 1, 1)).pack(), id="too few lengths"),
        pytest.param(UnitHead((0, 9, 9, 9)).pack(), id="streams are not there"),
        pytest.param(joined([4095], [], bytes(4095)), id="too few bytes"),
        pytest.param(joined([4097], [], bytes(4097)), id="too many bytes"),
        pytest.param(joined([0, 0, 4096], [0], bytes(4096)), id="an empty copy"),
        pytest.param(joined([0, 4096], [], bytes(4096)), id="a copy without a place"),
        pytest.param(joined([4096], [0], bytes(4096)), id="a place without a copy"),
        pytest.param(joined([0, 4096], [-1], bytes(4096)), id="before the source"),
        pytest.param(joined([0, 4096], [len(OLD) - 4095], bytes(4096)), id="beyond the source"),
        pytest.param(joined([0, 4096], [1 << 60], bytes(4096)), id="far beyond the source"),
        pytest.param(joined([4096], [], bytes(2 << 20)), id="a bomb"),
        pytest.param(UnitHead((JOINED, 1 << 40, 0)).pack(), id="huge lengths"),
        pytest.param(joined([4096], [], bytes(4096)) + b"\0", id="trailing byte"),
        pytest.param(bytes(4 << 20), id="too long"),
    ],
)
def test_a_lying_unit_is_refused(bad: bytes) -> None:
    with pytest.raises(FormatError):
        applied(MAP, bad)


def test_another_number_of_units_is_refused() -> None:
    with pytest.raises(FormatError, match="2 units"):
        applied(block_map(len(OLD), 0), b"")


@settings(deadline=None)
@given(place=st.integers(0, 10_000), mask=st.integers(1, 255), flags=st.integers(0, 3))
def test_a_damaged_unit_never_raises_another_error(place: int, mask: int, flags: int) -> None:
    kinds = JOINED | CALLS * (flags & 1) | PAGES * (flags >> 1)
    unit = bytearray(joined([100, 2000, 30, 1966], [4, -900], OLD[:4096], flags=kinds))
    unit[place % len(unit)] ^= mask

    with suppress(FormatError):
        assert len(applied(MAP, bytes(unit))) == 4096


@given(data=st.binary(max_size=200))
def test_foreign_bytes_are_refused_or_unpacked(data: bytes) -> None:
    with pytest.raises(FormatError):
        unpack(data, UNIT_BYTES, 4096)
    with pytest.raises(FormatError):
        BlockMap.unpack(data + b"\x80")


def words(*values: int) -> bytearray:
    return bytearray(b"".join(value.to_bytes(4, "little") for value in values))


def test_a_call_is_guessed_from_the_one_before() -> None:
    # Two calls of one function, 100 and 98 words ahead; it moved by 7 words.
    copied = words(0x9400_0064, 0xD503_201F, 0x9400_0062)
    changes = words(7, 0, 0)

    patch_branches.guess(copied, changes, [(0, 3, 0)], CALLS)

    assert copied == words(0x9400_0064, 0xD503_201F, 0x9400_0069)


def test_a_page_and_its_offset_are_guessed_from_those_before() -> None:
    # adrp x0, +1 page; add x0, x0, #0x10: twice, and it went to the next page, #0x20.
    copied = words(0xB000_0000, 0x9100_4000, 0xB000_0001, 0x9100_4021)
    changes = words(0x3000_0000, 0x4000, 0, 0)
    changes[0:4] = ((0xD000_0000 - 0xB000_0000) % (1 << 32)).to_bytes(4, "little")

    patch_branches.guess(copied, changes, [(0, 4, 0)], PAGES)

    assert copied[8:] == words(0xD000_0001, 0x9100_8021)


@given(st.lists(st.tuples(st.integers(0, 0xFFFF_FFFF), st.integers(0, 0xFFFF_FFFF)), max_size=40))
def test_words_are_added_without_carry_into_the_next(pairs: list[tuple[int, int]]) -> None:
    target = words(*(pair[0] for pair in pairs))

    lanes.add(
        target, words(*(pair[1] for pair in pairs)), bytearray(lanes.WORDS_MASK[: len(target)])
    )

    assert target == words(*((one + other) % (1 << 32) for one, other in pairs))


@given(st.lists(st.integers(0, (1 << 63) - 1)))
def test_numbers_come_back(numbers: list[int]) -> None:
    assert list(varint.unpack(varint.pack(numbers))) == numbers


@given(st.integers(-(1 << 62), (1 << 62) - 1))
def test_signed_numbers_come_back(number: int) -> None:
    assert varint.unfolded(varint.folded(number)) == number
