"""The method `block`: a card holds all of the image or nobody takes it for one."""

import io
import random
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from edge.errors import EdgeError, InputError, LinkError, RefusedError, UntrustedError
from edge.flash.disks.disk import Disk, Transport
from edge.flash.events import Advance, Event, Note, Phase, Report
from edge.flash.methods import block_write
from edge.flash.methods.block import BlockMethod, BlockOptions
from edge.flash.methods.block_run import flash_all
from edge.flash.sources import opening
from edge.flash.sources.buffers import CHUNK_BYTES
from edge.flash.sources.image_source import ImageSource
from edge.flash.transports.storage import BadBlockError
from edge.image import bmap
from tests.fakes.storage import SECTOR, MemoryStorage, PowerCutError

BLOCK = 4096
HEAD = block_write.HEAD_BYTES
_NOISE = random.Random(3).randbytes(CHUNK_BYTES + 3 * BLOCK)
_GAP = 8 * BLOCK
# A partition table, what crosses the end of the head, a gap, more than a chunk, and a last sector.
_SPANS = ((0, 5 * BLOCK), (HEAD - BLOCK, HEAD + 2 * BLOCK), (HEAD + 2 * BLOCK + _GAP, 0), (0, 0))


def _image() -> tuple[bytes, list[tuple[int, int]]]:
    third = HEAD + 2 * BLOCK + _GAP
    last = third + len(_NOISE) + _GAP
    spans = [_SPANS[0], _SPANS[1], (third, third + len(_NOISE)), (last, last + BLOCK)]
    data = bytearray(last + BLOCK)
    for start, end in spans:
        data[start:end] = _NOISE[: end - start]
    return bytes(data), spans


_IMAGE, _RANGES = _image()
_CARD_BYTES = len(_IMAGE) + 3 * HEAD + 5 * SECTOR


@dataclass
class Bench:
    """An image, a card and what was told."""

    source: ImageSource
    method: BlockMethod
    card: MemoryStorage
    events: list[Event]

    def flash(self) -> Report:
        return self.method.flash(self.source, self.events.append)

    def is_whole(self) -> bool:
        return all(self.card.medium[start:end] == _IMAGE[start:end] for start, end in _RANGES)

    def is_clear(self) -> bool:
        return not any(self.card.medium[:HEAD])

    @property
    def notes(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Note)]


_DISK = Disk("sdb", "/dev/sdb", _CARD_BYTES, Transport.USB, serial="SN1", model="Stick")


def _source(folder: Path, *, with_map: bool = True) -> ImageSource:
    image = folder / "disk.img"
    image.write_bytes(_IMAGE)
    if with_map:
        ranges = bmap.ranges_of(_RANGES)
        document = bmap.document(io.BytesIO(_IMAGE), image_bytes=len(_IMAGE), ranges=ranges)
        (folder / "disk.img.bmap").write_bytes(document)
    return opening.open_source(str(image), vouch=lambda *_: pytest.fail("no signature"))


def _bench(folder: Path, source: ImageSource | None = None, **facts: object) -> Bench:
    card = MemoryStorage(bytearray(b"\xaa" * _CARD_BYTES), **facts)  # type: ignore[arg-type]
    method = BlockMethod(
        "/dev/sdb",
        "/dev/sdb",
        _DISK,
        BlockOptions(journals=folder / "journals"),
        look=lambda _path: _DISK,
        storage=lambda *_words, **_options: card,
    )
    return Bench(source or _source(folder), method, card, [])


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return _bench(tmp_path)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_write, "_PAUSE_S", 0)
    monkeypatch.setattr(block_write, "SYNC_EVERY_BYTES", 2 * BLOCK)


def test_a_card_holds_the_image_and_is_let_go_of(bench: Bench) -> None:
    report = bench.flash()

    mapped = bench.source.facts.mapped_bytes
    assert bench.is_whole()
    assert report == Report(mapped, 0, mapped, 0)
    assert bench.card.finished == [True]
    assert not any(bench.card.medium[BLOCK - HEAD :]), (
        "an old copy of a partition table is still there"
    )


def test_every_phase_is_told_to_its_end(bench: Bench) -> None:
    bench.flash()

    mapped = bench.source.facts.mapped_bytes
    advances = [event for event in bench.events if isinstance(event, Advance)]
    assert list(dict.fromkeys(event.phase for event in advances)) == list(Phase)
    for phase in (Phase.WRITE, Phase.VERIFY):
        told = [event.done_bytes for event in advances if event.phase is phase]
        assert told == sorted(told)
        assert told[-1] == mapped


