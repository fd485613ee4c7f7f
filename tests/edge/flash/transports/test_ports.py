"""Ports of this machine and sockets: bytes both ways, and each way to be refused."""

import errno
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from edge.errors import EdgeError, InputError, LinkError, RefusedError, ThingNotFoundError
from edge.flash.transports.address import SocketAddress, TtyAddress, UnixAddress
from edge.flash.transports.holders import holders
from edge.flash.transports.open_port import open_port
from edge.flash.transports.port import Port
from edge.flash.transports.serial_port import SerialPort
from tests.fakes.pty_line import PtyLine, pty_line

HOLD = "import sys; port = open(sys.argv[1], 'rb'); print('ready', flush=True); sys.stdin.read()"


@pytest.fixture
def line() -> Iterator[PtyLine]:
    with pty_line() as made:
        yield made


@pytest.fixture
def port(line: PtyLine) -> Iterator[Port]:
    opened = open_port(TtyAddress(line.path, 115200))
    yield opened
    opened.close()


def test_a_port_carries_all_bytes_both_ways(line: PtyLine, port: Port) -> None:
    every = bytes(range(256))

    port.write(every)
    line.say(every)

    assert line.hear(256) == every
    received = b""
    while len(received) < 256:
        received += port.read(10)
    assert received == every


def test_a_silent_port_gives_nothing(port: Port) -> None:
    assert port.read(0.01) == b""


def test_a_port_takes_another_rate(port: Port) -> None:
    port.set_baud(921600)
    with pytest.raises(InputError, match="no rate of -5 baud"):
        port.set_baud(-5)


def test_a_port_that_goes_away_is_an_error(port: Port, line: PtyLine) -> None:
    line.close()

    with pytest.raises(LinkError, match=line.path):
        port.read(10)


def test_a_port_that_another_program_has_is_refused_with_its_name(line: PtyLine) -> None:
    command = [sys.executable, "-c", HOLD, line.path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == b"ready\n"

        with pytest.raises(RefusedError, match=rf"in use by python\S* \(process {other.pid}\)"):
            open_port(TtyAddress(line.path))
        other.stdin.close()


def test_a_port_is_ours_alone(line: PtyLine, port: Port) -> None:
    with pytest.raises(RefusedError, match=f"{line.path}: the port is in use"):
        open_port(TtyAddress(line.path))


def test_a_port_that_we_may_not_open_names_the_rule(
    line: PtyLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_words: object, **_settings: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(serial, "serial_for_url", refuse)

    with pytest.raises(EdgeError, match="we may not open this port") as error:
        SerialPort(line.path, 115200)
    assert error.value.hint == "run `edge udev install`"


def test_holders_are_found_by_their_open_files(tmp_path: Path) -> None:
    device = tmp_path / "ttyUSB0"
    device.touch()
    for number, name, target in (("12", "minicom", device), ("13", "bash", tmp_path)):
        files = tmp_path / "proc" / number / "fd"
        files.mkdir(parents=True)
        (files.parent / "comm").write_text(f"{name}\n")
        (files / "3").symlink_to(target)
    (tmp_path / "proc" / "self").mkdir()

    assert holders(str(device), proc=tmp_path / "proc") == ["minicom (process 12)"]


def test_a_socket_is_a_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = open_port(SocketAddress("127.0.0.1", listener.getsockname()[1]))
        other, _address = listener.accept()
        with other:
            port.write(b"ab")
            other.sendall(b"cd")

            assert other.recv(10) == b"ab"
            assert port.read(10) == b"cd"
            assert port.read(0) == b""
        with pytest.raises(LinkError, match="the other side closed the connection"):
            port.read(10)
        port.close()


def test_a_socket_of_the_file_system_is_a_port(tmp_path: Path) -> None:
    path = tmp_path / "console"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        port = open_port(UnixAddress(str(path)))
        other, _address = listener.accept()
        with other:
            other.sendall(b"=> ")

            assert port.read(10) == b"=> "
        port.close()


@pytest.mark.parametrize(
    "address",
    [SocketAddress("127.0.0.1", 1), UnixAddress("/nowhere"), TtyAddress("/dev/nowhere")],
    ids=str,
)
def test_a_port_that_is_not_there_is_not_found(
    address: SocketAddress | UnixAddress | TtyAddress,
) -> None:
    with pytest.raises(ThingNotFoundError):
        open_port(address)


def test_what_pyserial_opens_by_url_is_a_port() -> None:
    port = open_port(TtyAddress("loop://"))

    port.write(b"there and back")

    received = b""
    while len(received) < 14:
        received += port.read(10)
    assert received == b"there and back"
    assert port.read(0.01) == b""
    with pytest.raises(OSError, match="fileno"):
        port.fileno()
    port.close()


def test_a_url_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(InputError, match="gopher"):
        open_port(TtyAddress("gopher://example.org"))
