"""Flashing a board through its console, whole: board and clock are those of the test."""

from pathlib import Path

import pytest

from edge.board.model import Board
from edge.board.search import find
from edge.errors import (
    EdgeError,
    InputError,
    LinkError,
    RefusedError,
    ThingNotFoundError,
    UntrustedError,
)
from edge.flash.events import Advance, Phase
from edge.flash.methods.serial import SerialMethod
from edge.flash.methods.serial_options import SerialOptions, Via
from edge.flash.transports.address import TtyAddress
from tests.fakes.scripted_board import Faults, ScriptedBoard
from tests.fakes.serial_job import HEAD_BYTES, LINE, Ear, empty, full, image, method


def test_an_empty_disk_gets_the_image() -> None:
    board, source, ear = ScriptedBoard(empty()), image(), Ear()

    report = method(board).flash(source, ear)

    assert board.disk == full(source)
    assert report.written_bytes == report.verified_bytes == 1024 + 9216 + 512
    assert report.skipped_bytes == 0
    assert "3 of 3 pieces to send" in ear.notes
    assert "at 115200 baud" in ear.notes
    assert ear.events[-1] == Advance(Phase.WRITE, 1024 + 9216 + 512, 1024 + 9216 + 512)
    assert board.closed


def test_the_partition_table_is_cleared_first_and_written_last() -> None:
    board = ScriptedBoard(bytearray(b"\xee" * (6 << 20)))

    method(board).flash(image(), Ear())

    writes = [line for line in board.commands if line.startswith("virtio write")]
    assert [line.split()[3] for line in writes] == ["0", "1000", "2000", "0"]
    assert [line.split()[4].rstrip(";") for line in writes] == ["800", "12", "1", "2"]
    assert not any(board.disk[1024:HEAD_BYTES])


def test_what_is_there_is_not_sent_again() -> None:
    source, ear = image(), Ear()
    board = ScriptedBoard(full(source))

    report = method(board).flash(source, ear)

    assert report.written_bytes == 0
    assert report.skipped_bytes == 1024 + 9216 + 512
    assert not any("write" in line or "loady" in line for line in board.commands)
    assert "3 are there already" in ear.notes


def test_a_board_that_is_off_is_switched_by_the_command_for_it(tmp_path: Path) -> None:
    board, source, ear = ScriptedBoard(empty(), at_prompt=False), image(), Ear()
    board.power_later(10)
    switched = tmp_path / "switched"
    options = SerialOptions(via=Via.SERIAL, wait_s=30, power_command=f"touch '{switched}'")

    method(board, options).flash(source, ear)

    assert switched.exists()
    assert board.disk == full(source)
    assert "no prompt yet: touch" in ear.notes


def test_another_rate_for_files_is_left_after_each() -> None:
    board, source = ScriptedBoard(empty()), image()
    options = SerialOptions(via=Via.SERIAL, transfer_baud=921600)

    method(board, options).flash(source, Ear())

    assert board.disk == full(source)
    assert board.bauds == [921600, 115200] * 3


def test_a_piece_that_arrives_damaged_is_sent_again() -> None:
    board, source, ear = ScriptedBoard(empty()), image(), Ear()
    board.shell.damaged_loads = 1

    method(board).flash(source, ear)

    assert board.disk == full(source)
    assert "byte 2097152 is sent again" in ear.notes


def test_a_piece_that_never_arrives_whole_is_an_error_and_is_not_written() -> None:
    board = ScriptedBoard(empty())
    board.shell.damaged_loads = 1000

    with pytest.raises(LinkError, match="the piece at byte 2097152 never arrived whole"):
        method(board).flash(image(), Ear())
    assert not any(board.disk)


def test_a_block_that_reads_back_otherwise_is_written_again() -> None:
    board, source = ScriptedBoard(bytearray(b"\xee" * (6 << 20))), image()
    board.shell.ignored_writes = 2  # the clearing, and the first piece

    report = method(board).flash(source, Ear())

    assert report.rewritten_bytes == 9216
    assert board.disk[2 << 20 : (2 << 20) + 9216] == full(source)[2 << 20 : (2 << 20) + 9216]


