"""An empty board becomes a device of a line, is let in by its record, and is updated.

`edge factory run` writes it through the console of U-Boot, with a key and a certificate of its own.
It starts before its station was heard, and waits in quarantine; `edge factory sync` lets it in
without a person, and a campaign updates it.
"""

import io
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from edge.cli.main import main
from edge.emulator import machine
from edge.emulator.command import Options
from tests.e2e.releases import BASE, NEXT, Releases
from tests.e2e.test_console import Edge, edge, eventually
from tests.e2e.test_flash_serial import empty_disk, switched_on
from tests.fakes import console
from tests.fakes.console import Console
from tests.fakes.pki import Pki
from tests.fakes.update_site import HOST, UpdateSite

__all__ = ["edge"]  # a fixture

pytestmark = pytest.mark.slow

DEVICE = "up-0001"
STATION = "S1"


@pytest.fixture
def line(
    releases: Releases, site: UpdateSite, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> Path:
    """The folder of a line with one station, whose devices trust the server of the site."""
    folder = tmp_path / "line"
    words = ["--board", "qemu-arm64", "--product", "updates", "--ids", "up-0001..up-9999"]
    words += ["--ca", f"file:{tmp_path / 'factory.key'}", "--image", str(releases.build(BASE))]
    assert main(["factory", "init", str(folder), *words]) == 0
    shutil.copy(site.pki.servers.file, folder / "ca" / "server.crt")
    assert main(["factory", "station", "add", str(folder), STATION, "--count", "10"]) == 0
    capfd.readouterr()
    return folder


@contextmanager
def console_of(site: UpdateSite, line: Path, folder: Path) -> Iterator[Console]:
    """Run a console that knows the authority of the line, where the devices look for it."""
    shutil.copytree(site.pki.folder, folder / "pki")
    pki = Pki(folder / "pki")
    shutil.copy(line / "ca" / "factory.crt", pki.factory.file)
    with console.running(
        folder / "server",
        pki,
        site.ring.folder,
        port=site.port,
        mqtt_port=site.mqtt_port,
        with_own_server=False,
    ) as one:
        yield one


def made(
    line: Path, site: UpdateSite, build: Path, disk: Path, capfd: pytest.CaptureFixture[str]
) -> list[dict[str, Any]]:
    """Let the station make a device of an empty disk; return what it said."""
    with switched_on(build, disk, disk.parent) as board:
        words = ["--station", STATION, "--port", str(board.address), "--once", "--json"]
        words += ["--via", "network", "--host", HOST, "--bind", "127.0.0.1"]
        words += ["--keys", str(site.ring.folder), "--operator", "jo", "--order", "A-77"]
        capfd.readouterr()
        status = main(["factory", "run", str(line), *words])
    said = [json.loads(text) for text in capfd.readouterr().out.splitlines()]
    assert status == 0, said
    return said


def campaign(edge: Edge) -> str:
    return str(edge("campaign", "list")["campaigns"][0]["state"])


def test_a_board_is_made_at_a_line_let_in_by_its_record_and_updated_by_a_campaign(
    site: UpdateSite,
    releases: Releases,
    line: Path,
    tmp_path: Path,
    edge: Edge,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())  # nobody scans anything
    releases.publish(NEXT)
    build, disk = releases.build(BASE), empty_disk(tmp_path)
    said = made(line, site, build, disk, capfd)
    assert (said[-1]["good"], said[-1]["failed"]) == (1, 0)
    assert main(["factory", "verify", str(line)]) == 0
    assert (line / "labels" / f"{DEVICE}.pdf").exists()

    with (
        console_of(site, line, tmp_path) as one,
        (tmp_path / "console.log").open("w", buffering=1) as log,
    ):
        monkeypatch.setenv("EDGE_CONSOLE_URL", one.api_url)
        monkeypatch.setenv("EDGE_CONSOLE_TOKEN_FILE", str(one.site.admin_token))
        monkeypatch.setenv("EDGE_CONSOLE_CA", str(one.site.authority))
        edge("releases", "add", NEXT, "--repo", site.repository)
        options = Options(memory_mib=512)
        with machine.running(build, disk=disk, options=options, log=log.write) as device:

            def shown() -> dict[str, Any]:
                answer = one.ask("GET", f"/api/v1/devices/{DEVICE}")
                return answer.body if answer.status == 200 else {"state": "none"}

            eventually(device, lambda: shown()["state"] == "quarantined")
            told = edge("factory", "sync", line)
            assert told["stations"][0]["outcomes"] == {"new": 1}
            eventually(device, lambda: shown()["version"] == BASE)
            assert shown()["state"] == "accepted"
            (record,) = edge("devices", "made", DEVICE)["records"]
            assert [record[name] for name in ("station", "operator")] == [STATION, "jo"]
            assert edge("devices", "list", "order:A-77")["devices"][0]["device"] == DEVICE
            words = ("--release", NEXT, "--target", f"id={DEVICE}", "--waves", "100%")
            edge("campaign", "create", *words, "--soak", "1", "--start")
            eventually(device, lambda: (shown()["version"], shown()["slot"]) == (NEXT, "b"))
            eventually(
                device, lambda: edge("campaign", "list")["campaigns"][0]["state"] == "finished"
            )
            history = edge("devices", "history", DEVICE, "--all")["items"]
            assert history[-1]["what"] == "made"
