"""`edge serial` as a user has it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge import paths
from edge.cli import serial
from edge.cli.main import main
from edge.flash.transports.survey import FoundPort
from tests.fakes.pty_line import pty_line

ADAPTER = FoundPort("/dev/ttyUSB0", "FT232R USB UART", "0403:6001", "A10KZP3X", "1-1.2")


def test_the_ports_are_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(serial, "found_ports", lambda: [ADAPTER])

    assert main(["serial"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "PORT          USB ID     SERIAL    LOCATION  WHAT",
        "/dev/ttyUSB0  0403:6001  A10KZP3X  1-1.2     FT232R USB UART",
    ]
    assert main(["serial", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["ports"][0]["serial_number"] == "A10KZP3X"


def test_no_port_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(serial, "found_ports", list)

    assert main(["serial"]) == 0
    assert capsys.readouterr().out == "no serial port is plugged in\n"


@pytest.mark.parametrize(
    ("port", "status"),
    [("/dev/nowhere", 3), ("unix:/nowhere", 3), ("socket:x", 2), ("/dev/null,1", 2)],
)
def test_a_port_that_cannot_be_opened_has_its_status(port: str, status: int) -> None:
    assert main(["serial", port]) == status


def test_a_console_is_carried_and_logged(tmp_path: Path) -> None:
    log = tmp_path / "board.log"
    words = [sys.executable, "-m", "edge.cli.main", "serial"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with (
        pty_line() as line,
        subprocess.Popen(
            [*words, line.path, "--log", str(log), "--timestamps"],
            cwd=paths.PROJECT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as console,
    ):
        assert console.stdin is not None
        assert console.stdout is not None
        assert console.stderr is not None
        assert f"serial:{line.path}: connected" in console.stderr.readline().decode()
        console.stdin.write(b"version\r")
        console.stdin.flush()
        assert line.hear(8) == b"version\r"
        line.say(b"U-Boot 2025.01\r\n")
        assert console.stdout.readline() == b"U-Boot 2025.01\r\n"
        console.stdin.write(b"\x1d")
        console.stdin.flush()
        assert console.wait(10) == 0

    stamp, _space, text = log.read_bytes().partition(b" ")
    assert text == b"U-Boot 2025.01\r\n"
    assert stamp.endswith(b"+00:00")