def test_the_table_is_written_when_all_else_was_read_back(bench: Bench) -> None:
    bench.card.pulled_at = 10_000
    seen_clear = []

    def look(event: Event) -> None:
        if isinstance(event, Advance) and event.phase in (Phase.WRITE, Phase.VERIFY):
            seen_clear.append(bench.is_clear())

    bench.method.flash(bench.source, look)

    assert all(seen_clear)
    assert bench.is_whole()


@pytest.mark.parametrize("torn", [0, 1, 2, 3], ids=["dropped", "kept", "mixed", "mixed otherwise"])
def test_a_power_cut_anywhere_leaves_a_clear_card_or_a_whole_one(tmp_path: Path, torn: int) -> None:
    source = _source(tmp_path)
    whole = _bench(tmp_path / "whole", source)
    whole.flash()

    for step in range(1, whole.card.steps + 1):
        bench = _bench(tmp_path / f"{torn}-{step}", source, cut_at=step, torn=torn)
        with pytest.raises(PowerCutError):
            bench.flash()
        head = bytes(bench.card.medium[:HEAD])
        # Before the first flush the old card may show through; the last sectors come in the end.
        assert step <= 3 or step >= whole.card.steps - 3 or bench.is_clear(), step
        assert head[:SECTOR] in (b"\xaa" * SECTOR, b"\xdd" * SECTOR, bytes(SECTOR), _IMAGE[:SECTOR])
        bench.card.start_again()
        bench.flash()
        assert bench.is_whole(), step


def test_an_interrupted_write_goes_on_where_it_was(bench: Bench) -> None:
    bench.card.pulled_at = 7
    with pytest.raises(LinkError):
        bench.flash()
    bench.card.start_again()

    report = bench.flash()

    assert bench.is_whole()
    assert report.skipped_bytes > 0
    assert any(note.startswith("go on at byte") for note in bench.notes)


def test_an_interrupt_is_remembered_and_gone_on_with(bench: Bench) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Advance) and event.phase is Phase.VERIFY:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.method.flash(bench.source, stop)
    assert bench.is_clear()

    report = bench.flash()

    assert bench.is_whole()
    assert report.written_bytes < bench.source.facts.mapped_bytes


def test_another_card_is_not_taken_for_the_interrupted_one(bench: Bench) -> None:
    bench.card.pulled_at = 7
    with pytest.raises(LinkError):
        bench.flash()
    bench.card.start_again()
    bench.card.medium[:] = b"\xbb" * _CARD_BYTES  # its serial number is the same

    report = bench.flash()

    assert report.skipped_bytes == 0
    assert bench.is_whole()


def test_a_card_that_was_changed_between_is_found_by_reading_back(bench: Bench) -> None:
    bench.card.pulled_at = 7
    with pytest.raises(LinkError):
        bench.flash()
    bench.card.start_again()
    bench.card.medium[HEAD] ^= 1

    report = bench.flash()

    assert bench.is_whole()
    assert report.rewritten_bytes > 0


def test_another_image_starts_from_the_beginning(bench: Bench, tmp_path: Path) -> None:
    bench.card.pulled_at = 7
    with pytest.raises(LinkError):
        bench.flash()
    bench.card.start_again()
    other = replace(bench.source.facts, fingerprint=bytes(32))
    bench.source._facts = other

    assert bench.flash().skipped_bytes == 0


@pytest.mark.parametrize("with_map", [True, False], ids=["by hash", "byte for byte"])
def test_blocks_that_read_back_otherwise_are_written_again(tmp_path: Path, with_map: bool) -> None:
    source = _source(tmp_path, with_map=with_map)
    bench = _bench(tmp_path, source, forgetful={HEAD + BLOCK: 1, len(_IMAGE) - SECTOR: 2})

    report = bench.flash()

    assert bench.is_whole()
    assert report.rewritten_bytes >= 2 * BLOCK
    assert any("blocks read back otherwise" in note for note in bench.notes)


def test_blocks_that_never_keep_what_is_written_are_named(tmp_path: Path) -> None:
    place = _RANGES[2][0] + BLOCK + SECTOR
    bench = _bench(tmp_path, forgetful={place: 99})

    with pytest.raises(BadBlockError, match=f"at byte {place - SECTOR}$"):
        bench.flash()
    assert bench.is_clear()


def test_a_block_that_is_refused_is_written_again(tmp_path: Path) -> None:
    bench = _bench(tmp_path, bad={HEAD + BLOCK: 2})

    bench.flash()

    assert bench.is_whole()
    assert len([note for note in bench.notes if note.endswith("; again")]) == 2


def test_a_block_that_is_always_refused_is_named(tmp_path: Path) -> None:
    bench = _bench(tmp_path, bad={HEAD + BLOCK: 99})

    with pytest.raises(BadBlockError, match=f"at byte {HEAD + BLOCK}"):
        bench.flash()
    assert bench.is_clear()


