"""The method `block` in doubt: what may not be what it was is not taken for written."""

import errno
import os
import threading
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from edge.errors import EdgeError, RefusedError, UntrustedError
from edge.flash.disks.disk import Disk, Transport
from edge.flash.events import Advance, Event, Phase, Report
from edge.flash.methods import block_write
from edge.flash.methods.block import BlockMethod, BlockOptions
from edge.flash.methods.block_run import flash_all
from edge.flash.transports.storage import OpenStorage
from tests.fakes.memory_source import MemorySource
from tests.fakes.storage import SECTOR, MemoryStorage

HEAD = block_write.HEAD_BYTES
_IMAGE = b"\x5a" * (HEAD + 16 * SECTOR)
_DISK = Disk("sdb", "/dev/sdb", len(_IMAGE), Transport.USB, serial="SN1", model="Stick")


@dataclass
class ClosingStorage(MemoryStorage):
    """A disk in memory that knows whether it was let go of.

    Attributes:
        is_closed: It was.
        let_go: Set then.
        places: Where was written, in order.
    """

    is_closed: bool = False
    let_go: threading.Event = field(default_factory=threading.Event)
    places: list[int] = field(default_factory=list)

    def write(self, offset_bytes: int, memory: memoryview) -> None:
        self.places.append(offset_bytes)
        super().write(offset_bytes, memory)

    def close(self) -> None:
        self.is_closed = True
        self.let_go.set()


def _card() -> ClosingStorage:
    return ClosingStorage(bytearray(b"\xaa" * len(_IMAGE)))


def _method(folder: Path, card: MemoryStorage, *, verify: bool = True) -> BlockMethod:
    return BlockMethod(
        "/dev/sdb",
        "/dev/sdb",
        _DISK,
        BlockOptions(verify=verify, journals=folder / "journals"),
        look=lambda _path: _DISK,
        storage=lambda *_words, **_options: card,
    )


def _ignore(_event: Event) -> None:
    pass


def _stop_when_written(event: Event) -> None:
    if isinstance(event, Advance) and event.phase is Phase.VERIFY:
        raise KeyboardInterrupt


def test_without_reading_back_a_twin_of_the_interrupted_card_is_written_from_the_start(
    tmp_path: Path,
) -> None:
    with pytest.raises(KeyboardInterrupt):
        _method(tmp_path, _card()).flash(MemorySource(_IMAGE), _stop_when_written)
    twin = ClosingStorage(bytearray(len(_IMAGE)))  # blank, and its serial number is the same

    report = _method(tmp_path, twin, verify=False).flash(MemorySource(_IMAGE), _ignore)

    assert bytes(twin.medium) == _IMAGE
    assert report.skipped_bytes == 0


def test_without_reading_back_a_file_that_was_removed_is_written_from_the_start(
    tmp_path: Path,
) -> None:
    file = tmp_path / "card.img"
    options = BlockOptions(verify=True, journals=tmp_path / "journals")
    method = BlockMethod("file:card.img", str(file), None, options)
    with pytest.raises(KeyboardInterrupt):
        method.flash(MemorySource(_IMAGE), _stop_when_written)
    file.unlink()

    replace(method, options=replace(options, verify=False)).flash(MemorySource(_IMAGE), _ignore)

    assert file.read_bytes() == _IMAGE


def test_of_several_parts_of_the_head_the_partition_table_is_written_last(tmp_path: Path) -> None:
    card = _card()
    spans = [(0, SECTOR), (16 * SECTOR, 32 * SECTOR), (HEAD - SECTOR, HEAD), (HEAD, len(_IMAGE))]

    _method(tmp_path, card).flash(MemorySource(_IMAGE, spans), _ignore)

    assert card.places[-3:] == [HEAD - SECTOR, 16 * SECTOR, 0]


def test_a_disk_that_is_changed_while_it_is_opened_is_not_touched(tmp_path: Path) -> None:
    card = _card()
    disks = [_DISK]

    def opened(*_words: object, **_options: object) -> MemoryStorage:
        disks[:] = [replace(_DISK, serial="SN2")]
        return card

    method = replace(_method(tmp_path, card), look=lambda _path: disks[0], storage=opened)

    with pytest.raises(RefusedError, match="not the disk any more"):
        method.flash(MemorySource(_IMAGE), _ignore)
    assert card.is_closed
    assert card.places == []


