"""The user's terminal on a port, and the log of what was said."""

import os
import termios
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import LinkError
from edge.flash.terminal import pump, raw
from edge.flash.transcript import Transcript
from edge.flash.transports.address import TtyAddress
from edge.flash.transports.open_port import open_port
from edge.flash.transports.port import Port
from tests.fakes.pty_line import PtyLine, pty_line

NOON = datetime(2026, 7, 1, 12, 0, 0, 5000, tzinfo=UTC)
STAMP = b"2026-07-01T12:00:00.005+00:00 "


@pytest.fixture
def line() -> Iterator[PtyLine]:
    with pty_line() as made:
        yield made


@pytest.fixture
def port(line: PtyLine) -> Iterator[Port]:
    opened = open_port(TtyAddress(line.path))
    yield opened
    opened.close()


def test_keys_and_words_go_both_ways_until_the_user_leaves(line: PtyLine, port: Port) -> None:
    keyboard, keys = os.pipe()
    heard: list[bytes] = []
    all_heard = threading.Event()

    def said(data: bytes) -> None:
        heard.append(data)
        if b"".join(heard) == b"Hello":
            all_heard.set()

    terminal = threading.Thread(target=pump, args=(port, keyboard, said))
    terminal.start()
    os.write(keys, b"\x03help\r")
    assert line.hear(6) == b"\x03help\r"
    line.say(b"Hello")
    assert all_heard.wait(10)
    os.write(keys, b"x\x1dy")
    terminal.join(10)

    assert not terminal.is_alive()
    assert line.hear(1) == b"x"
    os.close(keys)
    os.close(keyboard)


def test_at_the_end_of_the_keys_we_go_on_listening_until_the_port_is_gone(
    line: PtyLine, port: Port
) -> None:
    heard: list[bytes] = []

    def said(data: bytes) -> None:
        heard.append(data)
        line.close()

    line.say(b"still here")
    with open(os.devnull, "rb") as keyboard, pytest.raises(LinkError):  # noqa: PTH123
        pump(port, keyboard.fileno(), said)
    assert b"".join(heard) == b"still here"


def test_the_terminal_is_as_it_was_whatever_happens() -> None:
    ours, theirs = os.openpty()
    before = termios.tcgetattr(theirs)

    during = []

    def fail_in_raw() -> None:
        with raw(theirs):
            during.extend(termios.tcgetattr(theirs))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_in_raw()

    assert not during[3] & (termios.ICANON | termios.ISIG | termios.ECHO)
    assert termios.tcgetattr(theirs) == before
    os.close(ours)
    os.close(theirs)


def test_a_log_has_the_time_at_each_line() -> None:
    transcript = Transcript(lambda: NOON, timestamps=True)

    log = b"".join(transcript.take(part) for part in (b"one\r\nt", b"", b"wo\n", b"three"))

    assert log == STAMP + b"one\r\n" + STAMP + b"two\n" + STAMP + b"three"


@given(st.lists(st.binary(max_size=20)))
def test_a_log_without_times_is_what_was_said(parts: list[bytes]) -> None:
    transcript = Transcript(lambda: NOON, timestamps=False)

    assert b"".join(transcript.take(part) for part in parts) == b"".join(parts)


@given(st.lists(st.binary(max_size=20)))
def test_times_add_to_a_log_and_take_nothing_away(parts: list[bytes]) -> None:
    transcript = Transcript(lambda: NOON, timestamps=True)

    log = b"".join(transcript.take(part) for part in parts)

    assert log.replace(STAMP, b"") == b"".join(parts)
