"""Flashing through a console, the pieces by network: a real server, a board that fetches."""

import http.client
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from edge.errors import (
    LinkError,
)
from edge.flash.methods.serial_options import SerialOptions, Via
from tests.fakes.scripted_board import ScriptedBoard
from tests.fakes.serial_job import Ear, empty, full, image, method


def over_loopback(url: str) -> bytes | None:
    """Fetch as the board does."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 0, timeout=10)
    try:
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        return answer.read() if answer.status == 200 else None
    finally:
        connection.close()


def test_a_board_with_a_network_fetches_the_pieces_itself() -> None:
    board, source, ear = ScriptedBoard(empty(), files=over_loopback), image(), Ear()

    report = method(board, SerialOptions()).flash(source, ear)

    assert board.disk == full(source)
    assert report.verified_bytes == 1024 + 9216 + 512
    assert not any("loady" in line for line in board.commands)
    assert "the board has the address 127.0.0.1 and fetches from 127.0.0.1" in ear.notes


@pytest.mark.parametrize(
    ("files", "why"),
    [
        pytest.param(None, "gets no address by DHCP", id="no network"),
        pytest.param(lambda _url: None, "gets nothing from 127.0.0.1", id="firewall"),
    ],
)
def test_without_a_network_the_line_is_taken(
    files: Callable[[str], bytes | None] | None, why: str
) -> None:
    board, source, ear = ScriptedBoard(empty(), files=files), image(), Ear()

    method(board, SerialOptions()).flash(source, ear)

    assert board.disk == full(source)
    assert any("loady" in line for line in board.commands)
    assert why in ear.notes
    assert "going on over the line" in ear.notes


def test_a_network_that_was_asked_for_and_is_not_there_is_an_error() -> None:
    board = ScriptedBoard(bytearray(b"\xee" * (6 << 20)))

    with pytest.raises(LinkError, match="gets no address by DHCP"):
        method(board, SerialOptions(via=Via.NETWORK)).flash(image(), Ear())
    assert board.disk == b"\xee" * (6 << 20)


def test_a_piece_that_does_not_come_is_fetched_again() -> None:
    asked: list[str] = []

    def flaky(url: str) -> bytes | None:
        asked.append(url)
        return None if len(asked) == 2 else over_loopback(url)

    board, source = ScriptedBoard(empty(), files=flaky), image()

    method(board, SerialOptions()).flash(source, Ear())

    assert board.disk == full(source)
    assert asked[1] == asked[2]
