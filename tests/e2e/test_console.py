"""A device of the image enrols at the console, is accepted, asked, and gets a release.

It asks by HTTP, hears its order over MQTT, and fetches the release by HTTP.
"""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from edge.cli.main import main
from edge.console.http.link import HttpLink
from edge.emulator.machine import Machine
from tests.e2e.releases import BASE, NEXT, Releases
from tests.e2e.updated_device import started
from tests.fakes import console
from tests.fakes.console import Console
from tests.fakes.update_site import DEVICE, UpdateSite

pytestmark = pytest.mark.slow

WITHIN_S = 240
Edge = Callable[..., Any]
REFUSED = 5


def eventually(machine: Machine, is_so: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + WITHIN_S
    while not is_so():
        assert time.monotonic() < deadline_s, machine.text[-2000:]
        machine.listen(0.5)


@pytest.fixture
def polls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What devices asked for by HTTP."""
    asked: list[str] = []
    give = HttpLink._give_desired

    async def counted(link: HttpLink, request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        return await give(link, request)

    monkeypatch.setattr(HttpLink, "_give_desired", counted)
    return asked


@pytest.fixture
def edge(capfd: pytest.CaptureFixture[str]) -> Edge:
    """Run a command, and return what it says."""

    def run(*words: object) -> Any:
        capfd.readouterr()
        assert main([str(word) for word in words] + ["--json"]) == 0
        return json.loads(capfd.readouterr().out.splitlines()[-1])

    return run


@pytest.fixture
def one(site: UpdateSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Console]:
    """A console that the commands ask."""
    with console.running(
        tmp_path / "console",
        site.pki,
        site.ring.folder,
        port=site.port,
        mqtt_port=site.mqtt_port,
        with_own_server=False,
    ) as made:
        monkeypatch.setenv("EDGE_CONSOLE_URL", made.api_url)
        monkeypatch.setenv("EDGE_CONSOLE_TOKEN_FILE", str(made.site.admin_token))
        monkeypatch.setenv("EDGE_CONSOLE_CA", str(made.site.authority))
        yield made


def device(one: Console) -> dict[str, Any]:
    found: dict[str, Any] = one.good("GET", f"/devices/{DEVICE}")
    return found


def orders(one: Console) -> list[str]:
    return [each["state"] for each in one.good("GET", f"/devices/{DEVICE}/orders")["orders"]]


def require_reach(edge: Edge) -> None:
    """Require that the device answers what it is asked, and that a service is restarted."""

    def services() -> dict[str, dict[str, Any]]:
        found = edge("devices", "inventory", DEVICE, "--refresh")["services"]
        return {one["name"]: one for one in found}

    before = services()
    logs = edge("devices", "logs", DEVICE, "--service", "agent", "--lines", "50")["content"]
    for name in ("network", "console"):
        edge("devices", "restart", DEVICE, name, "--yes")
    after = services()

    assert "slot a, state idle" in logs
    assert set(before) == {"network", "agent", "console"}
    assert all(one["state"] == "ready" and one["version"] for one in before.values())
    for name in ("network", "console"):
        assert after[name]["pid"] not in (0, before[name]["pid"])
    assert after["agent"]["pid"] == before["agent"]["pid"]
    # Init does not let the agent restart itself, and the image allows no restart of the system.
    assert main(["devices", "restart", DEVICE, "agent", "--yes"]) == REFUSED
    assert main(["devices", "reboot", DEVICE, "--yes"]) == REFUSED


def test_a_device_asks_is_accepted_and_gets_a_release(
    site: UpdateSite,
    releases: Releases,
    fresh_disk: Path,
    tmp_path: Path,
    one: Console,
    edge: Edge,
    polls: list[str],
) -> None:
    releases.publish(NEXT)
    added = edge("releases", "add", NEXT, "--repo", site.repository)

    with started(site, releases, fresh_disk, tmp_path) as updated:
        machine = updated.machine
        eventually(machine, lambda: edge("devices", "list", "--state", "pending")["devices"])
        edge("devices", "accept", DEVICE)
        eventually(machine, lambda: device(one)["version"] == BASE)
        eventually(machine, lambda: device(one)["is_online"] and device(one)["via"] == "mqtt")
        polls.clear()
        require_reach(edge)
        edge("deploy", NEXT, "--to", DEVICE)
        eventually(machine, lambda: device(one)["action"] == device(one)["desired_action"])
        polled = list(polls)
        eventually(machine, lambda: orders(one) != ["open"])
        eventually(machine, lambda: device(one)["phase"] == "idle")

        shown = device(one)
        assert added["missing"] == []
        assert polled == []
        assert orders(one) == ["succeeded"]
        assert (shown["version"], shown["slot"], shown["reason"]) == (NEXT, "b", "")
        assert edge("audit", "verify")["number"] > 0
