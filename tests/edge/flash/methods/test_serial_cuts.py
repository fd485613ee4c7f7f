"""Flashing through a console that is cut or interrupted: nothing half valid, and it goes on."""

import pytest

from edge.errors import (
    LinkError,
)
from edge.flash.events import Event, Listener
from edge.flash.methods.serial_options import SerialOptions, Via
from tests.fakes.scripted_board import ScriptedBoard
from tests.fakes.serial_job import HEAD_BYTES, Ear, empty, full, image, method, writing


class CutError(Exception):
    """The cable is out."""


def cut_after(done_bytes: int) -> Listener:
    def listen(event: Event) -> None:
        if writing(event) > done_bytes:
            raise CutError

    return listen


@pytest.mark.parametrize("done_bytes", [0, 4000, 9216, 9300, 9728])
def test_after_a_cut_the_disk_has_no_table_and_the_same_call_goes_on(done_bytes: int) -> None:
    board, source = ScriptedBoard(empty()), image()
    with pytest.raises(CutError):
        method(board).flash(source, cut_after(done_bytes))
    assert not any(board.disk[:HEAD_BYTES])

    report = method(board).flash(source, Ear())

    assert board.disk == full(source)
    assert report.skipped_bytes == {0: 0, 4000: 0, 9216: 9216, 9300: 9216, 9728: 9728}[done_bytes]


def test_a_power_cut_of_the_board_loses_only_the_piece_under_way() -> None:
    board, source = ScriptedBoard(empty()), image()
    with pytest.raises(CutError):
        method(board).flash(source, cut_after(9300))
    again = ScriptedBoard(board.disk, at_prompt=False)
    again.power_later(5)

    report = method(again).flash(source, Ear())

    assert again.disk == full(source)
    assert report.skipped_bytes == 9216


def test_an_interrupt_leaves_the_board_at_its_prompt() -> None:
    board, ear = ScriptedBoard(empty()), Ear()

    def interrupt(event: Event) -> None:
        ear(event)
        if 0 < writing(event) < 9000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        method(board).flash(image(), interrupt)

    assert board.is_at_prompt
    assert "the board is at its prompt; the same command goes on" in ear.notes


def test_an_interrupt_after_the_line_is_gone_stays_an_interrupt() -> None:
    ear = Ear()

    class Gone(ScriptedBoard):
        def write(self, data: bytes) -> None:
            if self.closed:
                raise LinkError("the port is gone")
            super().write(data)

    board = Gone(empty())

    def interrupt(event: Event) -> None:
        ear(event)
        if writing(event) >= 0:
            board.closed = True
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        method(board).flash(image(), interrupt)
    assert "the board is to be switched off; the same command goes on" in ear.notes


def test_an_interrupt_at_another_rate_leaves_the_console_at_its_own() -> None:
    board = ScriptedBoard(empty())
    options = SerialOptions(via=Via.SERIAL, transfer_baud=921600)

    def interrupt(event: Event) -> None:
        if writing(event) >= 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        method(board, options).flash(image(), interrupt)

    assert board.is_at_prompt
    assert board.baud == 115200
