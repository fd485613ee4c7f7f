"""Simulated devices against the reference server of the agent, by the command."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.cli.main import main
from edge_signing import messages
from edge_signing.messages import Desired, Policy
from tests.agent.links.conftest import eventually
from tests.fakes import update_server
from tests.fakes.pki import Authority, Pki
from tests.fakes.update_server import UpdateServer

pytestmark = pytest.mark.tools

COUNT = 20
MIX = "ok=50,fails=20,silent=10,flapping=20"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    made = Pki.make(tmp_path_factory.mktemp("pki"))
    assert made.factory.file.exists()
    return made


@pytest.fixture
def server(tmp_path: Path, pki: Pki) -> Iterator[UpdateServer]:
    repository = tmp_path / "repository"
    repository.mkdir()
    with update_server.running(
        repository=repository, state=tmp_path / "state", pki=pki, mqtt_port=0
    ) as one:
        yield one


def _names() -> list[str]:
    return [f"sim-{number:02}" for number in range(1, COUNT + 1)]


def _versions(server: UpdateServer) -> list[str]:
    states = [server.fleet.state(name) for name in _names()]
    return [state.version for state in states if state is not None]


def _offer(server: UpdateServer) -> None:
    for name in _names():
        wanted = Desired(1, f"act-{name}", "simulated/1.1.0/release.json", b"{}", Policy())
        server.fleet.offer(name, wanted)


def _words(server: UpdateServer, pki: Pki, *more: str) -> list[str]:
    words = ["-q", "simulate", "--json", "--devices", str(COUNT), "--speed", "100", "--ramp", "0"]
    words += ["--factory-ca", str(pki.factory.file), "--factory-key", str(pki.factory.key_file)]
    words += ["--server-ca", str(pki.servers.file), "--poll", "0.2"]
    return [*words, *more]


def _run(capsys: pytest.CaptureFixture[str], words: list[str]) -> dict[str, Any]:
    assert main(words) == 0
    facts: dict[str, Any] = json.loads(capsys.readouterr().out)
    return facts


def _urls(server: UpdateServer, way: str) -> list[str]:
    assert server.broker is not None
    http, mqtt = ["--http", server.http.url], ["--mqtt", server.broker.url]
    return {"http": http, "mqtt": mqtt, "both": [*http, *mqtt]}[way]


@pytest.mark.parametrize("way", ["http", "mqtt", "both"])
def test_the_server_knows_what_the_summary_says(
    server: UpdateServer, pki: Pki, capsys: pytest.CaptureFixture[str], way: str
) -> None:
    _offer(server)

    facts = _run(capsys, _words(server, pki, *_urls(server, way), "--mix", MIX, "--actions", "1"))

    fleet = server.fleet
    finals = {name: [one.kind for one in fleet.events(name)] for name in _names()}
    kinds = [kind for found in finals.values() for kind in found]
    assert facts["behaviours"] == {
        "ok": 10,
        "fails": 4,
        "silent": 2,
        "flapping": 4,
        "slow": 0,
        "liar": 0,
        "late": 0,
    }
    assert facts["results"] == {"succeeded": 14, "failed": 4, "cancelled": 0}
    assert facts["silent"] == 2
    assert facts["refused"] == facts["doubled"] == facts["untold"] == 0
    assert sorted(kinds) == ["failed"] * 4 + ["succeeded"] * 14
    assert sorted(len(found) for found in finals.values()) == [0] * 2 + [1] * 18
    # The broker has the last states by now, and gives them to the server.
    assert eventually(lambda: _versions(server).count("1.1.0") == 14)
    assert len(_versions(server)) == COUNT


def test_devices_are_seen_to_come_and_go(
    server: UpdateServer, pki: Pki, capsys: pytest.CaptureFixture[str]
) -> None:
    _offer(server)
    words = _words(server, pki, *_urls(server, "mqtt"), "--mix", "ok=1", "--actions", "1")

    facts = _run(capsys, words)

    def online() -> dict[str, bool]:
        said = [server.fleet.online(name) for name in _names()]
        return dict(messages.unpack_online(one) for one in said if one)

    assert facts["opened"] == 2 * COUNT
    assert eventually(lambda: list(online().values()) == [False] * COUNT)


def test_a_part_of_the_devices_has_mqtt(
    server: UpdateServer, pki: Pki, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*_urls(server, "both"), "--mqtt-percent", "25", "--faults", "slow=10%"]

    facts = _run(capsys, _words(server, pki, *words, "--seconds", "2"))

    # Who has no MQTT has no will: every fourth one was seen to come.
    came = [name for name in _names() if server.fleet.online(name)]
    assert came == _names()[3::4]
    assert facts["behaviours"]["slow"] == 2


def test_the_same_seed_has_the_same_outcomes(
    tmp_path: Path, pki: Pki, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes = []
    for run, seed in enumerate(("7", "7", "8")):
        state = tmp_path / f"state-{run}"
        with update_server.running(repository=tmp_path, state=state, pki=pki) as server:
            _offer(server)
            more = ["--http", server.http.url, "--seed", seed, "--mix", MIX, "--actions", "1"]
            _run(capsys, _words(server, pki, *more))
            events = {name: server.fleet.events(name) for name in _names()}
        outcomes.append(
            {
                name: [(one.kind, one.id, one.reason) for one in said]
                for name, said in events.items()
            }
        )

    assert outcomes[0] == outcomes[1]
    assert outcomes[0] != outcomes[2]


def test_identities_are_kept_and_used_again(
    server: UpdateServer, pki: Pki, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "identities"
    more = ["--http", server.http.url, "--identities", str(folder), "--seconds", "0.1"]

    _run(capsys, _words(server, pki, *more))
    before = {one.name: one.read_bytes() for one in folder.iterdir()}
    _run(capsys, _words(server, pki, *more))

    assert sorted(before) == [f"{name}.pem" for name in _names()]
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == before
    assert {one.stat().st_mode & 0o777 for one in folder.iterdir()} == {0o600}


def test_who_is_not_let_in_goes_on_asking(
    server: UpdateServer, pki: Pki, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Authority.make(tmp_path / "other", "other-ca")
    words = _words(server, pki, "--http", server.http.url, "--seconds", "1")
    words[words.index("--factory-ca") + 1] = str(other.file)
    words[words.index("--factory-key") + 1] = str(other.key_file)

    facts = _run(capsys, words)

    assert facts["lost"] >= 1
    assert facts["results"] == {"succeeded": 0, "failed": 0, "cancelled": 0}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_with_the_summary(
    server: UpdateServer, pki: Pki, number: signal.Signals
) -> None:
    words = [sys.executable, "-m", "edge.cli.main"]
    words += _words(server, pki, *_urls(server, "both"), "--mix", "ok=1")
    own = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(words, env=own, stdout=subprocess.PIPE) as fleet:
        try:
            assert eventually(lambda: len(_versions(server)) == COUNT)
            fleet.send_signal(number)
            said, _none = fleet.communicate(timeout=30)
        finally:
            fleet.kill()

    assert fleet.returncode == 0
    assert json.loads(said)["opened"] == COUNT


@pytest.mark.parametrize(
    ("more", "said"),
    [
        pytest.param([], "no server is named", id="no server"),
        pytest.param(["--http", "http://localhost/"], "no URL of a server", id="plain"),
        pytest.param(["--mqtt", "mqtt://localhost"], "no URL of a broker", id="plain broker"),
        pytest.param(["--http", "https://localhost", "--mix", "x"], "no share", id="mix"),
        pytest.param(
            ["--http", "https://localhost", "--mix", "ok=1", "--faults", "slow=1%"],
            "say the same",
            id="mix and faults",
        ),
        pytest.param(["--http", "https://localhost", "--prefix", "a/b"], "device id", id="name"),
    ],
)
def test_wrong_options_are_refused(
    server: UpdateServer,
    pki: Pki,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    said: str,
) -> None:
    assert main(_words(server, pki, *more)) in (1, 2)

    assert said in capsys.readouterr().out


def test_a_key_of_another_authority_is_refused(
    server: UpdateServer, pki: Pki, capsys: pytest.CaptureFixture[str]
) -> None:
    words = _words(server, pki, "--http", server.http.url)
    words[words.index("--factory-key") + 1] = str(pki.servers.key_file)

    assert main(words) == 2
    assert "not the key of" in capsys.readouterr().out
