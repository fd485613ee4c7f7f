"""Many targets of one image: what becomes a disk shares one reading with what is one."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge.errors import EdgeError, LinkError
from edge.flash import jobs
from edge.flash.disks.disk import Disk, Transport
from edge.flash.events import Listener, Report
from edge.flash.methods.block import BlockMethod, BlockOptions
from edge.flash.methods.block_run import Outcome
from edge.flash.sources.buffers import Buffers, Chunk
from edge.flash.sources.source import Source
from tests.fakes.memory_source import MemorySource
from tests.fakes.storage import MemoryStorage
from tests.fakes.usb.job import MIB, Ear, some_image

_NEVER_S = 20.0


@dataclass
class Board:
    """A board that becomes a disk when it may, or fails."""

    target: str
    folder: Path
    may: threading.Event = field(default_factory=threading.Event)
    fails: bool = False
    card: MemoryStorage = field(default_factory=lambda: MemoryStorage(bytearray(16 * MIB)))

    def become_disk(self, listener: Listener) -> BlockMethod:
        assert self.may.wait(_NEVER_S)
        if self.fails:
            raise LinkError(f"{self.target}: it did not come so far")
        disk = Disk(self.target, f"/dev/{self.target}", 16 * MIB, Transport.USB, True)
        return BlockMethod(
            self.target,
            disk.path,
            disk,
            BlockOptions(journals=self.folder),
            look=lambda _path: disk,
            storage=lambda _path, **_facts: self.card,
        )

    def flash(self, source: Source, listener: Listener) -> Report:
        return self.become_disk(listener).flash(source, listener)

    def verify(self, source: Source, listener: Listener) -> Report:
        return self.become_disk(listener).verify(source, listener)


class Counting(MemorySource):
    """An image that counts how often it is read from its start."""

    readings = 0

    def chunks(self, buffers: Buffers, *, from_bytes: int = 0) -> Iterator[Chunk]:
        self.readings += 1
        return super().chunks(buffers, from_bytes=from_bytes)


def _counting() -> Counting:
    image = some_image()
    return Counting(image._image, [(one.offset_bytes, one.end_bytes) for one in image.facts.spans])


def _run(boards: list[Board], source: Source, *, at_a_time: int = 8) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    jobs.run(boards, source, lambda _target: Ear(), outcomes.__setitem__, at_a_time=at_a_time)
    return outcomes


def _boards(folder: Path, count: int) -> list[Board]:
    return [Board(f"sd{number}", folder) for number in range(count)]


def _is_whole(board: Board, source: MemorySource) -> bool:
    spans = [slice(one.offset_bytes, one.end_bytes) for one in source.facts.spans]
    return all(board.card.medium[one] == source._image[one] for one in spans)


def test_boards_that_become_disks_together_are_written_from_one_reading(tmp_path: Path) -> None:
    source, boards = _counting(), _boards(tmp_path, 3)
    for board in boards:
        board.may.set()

    outcomes = _run(boards, source)

    assert all(isinstance(one, Report) for one in outcomes.values())
    assert all(_is_whole(board, source) for board in boards)
    assert source.readings == 2  # once to write, once to compare


def test_one_that_does_not_become_a_disk_does_not_disturb_the_others(tmp_path: Path) -> None:
    source, boards = _counting(), _boards(tmp_path, 3)
    boards[1].fails = True
    for board in boards:
        board.may.set()

    outcomes = _run(boards, source)

    assert isinstance(outcomes["sd1"], EdgeError)
    assert [isinstance(outcomes[name], Report) for name in ("sd0", "sd2")] == [True, True]


def test_one_that_comes_late_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "TOGETHER_S", 0.05)
    source, (early, late) = _counting(), _boards(tmp_path, 2)
    early.may.set()
    told: dict[str, Outcome] = {}

    def ended(target: str, outcome: Outcome) -> None:
        told[target] = outcome
        late.may.set()  # only now: the run would hang if it waited for it

    jobs.run([early, late], source, lambda _target: Ear(), ended, at_a_time=8)

    assert list(told) == ["sd0", "sd1"]
    assert _is_whole(late, source)


def test_no_more_are_written_at_a_time_than_were_asked_for(tmp_path: Path) -> None:
    source, boards = _counting(), _boards(tmp_path, 5)
    for board in boards:
        board.may.set()

    outcomes = _run(boards, source, at_a_time=2)

    assert all(isinstance(one, Report) for one in outcomes.values())
    assert len(outcomes) == 5
    assert source.readings >= 2 * 3
