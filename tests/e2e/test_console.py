"""A device of the image enrols at the console, is accepted, and gets a release, by the commands."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.cli.main import main
from edge.emulator.machine import Machine
from tests.e2e.releases import BASE, NEXT, Releases
from tests.e2e.updated_device import started
from tests.fakes import console
from tests.fakes.console import Console
from tests.fakes.update_site import DEVICE, UpdateSite

pytestmark = pytest.mark.slow

WITHIN_S = 240


def eventually(machine: Machine, is_so: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + WITHIN_S
    while not is_so():
        assert time.monotonic() < deadline_s, machine.text[-2000:]
        machine.listen(0.5)


def test_a_device_asks_is_accepted_and_gets_a_release(
    site: UpdateSite,
    releases: Releases,
    fresh_disk: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    releases.publish(NEXT)
    folder, keys = tmp_path / "console", site.ring.folder

    def edge(*words: object) -> Any:
        capfd.readouterr()
        assert main([str(word) for word in words] + ["--json"]) == 0
        return json.loads(capfd.readouterr().out.splitlines()[-1])

    def device(one: Console) -> dict[str, Any]:
        found: dict[str, Any] = one.good("GET", f"/devices/{DEVICE}")
        return found

    def orders(one: Console) -> list[str]:
        return [each["state"] for each in one.good("GET", f"/devices/{DEVICE}/orders")["orders"]]

    with (
        console.running(folder, site.pki, keys, port=site.port, with_own_server=False) as one,
        started(site, releases, fresh_disk, tmp_path) as updated,
    ):
        machine = updated.machine
        monkeypatch.setenv("EDGE_CONSOLE_URL", one.api_url)
        monkeypatch.setenv("EDGE_CONSOLE_TOKEN_FILE", str(one.site.admin_token))
        monkeypatch.setenv("EDGE_CONSOLE_CA", str(one.site.authority))
        added = edge("releases", "add", NEXT, "--repo", site.repository)

        eventually(machine, lambda: edge("devices", "list", "--state", "pending")["devices"])
        edge("devices", "accept", DEVICE)
        eventually(machine, lambda: device(one)["version"] == BASE)
        edge("deploy", NEXT, "--to", DEVICE)
        eventually(machine, lambda: orders(one) != ["open"])
        eventually(machine, lambda: device(one)["phase"] == "idle")

        shown = device(one)
        assert added["missing"] == []
        assert orders(one) == ["succeeded"]
        assert (shown["version"], shown["slot"], shown["reason"]) == (NEXT, "b", "")
        assert edge("audit", "verify")["number"] > 0
