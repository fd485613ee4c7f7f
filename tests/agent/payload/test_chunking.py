"""Where an image is cut: as the document says, near changes only, however it comes in."""

import hashlib
import zlib
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.payload import chunking
from edge_agent.payload.chunking import cuts
from edge_signing.formats.chunks import Cutting
from tests.fakes.chunk_images import SMALL, golden_image, noise, text

# Long runs, so that borders after zeros and by length come up too.
images = st.lists(
    st.one_of(
        st.binary(max_size=200),
        st.integers(0, 600).map(bytes),
        st.builds(noise, st.integers(0, 2000), st.sampled_from("abc")),
    ),
    max_size=12,
).map(b"".join)


TABLE = [hashlib.sha256(b"edge chunk %d" % value).digest()[0] for value in range(256)]


def reference(data: bytes, cutting: Cutting) -> Iterator[tuple[int, bool]]:
    """Yield end and group end of each chunk, byte by byte, as docs/formats.md describes it."""
    last = group = chunks = 0
    for place in range(1, len(data) + 1):
        crc32 = hash_at(data, place, cutting)
        long_enough = place - last >= cutting.least_bytes
        may_end = crc32 is not None or zeros_end(data, place)
        at_the_end = place == len(data)
        if at_the_end or place - last == cutting.most_bytes or (long_enough and may_end):
            chunks += 1
            chosen = (
                crc32 is not None and long_enough and (crc32 >> 16) % 2**cutting.group_bits == 0
            )
            full = place - group >= cutting.group_bytes or chunks == 255
            ends_group = at_the_end or full or (chosen and chunks >= cutting.group_chunks)
            yield place, ends_group
            last = place
            if ends_group:
                group, chunks = place, 0


def hash_at(data: bytes, place: int, cutting: Cutting) -> int | None:
    """Return the CRC-32 before a place where a chunk may end by it."""
    if first_stage(data, place) != 0x5A:
        return None
    crc32 = zlib.crc32(data[max(0, place - 32) : place])
    return None if crc32 % 2**cutting.chunk_bits else crc32


def first_stage(data: bytes, place: int) -> int:
    """Return the bits of the first stage, each the sum of eight bits of what is before."""
    sums = [a + b + c for a in (0, 9) for b in (0, 18) for c in (0, 36)]
    lane = 0
    for number in range(8):
        at = 8 * (place - 1) + number
        bits = sum(substituted(data, at - back) for back in sums)
        lane |= (bits & 1) << number
    return lane


def substituted(data: bytes, bit: int) -> int:
    return TABLE[data[bit // 8]] >> bit % 8 & 1 if bit >= 0 else 0


def zeros_end(data: bytes, place: int) -> bool:
    return 64 <= place < len(data) and not any(data[place - 64 : place]) and data[place] != 0


def ends_of(
    data: bytes, cutting: Cutting = SMALL, piece_bytes: int = 1 << 20
) -> list[tuple[int, bool]]:
    pieces = [data[start : start + piece_bytes] for start in range(0, len(data), piece_bytes)]
    ends = []
    place = 0
    for cut in cuts(pieces, cutting):
        assert cut.data == data[place : place + len(cut.data)]
        place += len(cut.data)
        ends.append((place, cut.ends_group))
    return ends


def test_the_substitution_is_golden() -> None:
    assert hashlib.sha256(chunking.SUBSTITUTE).hexdigest() == (
        "1d327c35a924359a92ef68319b73a25acba248d7479a01bfcede7743a5aca827"
    )


@given(images)
def test_borders_are_those_of_the_document(data: bytes) -> None:
    assert ends_of(data) == list(reference(data, SMALL))


def test_borders_of_the_golden_image_are_those_of_the_document() -> None:
    data = golden_image()

    assert ends_of(data) == list(reference(data, SMALL))


@given(images, st.integers(1, 3000))
def test_the_lengths_of_the_pieces_do_not_matter(data: bytes, piece_bytes: int) -> None:
    assert ends_of(data, piece_bytes=piece_bytes) == ends_of(data)


def test_internal_pieces_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    data = noise(100_000) + bytes(70_000) + text(900) + b"\x01" * 40_000
    large = ends_of(data, Cutting())

    monkeypatch.setattr(chunking, "PIECE_BYTES", 77)

    assert ends_of(data, Cutting()) == large


@given(images)
def test_every_chunk_and_group_keeps_to_its_lengths(data: bytes) -> None:
    ends = ends_of(data)

    lengths = [after - before for before, after in pairwise([0, *(end for end, _ in ends)])]
    assert all(SMALL.least_bytes <= length for length in lengths[:-1])
    assert all(0 < length <= SMALL.most_bytes for length in lengths)
    groups = [end for end, ends_group in ends if ends_group]
    assert all(
        after - before < SMALL.group_bytes + SMALL.most_bytes
        for before, after in pairwise([0, *groups])
    )
    assert sum(lengths) == len(data)
    assert not ends or ends[-1] == (len(data), True)


@given(st.integers(0, 60_000), st.binary(min_size=1, max_size=90))
def test_an_insertion_moves_only_borders_near_it(place: int, inserted: bytes) -> None:
    old = noise(60_000)
    new = old[:place] + inserted + old[place:]

    before, after = ({end for end, _ in ends_of(data)} for data in (old, new))

    assert {end for end in before if end < place} == {end for end in after if end < place}
    far = place + 8 * SMALL.most_bytes
    assert {end + len(inserted) for end in before if end > far} == {
        end for end in after if end > far + len(inserted)
    }


def test_a_file_after_padding_begins_a_chunk() -> None:
    data = noise(700, "a") + bytes(200) + noise(700, "b")

    assert 900 in {end for end, _ in ends_of(data)}


def test_a_run_of_one_byte_is_cut_by_length_only() -> None:
    for value in range(256):
        ends = [end for end, _ in ends_of(bytes([value]) * 5000)]

        assert ends == [1024, 2048, 3072, 4096, 5000]


def test_no_image_has_no_chunks() -> None:
    assert ends_of(b"") == []
