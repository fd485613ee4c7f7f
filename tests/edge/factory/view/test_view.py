"""The operator's view: what is said is there, at every size, and nothing else moves the cursor."""

import io
import os
import termios
import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from edge.factory.events import Event, Light, PortEvent, ScanEvent, StationEvent
from edge.factory.view import screen, tile, writing
from edge.factory.view.board import Board
from edge.factory.view.live import OperatorView

FREE = PortEvent("1-1.1", Light.EMPTY, advice="plug in a board")
BUSY = PortEvent("1-1.1", Light.WORKING, "u1", "gw-000017", "", "flash", 2, 42)
GOOD = PortEvent("1-1.2", Light.GOOD, "u2", "gw-000016", "", "register", 1, None, "stick the label")
BAD = PortEvent(
    "1-1.3", Light.BAD, "u3", "gw-000015", "", "verify", 3, None, "red box", "block 47 differs"
)
ASKS = PortEvent("1-1.4", Light.ASKING, "u4", "gw-000018", "", "label", 1, None, "scan the label")
PORTS = tuple(f"1-1.{number}" for number in range(1, 9))
STATION = StationEvent("S1", "hall-2", "gateway", PORTS, "Ada", "PO-7", 128, 3, 120, 500, 871)


def _board(*events: Event) -> Board:
    board = Board()
    for event in events:
        board = board.taken(event)
    return board


def _text(board: Board, width: int, height: int) -> str:
    return "\n".join(line.plain for line in screen.lines(board, width, height))


@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 60), (120, 40)])
def test_a_screen_says_how_each_port_stands_and_what_to_do(width: int, height: int) -> None:
    board = _board(STATION, BUSY, GOOD, BAD, ASKS, ScanEvent("PO-7", True, "the order"))

    said = " ".join(_text(board, width, height).split())

    for word in (*PORTS, "gw-000017", "flash (try 2)", "stick the label", "red box"):
        assert word in said
    assert "S1 hall-2: gateway" in said
    assert "order PO-7 operator Ada" in said
    assert "scanned PO-7: ok the order" in said
    assert "good 128 of 500 failed 3 yield 97 % at once 91 % ids left 871" in said


@pytest.mark.parametrize(
    ("event", "word"),
    [(FREE, "FREE"), (BUSY, "42"), (GOOD, "GOOD"), (BAD, "FAIL"), (ASKS, "LOOK")],
)
def test_a_tile_has_its_word_in_large_letters(event: PortEvent, word: str) -> None:
    lines = [line.plain for line in tile.tile(event, 30, 12)]

    assert [line[1:-1] for line in lines[1:5]] == writing.big(word, 28)


def test_states_differ_without_colour() -> None:
    for width, height in ((30, 12), (20, 10), (16, 5)):
        drawn = {
            "\n".join(line.plain for line in tile.tile(PortEvent("p", light), width, height))
            for light in Light
        }
        assert len(drawn) == len(Light)
        frames = {one[0] + one[3] for one in (tile.LOOKS[light].frame for light in Light)}
        assert len(frames) >= 3


def test_each_state_has_a_look_and_a_place_in_the_list() -> None:
    assert set(tile.LOOKS) == set(Light) == set(screen._URGENCY)


def test_a_small_terminal_lists_first_who_wants_somebody() -> None:
    board = _board(STATION, BUSY, GOOD, BAD, ASKS)

    lines = _text(board, 40, 8).splitlines()

    assert [line.split()[1] for line in lines[1:6]] == ["LOOK", "FAIL", "GOOD", "BUSY", "FREE"]


def test_a_long_id_keeps_its_end() -> None:
    event = PortEvent("p", Light.GOOD, "u", "gateway-with-a-long-name-000016")

    assert any("name-000016" in line.plain for line in tile.tile(event, 20, 10))


EVENTS = st.builds(
    PortEvent,
    port=st.text(max_size=12),
    light=st.sampled_from(list(Light)),
    unit=st.just("u"),
    device=st.text(max_size=40),
    serial=st.text(max_size=8),
    step=st.text(max_size=12),
    attempt=st.integers(0, 12),
    percent=st.none() | st.integers(-5, 200),
    advice=st.text(max_size=40),
    note=st.text(max_size=40),
)


@given(
    events=st.lists(EVENTS, max_size=6),
    scan=st.none() | st.builds(ScanEvent, st.text(max_size=90), st.booleans(), st.text()),
    width=st.integers(1, 90),
    height=st.integers(1, 30),
)
def test_a_screen_is_as_large_as_the_terminal_whatever_boards_say(
    events: list[PortEvent], scan: ScanEvent | None, width: int, height: int
) -> None:
    board = _board(STATION, *events, *([scan] if scan else []))

    lines = screen.lines(board, width, height)

    assert len(lines) == height
    assert {line.cell_len for line in lines} == {width}
    assert all(line.plain.isprintable() for line in lines)


@given(text=st.text(max_size=60), width=st.integers(0, 40))
def test_text_is_as_wide_as_asked(text: str, width: int) -> None:
    from rich.cells import cell_len

    assert cell_len(writing.fitted(text, width)) == width
    assert cell_len(writing.centred(text, width)) == width
    assert all(cell_len(line) == width for line in writing.wrapped(text, width, 3))
    assert len(writing.bar(len(text), width)) == width


def test_a_port_calls_once_for_each_trouble() -> None:
    board = _board(STATION, BUSY)

    assert board.calls(BAD)
    assert not board.taken(BAD).calls(BAD)
    assert board.taken(BAD).calls(PortEvent("1-1.3", Light.ASKING))
    assert not board.calls(GOOD)
    assert board.calls(ScanEvent("x", False, "no order"))


def _terminal() -> tuple[Console, Callable[[], str]]:
    out = io.StringIO()
    made = Console(file=out, force_terminal=True, width=80, height=24, color_system="standard")
    return made, out.getvalue


def test_the_view_shows_what_is_told_from_any_thread() -> None:
    console, said = _terminal()

    with OperatorView(console, sound=True) as view:
        threads = [
            threading.Thread(target=view, args=(one,)) for one in (STATION, BUSY, GOOD, BAD, ASKS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    text = said()
    assert "\x1b[?1049h" in text
    assert text.rindex("\x1b[?1049l") > text.index("\x1b[?1049h")
    assert "gw-000015" in text
    assert text.count("\a") == 2
    assert view.board.ports["1-1.3"] == BAD


def test_the_view_leaves_the_terminal_as_it_was_after_an_error() -> None:
    console, said = _terminal()
    near, far = os.openpty()
    before = termios.tcgetattr(far)

    def run() -> None:
        with OperatorView(console, keyboard=far):
            assert not termios.tcgetattr(far)[3] & termios.ECHO
            raise RuntimeError("the station broke")

    with pytest.raises(RuntimeError, match="broke"):
        run()

    assert termios.tcgetattr(far) == before
    assert said().endswith("\x1b[?25h") or "\x1b[?1049l" in said()
    os.close(near)
    os.close(far)


def test_a_keyboard_that_is_no_terminal_is_left_alone() -> None:
    console, _said = _terminal()
    reading, writing_end = os.pipe()

    with OperatorView(console, keyboard=reading) as view:
        view(STATION)

    os.close(reading)
    os.close(writing_end)
    assert view.board.station == STATION