def test_an_interrupt_lets_go_of_no_card_that_is_still_worked_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards = [_card(), _card()]
    methods = [_method(tmp_path / str(number), card) for number, card in enumerate(cards)]
    ended: list[str] = []
    at_work, goes_on = threading.Event(), cards[1].let_go
    closed_early: list[bool] = []
    real = threading.Thread.join

    def slow(event: Event) -> None:
        if isinstance(event, Advance) and event.phase is Phase.EJECT:
            at_work.set()
            assert goes_on.wait(10)
            closed_early.append(cards[1].is_closed)

    def interrupted_once(thread: threading.Thread, timeout: float | None = None) -> None:
        if ended and not goes_on.is_set():
            if interrupts:
                goes_on.set()
            else:
                interrupts.append(at_work.wait(10))
                raise KeyboardInterrupt
        real(thread, timeout)

    interrupts: list[bool] = []
    monkeypatch.setattr(threading.Thread, "join", interrupted_once)
    with pytest.raises(KeyboardInterrupt):
        flash_all(
            methods,
            MemorySource(_IMAGE),
            [_ignore, slow],
            lambda target, _outcome: ended.append(target),
        )
    monkeypatch.undo()

    assert closed_early == [False]
    assert cards[1].is_closed


def test_a_write_goes_on_where_no_journal_can_be_kept(tmp_path: Path) -> None:
    (tmp_path / "journals").write_text("a file where the folder should be")
    card = _card()

    report = _method(tmp_path, card).flash(MemorySource(_IMAGE), _ignore)

    assert report == Report(len(_IMAGE), 0, len(_IMAGE))
    assert bytes(card.medium) == _IMAGE


def test_who_writes_to_what_was_let_go_of_meets_no_other_file(tmp_path: Path) -> None:
    storage = OpenStorage(str(tmp_path / "card.img"), size_bytes=SECTOR)
    storage.close()
    other = tmp_path / "other"

    with other.open("w+b"), pytest.raises(EdgeError):  # it gets the number that became free
        storage.write(0, memoryview(bytearray(b"\xee" * SECTOR)))

    assert other.read_bytes() == b""


@pytest.mark.parametrize("more_bytes", [1, 511, 1000])
def test_a_file_is_as_long_as_an_image_that_ends_in_a_sector(
    tmp_path: Path, more_bytes: int
) -> None:
    image = _IMAGE + b"\x77" * more_bytes
    file = tmp_path / "card.img"
    method = BlockMethod("file:card.img", str(file), None, BlockOptions(journals=tmp_path / "j"))

    method.flash(MemorySource(image), _ignore)
    report = method.verify(MemorySource(image), _ignore)

    assert file.read_bytes() == image
    assert report.verified_bytes == len(image)


def test_a_target_shorter_than_the_image_is_not_the_image(tmp_path: Path) -> None:
    file = tmp_path / "card.img"
    file.write_bytes(_IMAGE[:-SECTOR])
    method = BlockMethod("file:card.img", str(file))

    with pytest.raises(UntrustedError, match=f"{len(_IMAGE)}"):
        method.verify(MemorySource(_IMAGE), _ignore)


def test_a_new_file_is_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "card.img"

    with closing(OpenStorage(str(file), size_bytes=SECTOR)):
        mode = file.stat().st_mode & 0o777

    assert mode == 0o600


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    with pytest.raises(RefusedError, match="not a plain file"):
        OpenStorage(str(pipe), size_bytes=SECTOR, read_only=True)


def test_who_has_no_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_user: int) -> None:
        raise KeyError

    for name in ("HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)

    with pytest.raises(EdgeError) as caught:
        BlockOptions()
    assert "XDG_STATE_HOME" in str(caught.value.hint)


def test_a_file_that_is_somebody_elses_is_no_matter_of_udev(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_words: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr("edge.flash.transports.storage.os.open", refused)
        with pytest.raises(RefusedError, match="may not write it") as caught:
            OpenStorage(str(tmp_path / "card.img"), size_bytes=SECTOR)

    assert caught.value.hint is None
