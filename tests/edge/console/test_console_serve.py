"""`edge console serve` as a program: what it prints, what it makes, and what it refuses."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from edge.cli.main import main
from edge.console.site import Site
from tests.fakes.pki import Pki


def words(keys: Path, pki: Pki, *more: object) -> list[str]:
    chosen = ["console", "serve", "--dir", "here", "--json", "--port", "0", "--api-port", "0"]
    chosen += ["--keys", str(keys), "--factory-ca", str(pki.factory.file)]
    return [*chosen, *map(str, more)]


def served(folder: Path, chosen: list[str]) -> tuple[int, dict[str, Any]]:
    """Start a console, end it as an operator does, and return its status and what it said."""
    program = [sys.executable, "-m", "edge.cli.main", *chosen]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(program, cwd=folder, env=env, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        said = json.loads(child.stdout.readline())
        child.send_signal(signal.SIGTERM)
        return child.wait(20), said


def test_it_starts_prints_how_to_use_it_and_ends_when_asked(
    tmp_path: Path, pki: Pki, keys: Path
) -> None:
    status, said = served(tmp_path, words(keys, pki, "--no-mqtt"))

    token = Path(said["token_file"])
    assert (status, said["mqtt_port"]) == (0, 0)
    assert token.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "here").stat().st_mode & 0o777 == 0o700
    assert token.read_text().startswith("edge_")
    assert re.fullmatch(r"https://localhost:\d+/welcome#[0-9a-f]{64}", said["welcome"])
    assert not (tmp_path / "here" / "broker").exists()


def test_a_second_console_in_the_same_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    with Site(tmp_path / "here").alone():
        status = main(["console", "serve", "--dir", "here", "--no-mqtt"])

    assert status == 5
    assert f"{tmp_path / 'here'}: another console runs there" in capsys.readouterr().err


@pytest.mark.tools
def test_it_runs_a_broker_and_leaves_none_behind(tmp_path: Path, pki: Pki, keys: Path) -> None:
    more = ("--mqtt-port", 0, "--device-crl", pki.revoked)

    status, said = served(tmp_path, words(keys, pki, *more))

    assert status == 0
    assert said["mqtt_port"] > 0
    with closing(socket.socket()) as probe:
        assert probe.connect_ex(("127.0.0.1", said["mqtt_port"])) != 0
    assert "crlfile" in (tmp_path / "here" / "broker" / "mosquitto.conf").read_text()


@pytest.mark.parametrize(
    ("more", "text"),
    [
        pytest.param(
            ["--broker", "mqtts://broker.example.com", "--no-mqtt"], "one or the other", id="both"
        ),
        pytest.param(
            ["--broker", "mqtts://broker.example.com"], "--broker-ca FILE", id="no certificate"
        ),
        pytest.param(["--broker-ca", "x"], "go with --broker", id="no broker"),
        pytest.param(
            ["--no-mqtt", "--device-crl", "none.crl"], "none.crl: No such file", id="list"
        ),
    ],
)
def test_what_does_not_go_together_is_refused(
    tmp_path: Path,
    pki: Pki,
    keys: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    more: list[str],
    text: str,
) -> None:
    monkeypatch.chdir(tmp_path)

    assert main(words(keys, pki, *more)) == 2
    assert text in capfd.readouterr().out


def test_a_broker_that_is_no_url_or_has_no_such_files_is_refused(
    tmp_path: Path, pki: Pki, keys: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    files = ["--broker-ca", pki.servers.file, "--broker-certificate", pki.folder / "console.crt"]
    files += ["--broker-key", tmp_path / "none.key"]

    statuses = [
        main(words(keys, pki, "--broker", url, *files))
        for url in ("http://broker.example.com", "mqtts://broker.example.com")
    ]

    assert statuses == [2, 2]
    said = capfd.readouterr().out
    assert "no URL of a broker" in said
    assert "not usable for TLS" in said


def test_without_mosquitto_it_says_what_to_do(
    tmp_path: Path,
    pki: Pki,
    keys: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EDGE_CACHE", str(tmp_path / "cache"))

    assert main(words(keys, pki, "--mqtt-port", 0)) != 0

    said = capfd.readouterr().out
    assert "mosquitto" in said
    assert "--no-mqtt" in said


@pytest.mark.tools
def test_a_port_that_is_taken_is_told(
    tmp_path: Path,
    pki: Pki,
    keys: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        assert main(words(keys, pki, "--mqtt-port", port)) == 1

    assert f"127.0.0.1:{port}: Address already in use" in capfd.readouterr().out
