"""The pieces of an image, and how long they take."""

import itertools
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.flash.duration import block_s, on_line_s, spoken
from edge.flash.pieces import GAP_BYTES, HEAD_BYTES, Run, runs
from edge.flash.spans import Span
from edge.flash.spool import spooled
from tests.fakes.memory_source import MemorySource

MIB = 1 << 20


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        pytest.param([(0, 1000)], [(0, 1024)], id="whole sectors"),
        pytest.param([(2 * MIB, 5 * MIB)], [(2 * MIB, 4 * MIB), (4 * MIB, 5 * MIB)], id="cut"),
        pytest.param(
            [(0, 512), (GAP_BYTES + 512, GAP_BYTES + 1024)],
            [(0, GAP_BYTES + 1024)],
            id="a short gap is closed",
        ),
        pytest.param(
            [(0, 512), (GAP_BYTES + 1024, GAP_BYTES + 1536)],
            [(0, 512), (GAP_BYTES + 1024, GAP_BYTES + 1536)],
            id="a long gap is left out",
        ),
        pytest.param(
            [(0, 3 * MIB)], [(0, MIB), (MIB, 3 * MIB)], id="the table is a piece of its own"
        ),
        pytest.param(
            [(MIB - 512, MIB), (MIB + 512, MIB + 1024)],
            [(MIB - 512, MIB), (MIB + 512, MIB + 1024)],
            id="no gap is closed over the end of the first MiB",
        ),
        pytest.param([], [], id="nothing"),
    ],
)
def test_spans_become_runs(spans: list[tuple[int, int]], expected: list[tuple[int, int]]) -> None:
    made = runs([Span(start, end - start) for start, end in spans], 2 * MIB)

    assert [(run.offset_bytes, run.end_bytes) for run in made] == expected


@given(
    cuts=st.lists(st.integers(0, 12000), max_size=20, unique=True),
    piece_sectors=st.integers(1, 5000),
)
def test_runs_hold_all_spans_in_order_and_are_short_enough(
    cuts: list[int], piece_sectors: int
) -> None:
    bounds = sorted(cuts)[: len(cuts) // 2 * 2]
    spans = [
        Span(start * 512, (end - start) * 512)
        for start, end in zip(bounds[::2], bounds[1::2], strict=True)
    ]

    made = runs(spans, piece_sectors * 512)

    assert all(run.length_bytes <= piece_sectors * 512 for run in made)
    assert all(a.end_bytes <= b.offset_bytes for a, b in itertools.pairwise(made))
    assert all(run.is_head or run.offset_bytes >= HEAD_BYTES for run in made)
    covered = {block for run in made for block in range(run.block, run.end_bytes // 512)}
    assert covered >= {
        block for span in spans for block in range(span.offset_bytes // 512, span.end_bytes // 512)
    }


def test_a_run_knows_its_block() -> None:
    assert Run(2 * MIB, 512).block == 4096


def test_the_spool_has_each_piece_once_as_gzip() -> None:
    noise = random.Random(1).randbytes(MIB)
    image = noise + bytes(MIB) + noise + b"the rest"
    source = MemorySource(image, [(0, 700_000), (800_000, 3 * MIB), (3 * MIB, len(image))])
    padded = image.ljust(3 * MIB + 512, b"\0")

    with spooled(source, MIB) as spool:
        for piece in spool.pieces:
            packed = spool.packed(piece)
            content = zlib.decompress(packed, 31)
            there = padded[piece.run.offset_bytes : piece.run.end_bytes]
            if piece.run.offset_bytes == 0:
                there = there[:700_000] + bytes(100_000) + there[800_000:]
            assert content == there
            assert (zlib.crc32(content), zlib.crc32(packed)) == (piece.crc, piece.packed_crc)
            assert spool.named(piece.name) == packed
        assert spool.named("../etc/passwd") is None
        assert [piece.run.length_bytes for piece in spool.pieces] == [MIB, MIB, MIB, 512]


def test_equal_pieces_are_kept_once_and_harm_none_behind_them() -> None:
    noise = random.Random(1).randbytes(3 * MIB)
    same, other = noise[:MIB], noise[MIB : 2 * MIB]

    with spooled(MemorySource(same + same + other + same + noise[2 * MIB :]), MIB) as spool:
        contents = [zlib.decompress(spool.packed(piece), 31) for piece in spool.pieces]
        names = [piece.name for piece in spool.pieces]

    assert contents == [same, same, other, same, noise[2 * MIB :]]
    assert len(set(names)) == 3


def test_a_short_gzip_file_can_be_filled_up() -> None:
    with spooled(MemorySource(bytes(512)), MIB, shortest_bytes=9000) as spool:
        packed = spool.packed(spool.pieces[0])

    assert len(packed) == spool.pieces[0].packed_bytes == 9000
    assert zlib.decompressobj(31).decompress(packed) == bytes(512)


def test_a_line_of_115200_baud_takes_its_time() -> None:
    assert block_s(baud=115200, turnaround_s=0) == pytest.approx(0.0894, abs=1e-4)
    assert on_line_s([1024 * 1000], baud=115200, turnaround_s=0.001) == pytest.approx(91.2, abs=0.5)
    assert on_line_s([], baud=115200, turnaround_s=1) == 0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "about 1 s"), (40.4, "about 40 s"), (700, "about 12 min"), (7500, "about 2 h 5 min")],
)
def test_a_time_is_said_as_people_do(seconds: float, text: str) -> None:
    assert spoken(seconds) == text
