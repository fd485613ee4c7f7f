"""The command line of U-Boot over a bad line: nothing damaged is ever executed."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import EdgeError, LinkError
from edge.flash.protocols.console import Answer, Console
from edge.flash.protocols.steps import Dialog, Line, Result
from edge.flash.transports import driver
from tests.fakes.scripted_board import Faults, ScriptedBoard

# What the real U-Boot 2025.01 said to `crc32 44000000 100`.
TRANSCRIPT = (
    b"crc32 44000000 100; echo E1=$?\r\ncrc32 for 44000000 ... 440000ff ==> 0d968558\r\nE1=0\r\n=> "
)


class Noisy:
    """A port to a board whose writes are changed before they arrive."""

    def __init__(self, board: ScriptedBoard, change: Callable[[int, bytes], bytes]) -> None:
        self._board = board
        self._change = change
        self._count = 0

    def write(self, data: bytes) -> None:
        self._board.write(self._change(self._count, data))
        self._count += 1

    def read(self, timeout_s: float) -> bytes:
        return self._board.read(timeout_s)

    def set_baud(self, baud: int) -> None:
        self._board.set_baud(baud)

    def fileno(self) -> int:
        return self._board.fileno()

    def close(self) -> None:
        self._board.close()


def run(dialog: Dialog[Result], board: ScriptedBoard, port: Noisy | None = None) -> Result:
    return driver.run(dialog, port or board, clock_s=board.clock_s, listener=lambda _event: None)


def test_a_command_gives_its_status_and_its_words() -> None:
    board = ScriptedBoard(bytearray(512))

    good = run(Console(Line()).command("crc32 44000000 100"), board)
    bad = run(Console(Line()).command("printenv nothing"), board)

    assert good == Answer(0, "\ncrc32 for 44000000 ... 440000ff ==> 0d968558\n")
    assert bad.status == 1
    assert '"nothing" not defined' in bad.text


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_the_transcript_of_the_real_one_is_understood_in_pieces_of_any_size(size: int) -> None:
    board = ScriptedBoard(bytearray(512))
    pieces = [TRANSCRIPT[at : at + size] for at in range(0, len(TRANSCRIPT), size)]

    class Replay(Noisy):
        def write(self, data: bytes) -> None:
            del data

        def read(self, timeout_s: float) -> bytes:
            return pieces.pop(0) if timeout_s and pieces else b""

    answer = run(
        Console(Line()).command("crc32 44000000 100"), board, Replay(board, lambda _n, d: d)
    )

    assert answer == Answer(0, "\ncrc32 for 44000000 ... 440000ff ==> 0d968558\n")


def test_the_end_of_an_older_command_is_not_taken_for_that_of_this_one() -> None:
    board = ScriptedBoard(bytearray(512))
    pieces = [b"true; echo E1=$?\r\n", b"E7=1\r\n=> ", b"E1=0\r\n=> "]

    class Replay(Noisy):
        def write(self, data: bytes) -> None:
            del data

        def read(self, timeout_s: float) -> bytes:
            return pieces.pop(0) if timeout_s and pieces else b""

    replay = Replay(board, lambda _number, data: data)

    assert run(Console(Line()).command("true"), board, replay).status == 0


def test_a_command_that_must_succeed_is_an_error_with_its_words() -> None:
    with pytest.raises(
        EdgeError, match="`unzip 44000000 44100000 3` ended with status 1, and said 'Error: Bad"
    ):
        run(Console(Line()).run("unzip 44000000 44100000 3"), ScriptedBoard(bytearray(512)))


def test_a_damaged_letter_is_seen_in_the_echo_and_the_line_is_given_up() -> None:
    board = ScriptedBoard(bytearray(512))

    def change(number: int, data: bytes) -> bytes:
        return data.replace(b"1", b"9") if number == 0 else data

    answer = run(Console(Line()).command("setenv a 1"), board, Noisy(board, change))

    assert answer.status == 0
    assert board.commands == ["setenv a 1; echo E1=$?"]


def test_a_line_that_is_always_damaged_is_an_error_and_nothing_runs() -> None:
    board = ScriptedBoard(bytearray(512))

    with pytest.raises(LinkError, match="the echo of `setenv a 1` came back damaged 3 times"):
        run(
            Console(Line()).command("setenv a 1"),
            board,
            Noisy(board, lambda _number, data: data.replace(b"1", b"9")),
        )
    assert board.commands == []


@settings(max_examples=40)
@given(
    changes=st.dictionaries(
        st.integers(0, 30), st.tuples(st.integers(0, 80), st.integers(0x20, 0x7E)), max_size=6
    )
)
def test_whatever_letters_are_damaged_no_other_command_runs(
    changes: dict[int, tuple[int, int]],
) -> None:
    board = ScriptedBoard(bytearray(512))

    def change(number: int, data: bytes) -> bytes:
        at, letter = changes.get(number, (0, 0))
        is_text = len(data) > at and data[at : at + 1].isascii() and data[at] >= 0x20
        return data[:at] + bytes([letter]) + data[at + 1 :] if letter and is_text else data

    try:
        run(Console(Line()).command("virtio dev 0"), board, Noisy(board, change))
    except LinkError:
        assert board.commands == []
    else:
        assert board.commands == ["virtio dev 0; echo E1=$?"]


def test_a_command_that_never_ends_is_an_error_after_its_time() -> None:
    board = ScriptedBoard(bytearray(512), faults=Faults(stall_at="dhcp"))

    with pytest.raises(LinkError, match="`dhcp` did not end in 7 s"):
        run(Console(Line()).command("dhcp", timeout_s=7), board)
    assert 7 <= board.now_s < 9


def test_a_line_that_a_small_board_cannot_hold_is_not_typed() -> None:
    board = ScriptedBoard(bytearray(512))

    with pytest.raises(EdgeError, match="is too long"):
        run(Console(Line()).command("setenv a " + "b" * 240), board)
    assert not board.said


def test_the_prompt_is_not_the_arrow_of_crc32() -> None:
    console = Console(Line())

    assert not console.at_prompt.search(b"crc32 for 0 ... ff ==> ")
    assert console.at_prompt.search(b"something\r\n=> ")


def test_the_time_that_the_line_takes_to_turn_is_measured() -> None:
    class Slow(Noisy):
        """An adapter that keeps each byte for 16 ms."""

        def read(self, timeout_s: float) -> bytes:
            if timeout_s:
                board.now_s += 0.016
            return super().read(timeout_s) if timeout_s else b""

    board = ScriptedBoard(bytearray(512))

    turnaround_s = run(
        Console(Line()).turnaround_s(115200), board, Slow(board, lambda _number, data: data)
    )

    assert 0.014 < turnaround_s < 0.017


def test_a_babbling_board_fills_no_memory() -> None:
    line = Line()
    dialog = line.match(re.compile(b"never"), 10)
    board = ScriptedBoard(bytearray(512))
    chatter = b"x" * 5000

    class Babbles(Noisy):
        def read(self, timeout_s: float) -> bytes:
            board.now_s += 0.01
            return chatter

    assert run(dialog, board, Babbles(board, lambda _number, data: data)) is None
    assert len(line.pending) <= 1 << 16
