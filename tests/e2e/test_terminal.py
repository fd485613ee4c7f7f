"""A device of the image opens a support terminal: its own service, its own user, its own shell."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.cli.main import main
from edge.emulator import machine
from edge.emulator.command import Options
from edge.emulator.machine import Machine
from edge_agent.terminal.shell import USER
from tests.e2e.releases import SYSTEM
from tests.e2e.test_console import device, eventually, one
from tests.fakes.console import Console
from tests.fakes.support import Support
from tests.fakes.update_site import DEVICE, UpdateSite

__all__ = ["one"]  # a fixture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
VERSION = "1.0.0-support"
LOOKS = (
    "id -u; head -c 7 /etc/edge/device.json; echo; ls /run/edge/log; ls /data /dev/edge; ip link"
)


@pytest.fixture
def support(tmp_path: Path) -> Support:
    return Support.make(tmp_path / "support")


@pytest.fixture
def disk(site: UpdateSite, work: Path, support: Support, tmp_path: Path) -> Path:
    """A disk of a system whose image names keys of support."""
    file, folder = work / f"{VERSION}.yml", work / f"out-{VERSION}"
    settings = site.settings(reach={"terminal": support.settings()})
    text = SYSTEM.format(settings=settings, version=VERSION)
    file.write_text(
        text.replace("  - service: console\n", "  - service: console\n  - service: support\n")
    )
    words = ["--board", "qemu-arm64", "--name", "updates", "--version", VERSION, "--counter", "1"]
    words += ["--keys", str(site.ring.folder), "-o", str(folder)]
    assert main(["-q", "build", str(file), *words]) == 0
    made = tmp_path / "disk.img"
    machine.make_disk(folder, made)
    site.provision(made)
    return made


@pytest.fixture
def running(disk: Path, work: Path, tmp_path: Path) -> Iterator[Machine]:
    log = (tmp_path / "console.log").open("w", buffering=1)
    options = Options(memory_mib=512)
    build = work / f"out-{VERSION}"
    with log, machine.running(build, disk=disk, options=options, log=log.write) as made:
        yield made


def test_a_shell_on_a_device(
    one: Console,
    running: Machine,
    support: Support,
    site: UpdateSite,
    capfd: pytest.CaptureFixture[str],
) -> None:
    one.good("POST", "/devices", {"device": DEVICE})
    eventually(running, lambda: device(one)["is_online"])
    eventually(running, lambda: device(one)["phase"] == "idle")
    capfd.readouterr()
    words = ["devices", "terminal", DEVICE, "--key", f"file:{support.folder / 'support-1.pem'}"]
    words += ["--factory-ca", str(site.pki.factory.file), "--json"]

    looked = main([*words, "--command", LOOKS])
    said = json.loads(capfd.readouterr().out.splitlines()[0])
    killed = main([*words, "--command", "kill -9 1; setsid sleep 1000 & sleep 0.2; ps"])
    again = json.loads(capfd.readouterr().out.splitlines()[0])
    after = main([*words, "--command", "ps"])
    left = json.loads(capfd.readouterr().out.splitlines()[0])

    assert (looked, killed, after) == (0, 0, 0)
    lines = said["output"].split()
    assert lines[0] == str(USER)
    assert lines[1] == '{"board'
    assert {"agent", "network", "support"} <= set(lines)
    # It sees neither data nor partitions, and no network but its own.
    assert "/data: No such file" in said["errors"]
    assert "/dev/edge: No such file" in said["errors"]
    assert "eth0" not in said["output"]
    assert "not permitted" in again["errors"]
    assert "sleep 1000" in again["output"]
    assert "sleep 1000" not in left["output"]
    found = one.good("GET", f"/devices/{DEVICE}/terminals")["terminals"]
    assert [each["is_whole"] for each in found] == [True, True, True]