def test_a_partition_table_that_does_not_stay_is_told(tmp_path: Path) -> None:
    bench = _bench(tmp_path)
    seen = 0

    def spoil(event: Event) -> None:
        nonlocal seen
        if isinstance(event, Advance) and event.phase is Phase.VERIFY and not seen:
            seen = 1
            bench.card.forgetful = {0: 99}

    with pytest.raises(BadBlockError, match="partition table"):
        bench.method.flash(bench.source, spoil)


def test_a_damaged_image_leaves_no_table_on_the_card(bench: Bench) -> None:
    path = Path(bench.source.facts.name)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)

    with pytest.raises(UntrustedError, match="not what the block map says"):
        bench.flash()
    assert bench.is_clear()


def test_an_image_that_shrinks_under_way_is_told(bench: Bench) -> None:
    path = Path(bench.source.facts.name)
    path.write_bytes(path.read_bytes()[: HEAD + BLOCK])

    with pytest.raises(InputError, match="it ends at byte"):
        bench.flash()
    assert bench.is_clear()


def test_a_card_that_is_too_small_is_not_touched(bench: Bench) -> None:
    bench.card.medium = bytearray(b"\xaa" * (len(_IMAGE) - SECTOR))

    with pytest.raises(InputError, match="the image has"):
        bench.flash()
    assert set(bench.card.medium) == {0xAA}


def test_a_card_that_was_changed_since_it_was_chosen_is_not_touched(bench: Bench) -> None:
    other = replace(_DISK, serial="SN2")
    method = replace(bench.method, look=lambda _path: other)

    with pytest.raises(RefusedError, match="not the disk any more"):
        method.flash(bench.source, bench.events.append)
    assert set(bench.card.medium) == {0xAA}


def test_gaps_stay_as_they_are_if_the_user_wants_it(bench: Bench) -> None:
    method = replace(bench.method, options=replace(bench.method.options, discard=False))

    method.flash(bench.source, bench.events.append)

    gap = slice(_RANGES[1][1], _RANGES[2][0])
    assert set(bench.card.medium[gap]) == {0xAA}


def test_a_card_that_cannot_forget_is_written_all_the_same(tmp_path: Path) -> None:
    bench = _bench(tmp_path, can_discard=False)

    bench.flash()

    assert bench.is_whole()
    assert any("cannot forget" in note for note in bench.notes)


def test_without_verifying_nothing_is_read_back(bench: Bench) -> None:
    method = replace(bench.method, options=replace(bench.method.options, verify=False))

    report = method.flash(bench.source, bench.events.append)

    assert report.verified_bytes == 0
    assert bench.is_whole()


@pytest.mark.parametrize("with_map", [True, False], ids=["by hash", "byte for byte"])
def test_a_card_is_verified_without_writing(tmp_path: Path, with_map: bool) -> None:
    bench = _bench(tmp_path, _source(tmp_path, with_map=with_map))
    bench.flash()
    steps = bench.card.steps

    assert bench.method.verify(bench.source, bench.events.append).verified_bytes > 0
    bench.card.medium[HEAD + BLOCK] ^= 1
    with pytest.raises(UntrustedError, match=f"differs from the image at byte {HEAD + BLOCK}$"):
        bench.method.verify(bench.source, bench.events.append)
    assert bench.card.steps == steps


def test_many_cards_are_written_from_one_reading_and_one_that_fails_is_left_behind(
    tmp_path: Path,
) -> None:
    source = _source(tmp_path)
    benches = [_bench(tmp_path / str(number), source) for number in range(4)]
    benches[1].card.pulled_at = 4
    benches[2].card.forgetful = {HEAD: 99}
    started = 0
    start = source._start

    def counted() -> object:
        nonlocal started
        started += 1
        return start()

    source._start = counted  # type: ignore[assignment]

    outcomes = flash_all(
        [bench.method for bench in benches], source, [bench.events.append for bench in benches]
    )

    assert [type(one) for one in outcomes] == [Report, LinkError, BadBlockError, Report]
    assert [bench.is_whole() for bench in benches] == [True, False, False, True]
    assert benches[1].is_clear()
    assert benches[2].is_clear()
    assert started == 2, "once to write, once to compare, for all of them"


def test_if_the_image_is_damaged_no_card_is_whole(tmp_path: Path) -> None:
    source = _source(tmp_path)
    benches = [_bench(tmp_path / str(number), source) for number in range(2)]
    path = Path(source.facts.name)
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")

    with pytest.raises(EdgeError):
        flash_all(
            [bench.method for bench in benches], source, [bench.events.append for bench in benches]
        )
    assert all(bench.is_clear() for bench in benches)
