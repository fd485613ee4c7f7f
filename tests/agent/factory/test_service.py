"""The service `factory` on a line, and the agent behind it."""

import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from edge_agent.errors import AgentError
from edge_agent.factory import door, service
from edge_agent.factory.conversation import Conversation
from edge_agent.identity import Identity
from edge_signing import frames
from edge_signing.frames import Way
from tests.fakes.pty_line import PtyLine, pty_line

HELLO = frames.pieces(Way.TO_DEVICE, 7, {"ask": "hello"})[0].line()
YES = frames.pieces(Way.FROM_DEVICE, 7, {"edge": 1})[0].line()


class HungUpError(Exception):
    """The line was hung up, and the test is over."""


@contextmanager
def served(line: PtyLine, conversation: Conversation) -> Iterator[list[float]]:
    """Serve a line in a thread, until it is hung up."""
    pauses: list[float] = []

    def pause(time_s: float) -> None:
        pauses.append(time_s)
        raise HungUpError

    def run() -> None:
        with pytest.raises(HungUpError):
            service.serve(Path(line.path), conversation, pause=pause)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        line.wait()
        yield pauses
    finally:
        line.close()
        thread.join(10)
        assert not thread.is_alive()


def test_a_station_is_answered_on_the_line_by_the_agent(tmp_path: Path) -> None:
    data = tmp_path / "data"
    opened = door.opened(data, tmp_path)
    assert opened is not None

    with closing(opened), pty_line() as line:
        conversation = Conversation(door.asking(tmp_path))
        with served(line, conversation) as pauses:
            line.say(b"root\n\x03" + b"x" * 2000 + f"\n{HELLO}\n".encode())
            assert line.hear(len(YES) + 1) == f"{YES}\n".encode()
        assert pauses == [1.0]
    assert not data.exists()


def test_a_line_gives_nothing_back_and_can_not_be_stopped() -> None:
    with pty_line() as line:
        modes = termios.tcgetattr(line.descriptor)
        modes[0] |= termios.IXON | termios.ICRNL
        modes[1] |= termios.OPOST | termios.ONLCR
        modes[3] |= termios.ECHO | termios.ICANON | termios.ISIG
        termios.tcsetattr(line.descriptor, termios.TCSANOW, modes)
        with served(line, Conversation(lambda _asked: {"edge": 1})):
            deadline_s = time.monotonic() + 10
            while termios.tcgetattr(line.descriptor)[3] & termios.ICANON:
                assert time.monotonic() < deadline_s
                time.sleep(0.001)
            line.say(f"\x03\x13\n{HELLO}\n".encode())
            # What others say on the console keeps its form.
            assert line.hear(len(YES) + 2) == f"{YES}\r\n".encode()
            modes = termios.tcgetattr(line.descriptor)

    assert not modes[0] & (termios.IXON | termios.ICRNL)
    assert not modes[3] & (termios.ECHO | termios.ISIG)


def test_a_request_waits_for_an_agent_that_starts(tmp_path: Path) -> None:
    started = []

    def pause(_time_s: float) -> None:
        started.append(door.opened(tmp_path / "data", tmp_path))

    said = door.asking(tmp_path, clock_s=lambda: 0.0, pause=pause)({"ask": "hello"})

    assert said == {"edge": 1}
    assert started[0] is not None
    started[0].close()


def test_without_an_agent_the_station_is_told(tmp_path: Path) -> None:
    times = iter((0.0, 10.0, 21.0))

    said = door.asking(tmp_path, clock_s=lambda: next(times), pause=lambda _s: None)({"ask": "new"})

    assert said == {"error": "the agent of this device does not answer"}


def test_a_system_without_the_folder_has_no_door(tmp_path: Path) -> None:
    assert door.opened(tmp_path, tmp_path / "none") is None


def test_a_service_has_one_terminal(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="0 terminals"):
        service.terminal(tmp_path)
    (tmp_path / "console").touch()
    assert service.terminal(tmp_path) == tmp_path / "console"
    (tmp_path / "tty-ttyS1").touch()
    with pytest.raises(AgentError, match="2 terminals"):
        service.terminal(tmp_path)


def test_the_service_loads_nothing_that_its_image_does_not_have() -> None:
    # Its image has of Python only what this program imports, and no library.
    code = "import sys, edge_agent.factory.service; print(*sys.modules)"
    said = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        check=True,
        text=True,
    ).stdout.split()

    roots = {name.partition(".")[0] for name in said}
    assert not roots & {"cryptography", "construct", "paho", "tuf", "ssl", "subprocess", "ctypes"}
    assert Identity.__module__ not in said
