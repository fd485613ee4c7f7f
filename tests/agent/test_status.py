"""The status file and socket of the agent."""

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent import status
from edge_agent.errors import AgentError
from edge_agent.status import StatusError, StatusSocket
from edge_signing.messages import Status


def answered(said: Mapping[str, object]) -> Mapping[str, object]:
    if said.get("command") == "fail":
        raise AgentError("it can not be")
    return {"got": said}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with closing(StatusSocket(answered, tmp_path)):
        yield tmp_path


def test_a_request_gets_one_object(folder: Path) -> None:
    said = {"command": "install", "file": "/media/update.edge"}

    assert status.ask(said, folder) == {"got": said}


def test_who_says_nothing_gets_the_status(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(folder / status.SOCKET))
        client.shutdown(socket.SHUT_WR)
        assert json.loads(client.makefile().read()) == {"got": {"command": "status"}}


def test_an_error_is_told(folder: Path) -> None:
    assert status.ask({"command": "fail"}, folder) == {"error": "it can not be"}


@pytest.mark.parametrize("data", [b"[]\n", b"{\n", b"\xff\n", b"1\n", b"[" * 9000 + b"\n"])
def test_what_is_no_object_gets_an_error(folder: Path, data: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(folder / status.SOCKET))
        client.sendall(data)
        assert set(json.loads(client.makefile().read())) == {"error"}


def test_too_much_gets_an_error(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(folder / status.SOCKET))
        client.sendall(b"x" * (status.MOST_BYTES + 1))
        assert "more than" in json.loads(client.makefile().read())["error"]


@pytest.mark.slow
def test_a_client_that_is_silent_holds_nobody_for_long(
    folder: Path,
) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect(str(folder / status.SOCKET))
        assert status.ask({"command": "status"}, folder)["got"]


def test_only_the_owner_may_open_the_socket(folder: Path) -> None:
    assert (folder / status.SOCKET).stat().st_mode & 0o777 == 0o600


def test_without_an_agent_the_error_says_so(tmp_path: Path) -> None:
    with pytest.raises(StatusError):
        status.ask({"command": "status"}, tmp_path)


def test_a_new_agent_takes_the_place_of_one_that_was_killed(folder: Path) -> None:
    with closing(StatusSocket(lambda _said: {"n": 2}, folder)):
        assert status.ask({}, folder) == {"n": 2}


def test_the_file_is_always_whole(tmp_path: Path) -> None:
    said = status.as_json(Status("b", done_bytes=1, planned_bytes=3, phase="installing"))
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            status.write(said, tmp_path)

    status.write(said, tmp_path)
    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _look in range(300):
            found = json.loads((tmp_path / status.STATUS_FILE).read_text())
            assert (found["percent"], found["phase"]) == (33, "installing")
    finally:
        stop.set()
        thread.join()


def test_a_folder_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StatusError):
        status.write({}, tmp_path / "file")
    with pytest.raises(StatusError):
        StatusSocket(answered, tmp_path / "file")
