"""Sparse images: what a board makes of the pieces is the image, and Debian's simg2img agrees."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.flash import sparse
from edge.flash.sparse import BLOCK_BYTES, Part, Piece
from tests.fakes.usb.fastboot_board import expanded

SECTOR = 512
LENGTH = 1 << 20


def filled(parts: list[Part], pieces: list[Piece], length: int = LENGTH) -> tuple[bytes, bytes]:
    """Return a disk of 0xff with the parts laid on it, and one that the pieces were written to."""
    wanted = bytearray(b"\xff" * length)
    got = bytearray(wanted)
    for part in parts:
        start = part.offset_bytes // BLOCK_BYTES * BLOCK_BYTES
        end = -(-part.end_bytes // BLOCK_BYTES) * BLOCK_BYTES
        for block in range(start, end, BLOCK_BYTES):
            if not any(
                one.offset_bytes < block + BLOCK_BYTES and block < one.end_bytes
                for one in parts[: parts.index(part)]
            ):
                wanted[block : block + BLOCK_BYTES] = bytes(BLOCK_BYTES)
    for part in parts:
        wanted[part.offset_bytes : part.end_bytes] = part.data
    for piece in pieces:
        expanded(piece.data, got)
    return bytes(wanted), bytes(got)


@st.composite
def some_parts(draw: st.DrawFn) -> list[Part]:
    parts = []
    at = 0
    for _number in range(draw(st.integers(1, 6))):
        at += draw(st.integers(0, 40)) * SECTOR
        length = draw(st.sampled_from([1, 100, SECTOR, BLOCK_BYTES, 3 * BLOCK_BYTES, 9000]))
        word = draw(st.sampled_from([b"\0\0\0\0", b"abcd", b"1", b"\1\2\3"]))
        parts.append(Part(at, (word * length)[:length]))
        at = -(-(at + length) // SECTOR) * SECTOR
    return parts


@settings(deadline=None)
@given(some_parts(), st.sampled_from([5000, 9000, 20_000, 1 << 20]))
def test_the_pieces_together_are_the_parts(parts: list[Part], most_bytes: int) -> None:
    pieces = list(sparse.pieces(parts, LENGTH, most_bytes))

    wanted, got = filled(parts, pieces)
    assert got == wanted
    assert all(len(piece.data) <= most_bytes for piece in pieces)


def test_what_repeats_takes_no_room() -> None:
    (piece,) = sparse.pieces([Part(0, bytes(LENGTH // 2))], LENGTH, 1 << 20)

    assert piece.data.hex() == (
        "3aff26ed" "0100" "0000" "1c00" "0c00" "00100000" "00010000" "02000000" "00000000"
        "c2ca" "0000" "80000000" "10000000" "00000000"
        "c3ca" "0000" "80000000" "0c000000"
    )  # fmt: skip


def test_each_piece_has_the_whole_length_and_leaves_the_rest_alone() -> None:
    data = bytes(range(256)) * 64  # four blocks
    pieces = list(sparse.pieces([Part(8 * BLOCK_BYTES, data)], LENGTH, 9000))

    assert len(pieces) == 2
    disk = bytearray(b"\xff" * LENGTH)
    expanded(pieces[1].data, disk)
    assert disk[: 10 * BLOCK_BYTES] == b"\xff" * (10 * BLOCK_BYTES)
    assert disk[10 * BLOCK_BYTES : 12 * BLOCK_BYTES] == data[: 2 * BLOCK_BYTES]


def test_the_start_of_a_disk_is_cleared_and_no_more() -> None:
    disk = bytearray(b"\xff" * LENGTH)

    expanded(sparse.cleared(10_000, LENGTH).data, disk)

    assert disk[: 3 * BLOCK_BYTES] == bytes(3 * BLOCK_BYTES)
    assert set(disk[3 * BLOCK_BYTES :]) == {0xFF}


def test_nothing_gives_no_piece() -> None:
    assert list(sparse.pieces([], LENGTH, 1 << 20)) == []


@pytest.mark.parametrize("length", [1, BLOCK_BYTES, BLOCK_BYTES + 1])
def test_an_image_that_ends_in_a_block_is_filled_up(length: int) -> None:
    (piece,) = sparse.pieces([Part(0, b"x" * length)], length, 1 << 20)
    disk = bytearray(2 * BLOCK_BYTES)

    expanded(piece.data, disk)

    assert disk.rstrip(b"\0") == b"x" * length
