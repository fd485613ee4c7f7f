"""`edge console serve` killed for real while simulated devices are under way, and started again."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edge.cli.main import main
from edge.console import demo
from edge.console.client import Address, Client
from edge.console.site import Site
from edge.errors import EdgeError
from tests.fakes.pki import Pki
from tests.fakes.ports import free_ports

pytestmark = [pytest.mark.slow, pytest.mark.tools]

NAMES = [f"sim-{number:02}" for number in range(1, 13)]
PLAN: dict[str, Any] = {
    "name": "to the new one",
    "version": demo.NEW,
    "waves": [{"percent": 20, "success_percent": 50}, {"percent": 100}],
    "pace": {"at_once": 3},
    "times": {"soak_s": 1, "silence_s": 60},
}


class Program:
    """A console in a process of its own, on the same ports whenever it is started."""

    def __init__(self, folder: Path, pki: Pki, keys: Path) -> None:
        self.site = Site(folder / "console")
        self.folder, self.port, self.api_port = folder, *free_ports(2)
        words = ["console", "serve", "--dir", "console", "--json", "--no-mqtt"]
        words += ["--keys", str(keys), "--factory-ca", str(pki.factory.file)]
        self.words = [*words, "--port", str(self.port), "--api-port", str(self.api_port)]
        self.child = self.start()
        url = f"https://localhost:{self.api_port}"
        self.client = Client(Address(url, self.site.admin_token, self.site.authority))

    def start(self) -> subprocess.Popen[bytes]:
        self.child = edge(self.words, self.folder)
        assert self.child.stdout is not None
        assert json.loads(self.child.stdout.readline())
        return self.child

    def kill(self) -> None:
        self.child.kill()
        self.end()

    def end(self) -> None:
        self.child.terminate()
        self.child.wait(20)
        assert self.child.stdout is not None
        self.child.stdout.close()

    def until(self, is_so: Callable[[dict[str, int]], bool], id_: str) -> None:
        found: dict[str, Any] = {}
        for _ in range(400):
            with suppress(EdgeError):
                found = self.client.get(f"/campaigns/{id_}")
                if is_so({**found["counts"], found["state"]: -1}):
                    return
            time.sleep(0.05)
        raise AssertionError(found)


def edge(words: list[str], folder: Path) -> subprocess.Popen[bytes]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    program = [sys.executable, "-m", "edge.cli.main", *words]
    return subprocess.Popen(program, cwd=folder, env=env, stdout=subprocess.PIPE)


@contextmanager
def simulated(program: Program, pki: Pki) -> Iterator[Callable[[], dict[str, Any]]]:
    """Let devices live; what comes back ends them, and returns what they say of themselves."""
    words = ["-q", "simulate", "--json", "--devices", str(len(NAMES)), "--ramp", "0"]
    words += ["--factory-ca", str(pki.factory.file), "--factory-key", str(pki.factory.key_file)]
    words += ["--server-ca", str(program.site.authority), "--poll", "0.3", "--speed", "40"]
    words += ["--mix", "ok=1"]
    words += ["--http", f"https://localhost:{program.port}/", "--board", demo.BOARD]
    words += ["--product", demo.PRODUCT, "--version", demo.OLD]
    child = edge(words, program.folder)

    def end() -> dict[str, Any]:
        child.terminate()
        facts: dict[str, Any] = json.loads(child.communicate(timeout=20)[0])
        return facts

    try:
        yield end
    finally:
        child.kill()
        child.communicate()


@pytest.fixture(scope="module", autouse=True)
def _tiny_units() -> None:
    """Leave units as long as they are: the console is a program of its own."""


@pytest.fixture
def program(tmp_path: Path, pki: Pki) -> Iterator[Program]:
    bundles = demo.make_releases(tmp_path, datetime.now(UTC))
    made = Program(tmp_path, pki, tmp_path / "keys")
    try:
        for bundle in bundles:
            made.client.upload("POST", "/releases", bundle)
        for name in NAMES:
            made.client.send("POST", "/devices", {"device": name})
        yield made
    finally:
        made.end()


def test_a_campaign_goes_on_and_back_though_its_console_is_killed_again_and_again(
    program: Program, pki: Pki, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EDGE_CONSOLE_URL", program.client.url)
    monkeypatch.setenv("EDGE_CONSOLE_TOKEN_FILE", str(program.site.admin_token))
    monkeypatch.setenv("EDGE_CONSOLE_CA", str(program.site.authority))
    with simulated(program, pki) as end:
        id_ = program.client.send("POST", "/campaigns", PLAN)["campaign"]
        program.client.send("POST", f"/campaigns/{id_}/start", {})
        for least in (1, 6):
            program.until(lambda one, least=least: one.get("succeeded", 0) >= least, id_)  # type: ignore[misc]
            program.kill()
            program.start()
        program.until(lambda one: "finished" in one, id_)
        assert program.client.get(f"/campaigns/{id_}")["counts"] == {"succeeded": len(NAMES)}

        program.client.send("POST", f"/campaigns/{id_}/revert", {})
        program.until(lambda one: one.get("reverted", 0) >= 3, id_)
        program.kill()
        program.start()
        program.until(lambda one: "reverted" in one and one["reverted"] == -1, id_)
        facts = end()

    assert program.client.get(f"/campaigns/{id_}")["counts"] == {"reverted": len(NAMES)}
    assert (facts["results"]["succeeded"], facts["refused"]) == (2 * len(NAMES), 0)
    for name in NAMES:
        orders = program.client.get(f"/devices/{name}/orders")["orders"]
        assert [one["version"] for one in orders] == [demo.OLD, demo.NEW]
    capfd.readouterr()
    status = main(["campaign", "verify", id_, "--json"])
    said = json.loads(capfd.readouterr().out)
    assert (status, said["devices"], said["differences"]) == (0, len(NAMES), [])
    program.kill()
    database = program.site.folder / "console.db"
    sql = "UPDATE campaign_devices SET state = 'succeeded' WHERE device = 'sim-01'"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(sql)
    program.start()
    assert main(["campaign", "verify", id_]) == 1
    out, err = capfd.readouterr()
    assert "sim-01: state: the journal gives reverted, stored is succeeded" in out
    assert "is not as its journal gives it" in err
