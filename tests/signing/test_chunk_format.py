"""Table and index of chunks: golden bytes, round trips, and lengths that lie."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_signing.errors import FormatError, SigningError, TrustError
from edge_signing.formats.chunks import (
    ENTRY_BYTES,
    HASH_BYTES,
    MOST_CHUNK_BYTES,
    Chunk,
    Cutting,
    Group,
    Index,
    Table,
    hash_of,
)

VECTORS = Path(__file__).parent.parent / "vectors"
ROW = Group(bytes(range(16)), 0x01_0203, 2, bytes(range(16, 32)), 0x0102)
ENTRY = Chunk(bytes(range(8)), 0x0201, 0x0101, bytes(range(8, 24)))

hashes = st.binary(min_size=HASH_BYTES, max_size=HASH_BYTES)


@st.composite
def groups(draw: st.DrawFn) -> Group:
    raw_bytes = draw(st.integers(256, 200_000))
    least = -(-raw_bytes // MOST_CHUNK_BYTES)
    chunks = draw(st.integers(least, 255))
    stored_bytes = draw(st.integers(0, raw_bytes))
    return Group(draw(hashes), raw_bytes, chunks, draw(hashes), stored_bytes)


def table_of(*rows: Group) -> Table:
    return Table(
        sum(row.raw_bytes for row in rows),
        sum(row.index_bytes + row.stored_bytes for row in rows),
        Cutting(),
        rows,
    )


def indexed(*chunks: Chunk) -> tuple[Group, bytes]:
    data = Index(chunks).pack()
    raw_bytes = sum(chunk.raw_bytes for chunk in chunks)
    stored_bytes = sum(chunk.stored_bytes for chunk in chunks)
    return Group(bytes(16), raw_bytes, len(chunks), hash_of(data), stored_bytes), data


def test_the_bytes_of_a_table_are_golden() -> None:
    packed = table_of(ROW).pack()

    assert packed.hex() == (
        "4544474543484b3103020100000000003a01000000000000"
        "0008ffff0405080000100000000200"
        "01000000"
        "000102030405060708090a0b0c0d0e0f 030201 02 101112131415161718191a1b1c1d1e1f 020100"
    ).replace(" ", "")


def test_the_bytes_of_an_index_are_golden() -> None:
    packed = Index((ENTRY,)).pack()

    assert len(packed) == ENTRY_BYTES
    assert packed.hex() == "00010203040506070102010108090a0b0c0d0e0f1011121314151617"


@given(st.lists(groups(), max_size=5))
def test_a_table_that_is_packed_comes_back(rows: list[Group]) -> None:
    table = table_of(*rows)

    assert Table.unpack(table.pack()) == table


@given(st.binary(max_size=400))
def test_foreign_bytes_are_no_table(data: bytes) -> None:
    with pytest.raises(FormatError):
        Table.unpack(data)


def test_every_truncated_or_longer_table_is_refused() -> None:
    packed = (VECTORS / "chunks_table.bin").read_bytes()

    for damaged in [*(packed[:length] for length in range(len(packed))), packed + b"\0"]:
        with pytest.raises(FormatError):
            Table.unpack(damaged)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"least_bytes": 63}, id="chunks too short"),
        pytest.param({"least_bytes": 3000, "most_bytes": 2999}, id="least above most"),
        pytest.param({"chunk_bits": 17}, id="more bits than the sum has"),
        pytest.param({"group_bits": 17}, id="more group bits than the sum has"),
        pytest.param({"group_chunks": 0}, id="groups of nothing"),
        pytest.param({"group_bytes": 0}, id="groups of no bytes"),
        pytest.param({"group_bytes": (4 << 20) + 1}, id="groups too long"),
        pytest.param({"history_bytes": (4 << 20) + 1}, id="history too long"),
    ],
)
def test_a_cutting_that_is_not_possible_is_refused(change: dict[str, int]) -> None:
    with pytest.raises(FormatError):
        replace(Cutting(), **change)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"raw_bytes": 0}, id="an empty group"),
        pytest.param({"raw_bytes": (1 << 20) + 0xFFFF}, id="a group too long"),
        pytest.param({"raw_bytes": 2 * 0xFFFF + 1}, id="longer than its chunks may be"),
        pytest.param({"raw_bytes": 1}, id="more chunks than bytes"),
        pytest.param({"stored_bytes": 0x010204}, id="stored longer than it is"),
        pytest.param({"chunks": 0}, id="zeros with something stored"),
        pytest.param({"chunks": 0, "stored_bytes": 0}, id="zeros with an index"),
    ],
)
def test_a_group_that_is_not_possible_is_refused(change: dict[str, int]) -> None:
    row = replace(ROW, **change)  # type: ignore[arg-type]

    with pytest.raises(FormatError, match="group 0"):
        table_of(row)


def test_lengths_that_do_not_add_up_are_refused() -> None:
    table = table_of(ROW, ROW)

    with pytest.raises(FormatError, match="groups have"):
        replace(table, image_bytes=table.image_bytes + 1)
    with pytest.raises(FormatError, match="blob has"):
        replace(table, blob_bytes=table.blob_bytes - 1)


@pytest.mark.parametrize(
    "chunk",
    [
        pytest.param(replace(ENTRY, raw_bytes=0, stored_bytes=0), id="empty"),
        pytest.param(replace(ENTRY, stored_bytes=ENTRY.raw_bytes + 1), id="stored too long"),
        pytest.param(replace(ENTRY, raw_bytes=2000), id="longer than chunks may be"),
    ],
)
def test_an_index_with_an_impossible_chunk_is_refused(chunk: Chunk) -> None:
    group, data = indexed(ENTRY, chunk)

    with pytest.raises(FormatError, match="not possible"):
        Index.of(group, data, replace(Cutting(), least_bytes=64, most_bytes=1999))


@pytest.mark.parametrize("name", ["raw_bytes", "stored_bytes"])
def test_an_index_whose_lengths_are_not_the_groups_is_refused(name: str) -> None:
    group, data = indexed(ENTRY, ENTRY)

    with pytest.raises(FormatError, match="not the group's"):
        Index.of(replace(group, **{name: getattr(group, name) + 1}), data, Cutting())


def test_every_damaged_index_is_refused_before_it_is_read() -> None:
    group, data = indexed(ENTRY, ENTRY)

    for place in range(len(data)):
        damaged = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        for wrong in (damaged, data[:place]):
            with pytest.raises(TrustError):
                Index.of(group, wrong, Cutting())


def test_an_index_of_a_broken_length_is_refused() -> None:
    with pytest.raises(SigningError):
        Index.unpack(Index((ENTRY,)).pack() + b"\0")