def test_a_disk_that_keeps_nothing_is_an_error_that_names_the_blocks() -> None:
    board = ScriptedBoard(empty())
    board.shell.ignored_writes = 1000

    with pytest.raises(EdgeError, match="virtio 0: blocks 4096 to 4113 do not keep"):
        method(board).flash(image(), Ear())


def test_without_verifying_nothing_is_read_back() -> None:
    board = ScriptedBoard(empty())

    report = method(board, SerialOptions(via=Via.SERIAL, verify=False)).flash(image(), Ear())

    assert report.verified_bytes == 0
    reads = [line for line in board.commands if line.startswith("virtio read")]
    assert len(reads) == 1 + 3


def test_verify_writes_nothing_and_is_content_with_the_image() -> None:
    source = image()
    board = ScriptedBoard(full(source))

    report = method(board).verify(source, Ear())

    assert report.verified_bytes == 1024 + 9216 + 512
    assert not any("write" in line for line in board.commands)


def test_verify_names_the_place_that_differs() -> None:
    source = image()
    disk = full(source)
    disk[(2 << 20) + 8999] ^= 1

    with pytest.raises(UntrustedError, match=r"virtio 0: 9216 bytes .* at byte 2097152"):
        method(ScriptedBoard(disk)).verify(source, Ear())


def test_a_disk_that_is_too_small_is_refused_before_anything_is_written() -> None:
    board = ScriptedBoard(bytearray(b"\xee" * (3 << 20)))

    with pytest.raises(RefusedError, match=r"virtio 0: the disk has no block 8192"):
        method(board).flash(image(), Ear())
    assert board.disk == b"\xee" * (3 << 20)


def with_serial(**settings: object) -> Board:
    profile = find("qemu-arm64")
    assert profile.flash.serial is not None
    serial = profile.flash.serial.model_copy(update=settings)
    return profile.model_copy(update={"flash": profile.flash.model_copy(update={"serial": serial})})


@pytest.mark.parametrize(
    ("address", "message"),
    [
        pytest.param(0x10000000, "is no memory of this board", id="outside"),
        pytest.param(0x5F000000, "is no memory of this board", id="over its end"),
        pytest.param(0x5D000000, "is where U-Boot is", id="over U-Boot"),
    ],
)
def test_a_profile_with_the_wrong_memory_is_an_error(address: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        method(ScriptedBoard(empty()), profile=with_serial(load_addr=address)).flash(image(), Ear())


def test_a_profile_without_serial_is_an_error() -> None:
    profile = find("qemu-arm64")
    bare = profile.model_copy(update={"flash": profile.flash.model_copy(update={"serial": None})})

    with pytest.raises(InputError, match=r"qemu-arm64: its profile has no flash\.serial"):
        method(ScriptedBoard(empty()), profile=bare)


def test_the_disk_and_the_prompt_are_those_of_the_profile() -> None:
    board, source = ScriptedBoard(empty(), prompt=b"imx8> "), image()

    method(board, profile=with_serial(devtype="mmc", devnum=1, prompt="imx8> ")).flash(
        source, Ear()
    )

    assert board.disk == full(source)
    assert any(line.startswith("mmc dev 1") for line in board.commands)


@pytest.mark.parametrize(
    "command",
    [
        *("bdinfo", "virtio scan", "virtio dev", "virtio read", "virtio write"),
        *("mw.b", "loady", "crc32", "unzip"),
    ],
)
def test_a_board_that_hangs_at_a_command_is_an_error_with_the_command(command: str) -> None:
    board = ScriptedBoard(empty(), faults=Faults(stall_at=command))

    with pytest.raises(LinkError, match=f"`{command}.*does not begin|`{command}.* did not end in"):
        method(board).flash(image(), Ear())
    assert board.now_s < 400
    assert board.closed


def test_the_board_is_started_at_the_end_when_that_is_wished() -> None:
    board = ScriptedBoard(empty())

    method(board, SerialOptions(via=Via.SERIAL, restart=True)).flash(image(), Ear())

    assert not board.is_at_prompt


def test_a_port_that_is_not_there_is_said() -> None:
    missing = SerialMethod(TtyAddress("/dev/ttyNOT"), find("qemu-arm64"), options=LINE)

    assert missing.target == "serial:/dev/ttyNOT"
    with pytest.raises(ThingNotFoundError, match="/dev/ttyNOT: no such port"):
        missing.flash(image(), Ear())
