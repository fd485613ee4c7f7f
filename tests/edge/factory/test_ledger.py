"""A ledger: nothing that it has can be changed unseen, and no power cut takes what was recorded."""

import itertools
import random
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from edge.errors import EdgeError, InputError, RefusedError, UntrustedError
from edge.factory.entry import Kind, Said, following, parse
from edge.factory.ledger import FILE, Ledger, entries
from edge.factory.ledger_files import ReadFiles, StationFiles
from tests.fakes.ledger_disk import LedgerDisk, PowerCutError


def opened(disk: LedgerDisk | StationFiles) -> Ledger:
    clock = itertools.count(1_700_000_000_000, 7)
    return Ledger(disk, line="gateway", station="S1", now_ms=lambda: next(clock))


def said(number: int, kind: Kind = Kind.STEP) -> Said:
    return Said(
        kind, f"S1-{number}", f"gw-{number:04}", "1-1", "Zoë", {"step": "flash", "n": number}
    )


def filled(count: int = 4) -> LedgerDisk:
    disk = LedgerDisk()
    ledger = opened(disk)
    for number in range(count):
        ledger.append(said(number))
    return disk


def told(disk: LedgerDisk) -> list[str]:
    return [
        one.said.unit for one in entries(disk, "gateway", "S1") if one.said.kind is not Kind.VOID
    ]


def test_what_was_added_is_there_in_its_order() -> None:
    disk = filled()

    found = list(entries(disk, "gateway", "S1"))

    assert [one.n for one in found] == [1, 2, 3, 4]
    assert found[2].said == said(2)


def test_an_entry_has_this_form_for_ever() -> None:
    disk = filled(1)

    assert disk.ledger.decode() == (
        '{"at_ms":1700000000000,"details":{"n":0,"step":"flash"},"device":"gw-0000",'
        '"digest":"e4d61a018422d6875e55418a68b394926f2d28859a2d857d3a6e4bb7268ee1d0","kind":"step","n":1,"operator":"Zoë",'
        '"port":"1-1",'
        '"previous":"01aa21bff33bb4ff818610eaa4c87fb207ccfbfe54e557041ddbb90d2e9e2425","station":"S1","unit":"S1-0"}\n'
    )


@given(
    some.dictionaries(
        some.sampled_from(["digest", "kind", "n", "x"]),
        some.recursive(
            some.text(max_size=8) | some.just('"digest":"' + "0" * 64 + '",') | some.integers(0, 9),
            lambda inner: some.dictionaries(some.sampled_from(["digest", "kind"]), inner),
            max_leaves=4,
        ),
        max_size=4,
    ),
    some.text(max_size=12) | some.just('"digest":"'),
)
def test_an_entry_is_read_as_it_was_written_whatever_it_says(
    details: dict[str, object], text: str
) -> None:
    written = following(1, "0" * 64, 5, text, Said(Kind.STEP, text, text, text, text, details))

    assert parse(written.line()[:-1]) == written


def test_each_changed_byte_is_found() -> None:
    disk = filled(3)
    whole = disk.ledger

    for place in range(len(whole)):
        for change in (1, 0x20, 0x80):
            changed = bytearray(whole)
            changed[place] ^= change
            disk.ledger = bytes(changed)
            with pytest.raises(UntrustedError):
                list(entries(disk, "gateway", "S1"))


@pytest.mark.parametrize(
    "order",
    [
        pytest.param((0, 2, 1, 3), id="swapped"),
        pytest.param((0, 2, 3), id="removed"),
        pytest.param((1, 2, 3), id="first removed"),
        pytest.param((0, 1, 1, 2, 3), id="doubled"),
        pytest.param((0, 1, 2, 3, 3), id="last doubled"),
    ],
)
def test_lines_that_are_moved_are_found_and_not_taken_for_a_power_cut(
    order: tuple[int, ...],
) -> None:
    disk = filled()
    lines = list(disk.lines())
    disk.ledger = b"".join(lines[one] for one in order)

    with pytest.raises(UntrustedError):
        list(entries(disk, "gateway", "S1"))
    with pytest.raises(UntrustedError):
        opened(disk)


def test_cutting_off_what_a_run_has_ended_with_is_found() -> None:
    disk = filled()
    opened(disk).append(said(5, Kind.END))
    disk.ledger = b"".join(list(disk.lines())[:-1])

    with pytest.raises(UntrustedError, match="lines are missing"):
        list(entries(disk, "gateway", "S1"))
    with pytest.raises(UntrustedError, match="lines are missing"):
        opened(disk)


