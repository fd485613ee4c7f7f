"""An image from chunks: whatever base there is, the image comes out right or not at all."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_agent.payload.chunk_stock import Base, Finder, Stock
from edge_agent.payload.chunks import (
    Plan,
    assemble,
    index_ranges,
    missing,
)
from edge_signing.errors import FormatError, SigningError, TrustError
from edge_signing.formats.chunks import Group, Index, Table, hash_of
from tests.fakes.chunk_images import (
    Made,
    Server,
    base_of,
    golden_image,
    joined,
    made,
    noise,
    planned_with,
    text,
    updated,
)
from tests.fakes.memory_image import MemoryImage
from tests.thoroughness import SOME_OR_ALL

VECTORS = Path(__file__).parent.parent.parent / "vectors"
OLD = golden_image()


@pytest.fixture(scope="module")
def golden() -> Made:
    image, table, blob = (
        (VECTORS / f"chunks_{name}.bin").read_bytes() for name in ("image", "table", "blob")
    )
    return Made(image, table, blob)


def edited(image: bytes) -> bytes:
    return image[:5000] + b"an edit" + image[5000:20_000] + image[20_100:]


def test_the_vectors_are_read(golden: Made) -> None:
    assert golden.image == golden_image()
    assert updated(golden) == golden.image


@pytest.mark.parametrize(
    "base",
    [
        pytest.param(b"", id="empty"),
        pytest.param(OLD, id="identical"),
        pytest.param(edited(OLD), id="edited"),
        pytest.param(OLD[:11_111], id="half-written"),
        pytest.param(OLD[11_111:], id="the rest"),
        pytest.param(bytes(30_000), id="erased"),
        pytest.param(noise(30_000, "other"), id="unknown"),
        pytest.param(OLD + noise(5000), id="with a hash tree after it"),
    ],
)
def test_every_base_gives_the_image(golden: Made, base: bytes) -> None:
    assert updated(golden, [base_of(base)]) == golden.image


def test_an_identical_base_needs_nothing_but_the_table(golden: Made) -> None:
    server = Server(golden.blob)

    plan = planned_with(golden.table, server, [base_of(golden.image)])

    assert server.asked == []
    assert plan.ranges == ()
    assert plan.planned_bytes == len(golden.packed)


def test_a_small_edit_needs_little(golden: Made) -> None:
    server = Server(golden.blob)

    plan = planned_with(golden.table, server, [base_of(edited(golden.image))])

    assert len(golden.packed) < plan.planned_bytes < len(golden.packed) + len(golden.blob) // 5


def test_an_unknown_base_needs_all_of_the_blob_and_says_so(golden: Made) -> None:
    server = Server(golden.blob)

    plan = planned_with(golden.table, server, [base_of(noise(30_000, "other"))])
    joined(list(assemble(plan, server.fetch)))

    # Two groups of the vector are there twice; their indexes are fetched once.
    fetched = sum(length for _offset, length in server.asked)
    assert plan.planned_bytes == len(golden.packed) + fetched
    assert len(golden.blob) - 2000 < fetched < len(golden.blob)


def test_two_bases_are_better_than_one(golden: Made) -> None:
    server = Server(golden.blob)
    halves = [base_of(golden.image[:13_000]), base_of(golden.image[13_000:])]

    both = planned_with(golden.table, server, halves)
    one = planned_with(golden.table, server, halves[:1])

    assert both.planned_bytes < one.planned_bytes
    assert joined(list(assemble(both, server.fetch))) == golden.image


def test_fetches_are_the_ranges_of_the_plan_in_ascending_order(golden: Made) -> None:
    plan = planned_with(golden.table, Server(golden.blob), [base_of(edited(golden.image))])
    server = Server(golden.blob)

    joined(list(assemble(plan, server.fetch)))

    assert server.asked == [(at.offset_bytes, at.length_bytes) for at in plan.ranges]
    assert server.asked == sorted(server.asked)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.data())
def test_images_made_of_like_parts_come_out_right(tmp_path: Path, data: st.DataObject) -> None:
    parts = st.sampled_from(
        [noise(900), noise(300, "b"), text(20), bytes(700), bytes(5000), b"\xff" * 1500, b"x"]
    )
    new, old, older = (
        b"".join(data.draw(st.lists(parts, min_size=least, max_size=9))) for least in (1, 0, 0)
    )
    payload = made(new, tmp_path)

    assert updated(payload, [base_of(old), base_of(older)]) == new


def write_all(plan: Plan, server: Server, slot: MemoryImage, stop_after: int | None = None) -> None:
    for count, piece in enumerate(assemble(plan, server.fetch)):
        if count == stop_after:
            return
        slot.pwrite(piece.data, piece.offset_bytes)


@pytest.mark.parametrize("seed", range(4))
def test_the_slot_that_is_written_over_is_a_base_too(golden: Made, seed: int) -> None:
    blocks = [golden.image[start : start + 1500] for start in range(0, len(golden.image), 1500)]
    random.Random(seed).shuffle(blocks)
    slot = MemoryImage(b"".join(blocks))
    base = Base(slot, len(slot.data), is_target=True)
    server = Server(golden.blob)

    write_all(planned_with(golden.table, server, [base]), server, slot)

    assert slot.data == golden.image


def test_chunks_that_come_twice_are_fetched_once(tmp_path: Path) -> None:
    once = noise(9000)
    single, double = made(once, tmp_path), made(once + noise(2000, "b") + once, tmp_path)
    slot = MemoryImage()
    server = Server(double.blob)

    plan = planned_with(double.table, server, [Base(slot, 0, is_target=True)])
    write_all(plan, server, slot)

    assert slot.data == double.image
    chunks = sum(at.length_bytes for at in plan.ranges)
    assert chunks < len(single.blob) + 2000 + 2500


def test_after_a_power_cut_at_any_piece_little_is_fetched_again(golden: Made) -> None:
    old = edited(golden.image)
    whole = planned_with(golden.table, Server(golden.blob), [base_of(old)]).planned_bytes

    for stop in range(len(golden.table.groups) + 1):
        slot = MemoryImage(noise(12_000, "earlier"))
        server = Server(golden.blob)

        def plan(slot: MemoryImage = slot, server: Server = server) -> Plan:
            bases = [base_of(old), Base(slot, len(slot.data), is_target=True)]
            return planned_with(golden.table, server, bases)

        write_all(plan(), server, slot, stop)
        again = plan()
        write_all(again, server, slot)
        assert slot.data[: len(golden.image)] == golden.image
        assert again.planned_bytes <= whole


def test_a_base_that_changes_after_planning_is_noticed_where_it_is_read(golden: Made) -> None:
    noticed = 0
    for place in range(0, len(golden.image), 97):
        base = base_of(golden.image)
        plan = planned_with(golden.table, Server(golden.blob), [base])
        assert isinstance(base.image, MemoryImage)
        base.image.data[place] ^= 1
        try:
            assert joined(list(assemble(plan, Server(golden.blob).fetch))) == golden.image
        except TrustError:
            noticed += 1

    # Groups of zeros, and second copies, are not read.
    assert noticed > len(golden.image) / 97 / 2


def test_a_changed_chunk_of_a_base_is_noticed(golden: Made) -> None:
    base = base_of(edited(golden.image))
    plan = planned_with(golden.table, Server(golden.blob), [base])
    assert isinstance(base.image, MemoryImage)

    base.image.data = bytearray(len(base.image.data))

    with pytest.raises(TrustError):
        joined(list(assemble(plan, Server(golden.blob).fetch)))


def test_a_base_that_becomes_shorter_is_noticed(golden: Made) -> None:
    base = base_of(golden.image)
    plan = planned_with(golden.table, Server(golden.blob), [base])
    assert isinstance(base.image, MemoryImage)

    del base.image.data[20_000:]

    with pytest.raises(TrustError, match="base 0"):
        joined(list(assemble(plan, Server(golden.blob).fetch)))


@pytest.mark.parametrize("step", SOME_OR_ALL)
def test_every_flipped_byte_of_the_blob_is_refused(golden: Made, step: int) -> None:
    for place in fetched_places(golden)[::step]:
        damaged = bytearray(golden.blob)
        damaged[place] ^= 1 << place % 8
        with pytest.raises(TrustError):
            updated(golden, blob=bytes(damaged))


def fetched_places(golden: Made) -> list[int]:
    """Return a third of the bytes that are fetched, among them all of the first index and chunk."""
    server = Server(golden.blob)
    joined(list(assemble(planned_with(golden.table, server), server.fetch)))
    places = sorted(
        {place for start, length in server.asked for place in range(start, start + length)}
    )
    return [*places[:600], *places[600::29]]


def test_a_truncated_blob_is_refused(golden: Made) -> None:
    for length in range(0, len(golden.blob), 53):
        with pytest.raises(TrustError):
            updated(golden, blob=golden.blob[:length])


@pytest.mark.parametrize("step", SOME_OR_ALL)
@pytest.mark.parametrize(
    ("base", "most_right"),
    [
        # The numbers of the cutting, where nothing is cut.
        pytest.param(b"", 15, id="no base"),
        # And the hashes of indexes that are not needed.
        pytest.param(OLD[:9000], 220, id="half a base"),
    ],
)
def test_a_flipped_byte_of_the_table_never_gives_another_image(
    golden: Made, base: bytes, most_right: int, step: int
) -> None:
    right = 0
    for place in range(0, len(golden.packed), step):
        damaged = bytearray(golden.packed)
        damaged[place] ^= 1 << place % 8
        try:
            image = updated(replace(golden, packed=bytes(damaged)), [base_of(base)])
        except SigningError:
            continue
        assert image == golden.image
        right += 1
    assert right <= most_right


def rebuilt(golden: Made, stored: bytes, raw: bytes) -> Made:
    """Return a well-hashed payload of one chunk that is stored in another way than it should."""
    row = Index.unpack(golden.blob[: golden.table.groups[0].index_bytes]).chunks[0]
    chunk = replace(
        row, raw_bytes=len(raw), stored_bytes=len(stored), stored_hash=hash_of(stored),
        lookup=hash_of(raw)[:8],
    )  # fmt: skip
    index = Index((chunk,)).pack()
    group = Group(hash_of(raw), len(raw), 1, hash_of(index), len(stored))
    table = Table(len(raw), len(index) + len(stored), golden.table.cutting, (group,))
    return Made(raw, table.pack(), index + stored)


def frame(data: bytes, *, with_length: bool = True, with_sum: bool = False) -> bytes:
    import zstandard

    coder = zstandard.ZstdCompressor(write_content_size=with_length, write_checksum=with_sum)
    return coder.compress(data)[4:]


@pytest.mark.parametrize(
    ("stored", "raw"),
    [
        pytest.param(b"not a frame", b"a" * 100, id="no frame"),
        pytest.param(frame(bytes(1 << 20)), b"a" * 200, id="bomb"),
        pytest.param(frame(b"a" * 99), b"a" * 100, id="too short"),
        pytest.param(frame(b"a" * 101), b"a" * 100, id="too long"),
        pytest.param(frame(b"a" * 100, with_length=False), b"a" * 100, id="no length"),
        pytest.param(frame(b"a" * 100, with_sum=True), b"a" * 100, id="with a sum"),
        pytest.param(frame(b"a" * 100) + b"\0", b"a" * 100, id="trailing byte"),
        pytest.param(frame(b"a" * 100)[:-1], b"a" * 100, id="cut off"),
        pytest.param(b"\0", b"a" * 100, id="no header"),
    ],
)
def test_a_signed_chunk_that_does_not_decode_is_a_format_error(
    golden: Made, stored: bytes, raw: bytes
) -> None:
    with pytest.raises(FormatError):
        updated(rebuilt(golden, stored, raw))


@pytest.mark.parametrize(
    ("stored", "raw"),
    [
        pytest.param(frame(b"b" * 100), b"a" * 100, id="zstd"),
        pytest.param(b"b" * 100, b"a" * 100, id="stored"),
        pytest.param(b"", b"a" * 100, id="zeros"),
    ],
)
def test_a_signed_chunk_that_is_another_one_is_not_trusted(
    golden: Made, stored: bytes, raw: bytes
) -> None:
    with pytest.raises(TrustError):
        updated(rebuilt(golden, stored, raw))


@pytest.mark.parametrize("of", ["groups", "chunks"])
def test_another_thing_in_the_base_with_the_same_short_hash_does_not_pass(
    golden: Made, of: str
) -> None:
    table, group = golden.table, golden.table.groups[0]
    chunk = Index.of(group, golden.blob[: group.index_bytes], table.cutting).chunks[1]
    stock = Stock((base_of(noise(9000, "other")),), Finder(), Finder())
    if of == "groups":
        stock.groups.add(group.raw_hash, group.raw_bytes, 0, 7)
    else:
        stock.chunks.add(chunk.lookup, chunk.raw_bytes, 0, 7)
    server = Server(golden.blob)
    wanted = index_ranges(table, missing(table, stock))
    indexes = {name: server.fetch(at.offset_bytes, at.length_bytes) for name, at in wanted.items()}

    with pytest.raises(TrustError, match="not what was signed"):
        joined(list(assemble(Plan.of(table, stock, indexes), server.fetch)))


def test_a_plan_without_its_indexes_is_refused(golden: Made) -> None:
    with pytest.raises(TrustError, match="was not fetched"):
        Plan.of(golden.table, Stock.of([], golden.table.cutting), {})


def test_a_longer_answer_than_asked_for_does_no_harm(golden: Made) -> None:
    plan = planned_with(golden.table, Server(golden.blob))

    pieces = list(assemble(plan, lambda offset, length: golden.blob[offset : offset + length + 9]))

    assert joined(pieces) == golden.image