def test_the_ledger_of_another_station_or_line_is_not_taken() -> None:
    disk = filled()

    for line, station in (("gateway", "S2"), ("other", "S1")):
        with pytest.raises(UntrustedError):
            list(entries(disk, line, station))


def test_a_ledger_that_was_begun_again_with_good_digests_does_not_pass_for_the_old_one() -> None:
    disk = filled()
    opened(disk).append(said(5, Kind.END))
    forged = LedgerDisk()
    forger = opened(forged)
    for number in range(6):
        forger.append(said(number + 10))
    disk.ledger = forged.ledger

    with pytest.raises(UntrustedError, match="another one than was noted"):
        list(entries(disk, "gateway", "S1"))


@pytest.mark.parametrize("length", range(1, 60, 7))
def test_half_a_last_line_is_put_aside_and_told(length: int) -> None:
    disk = filled(2)
    whole = disk.ledger
    opened(disk).append(said(2))
    disk.ledger = disk.ledger[: len(whole) + length]

    opened(disk).append(said(3))

    found = list(entries(disk, "gateway", "S1"))
    assert [one.said.kind for one in found] == [Kind.STEP, Kind.STEP, Kind.VOID, Kind.STEP]
    (name,) = [one for one in disk.names() if one.startswith("torn")]
    assert found[2].said.details["torn"] == name
    assert len(disk.files[name]) == length


def test_the_power_may_go_at_each_write_and_go_again_while_it_recovers() -> None:
    for cut, seed in itertools.product(range(14), range(6)):
        disk = LedgerDisk(cut, random.Random(100 * cut + seed))
        done: list[str] = []
        for number, again in enumerate((cut, 0, 1, 2, 3, None)):
            try:
                ledger = opened(disk)
                for step in range(5):
                    unit = 100 * number + step
                    ledger.append(said(unit, Kind.END if step % 2 else Kind.STEP))
                    done.append(f"S1-{unit}")
            except PowerCutError:
                pass
            disk = disk.again(again)

        opened(disk)
        found = told(disk)

        assert [one for one in found if one in done] == done, (cut, seed)
        assert len(set(found)) == len(found)


def test_after_a_failed_write_nothing_is_added_any_more() -> None:
    class Full(LedgerDisk):
        def append(self, data: bytes) -> None:
            raise OSError(28, "No space left on device")

    ledger = opened(Full())

    for _again in range(2):
        with pytest.raises(EdgeError, match="No space left"):
            ledger.append(said(1))


def test_an_entry_that_is_too_long_is_refused_and_the_next_is_taken() -> None:
    disk = filled(1)
    ledger = opened(disk)

    with pytest.raises(InputError):
        ledger.append(Said(Kind.STEP, details={"text": "x" * (300 << 10)}))
    ledger.append(said(1))

    assert told(disk) == ["S1-0", "S1-1"]


def test_time_never_goes_back_in_it() -> None:
    clock = iter((500, 100, 600))
    disk = LedgerDisk()
    ledger = Ledger(disk, line="gateway", station="S1", now_ms=lambda: next(clock))

    times = [ledger.append(said(one)).at_ms for one in range(3)]

    assert times == [500, 500, 600]


def test_many_threads_add_to_one_chain() -> None:
    disk = LedgerDisk()
    ledger = opened(disk)
    threads = [
        threading.Thread(target=lambda: [ledger.append(said(one)) for one in range(20)])
        for _ in range(4)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert len(list(entries(disk, "gateway", "S1"))) == 80


def test_a_real_folder_is_for_one_station_at_a_time(tmp_path: Path) -> None:
    first = StationFiles(tmp_path)
    with pytest.raises(RefusedError, match="another process"):
        StationFiles(tmp_path)
    opened(first).append(said(1, Kind.END))
    first.close()

    ledger = opened(StationFiles(tmp_path))
    ledger.append(said(2))
    ledger.close()

    assert [one.n for one in entries(ReadFiles(tmp_path), "gateway", "S1")] == [1, 2]


def test_a_real_ledger_with_a_torn_end_is_opened(tmp_path: Path) -> None:
    ledger = opened(StationFiles(tmp_path))
    ledger.append(said(1))
    ledger.close()
    with (tmp_path / FILE).open("ab") as stream:
        stream.write(b'{"at_ms":17')

    ledger = opened(StationFiles(tmp_path))
    ledger.append(said(2))
    ledger.close()

    kinds = [one.said.kind for one in entries(ReadFiles(tmp_path), "gateway", "S1")]
    assert kinds == [Kind.STEP, Kind.VOID, Kind.STEP]
