"""First settings of a device: written with the image, taken at the first start, kept after."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from edge import process, toolbox
from edge.cli.main import main
from edge.emulator import machine
from edge.emulator.command import Forward, Options
from edge.emulator.machine import Machine
from edge.factory.identity import authority, proof, station
from edge.factory.identity.device_key import START, OwnKey, Speaker
from edge.flash.protocols.steps import Line
from edge.keys.secrets import nobody
from tests.e2e.conftest import Build
from tests.e2e.releases import BASE, NEXT, Releases
from tests.e2e.test_running_system import shell, ssh
from tests.e2e.updated_device import started
from tests.fakes.machine_dialog import talked
from tests.fakes.pki import Pki
from tests.fakes.ports import free_port
from tests.fakes.update_site import DEVICE, HOST, UpdateSite

pytestmark = pytest.mark.slow

TOKEN = "abcdefgh-ijklmnop"
CONFIG = """
hostname: gateway-7
timezone: Asia/Kolkata
network:
  eth0: {method: static, address: 10.0.2.15/24, gateway: 10.0.2.2, dns: [10.0.2.99]}
ssh: {keys: ["file:mine.pub"]}
console: {server_ca: ca.crt}
"""
URL = f"https://{HOST}:9/"  # nobody listens there
AGENT_SEES = (
    "crun --root /run/crun exec agent /usr/bin/python3 -B -c"
    ' "from edge_agent.server import Server; one = Server.read();'
    ' print(one.http, one.identity.device, len(one.token))"'
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A device.yml and what it names; the key is not that of the image."""
    made = tmp_path_factory.mktemp("first")
    words = ["-q", "-t", "ed25519", "-N", "", "-C", "mine", "-f", str(made / "mine")]
    toolbox.install()
    process.run([*toolbox.tool("ssh-keygen"), *words])
    (made / "device.yml").write_text(CONFIG)
    ca = Pki.make(made / "pki").device("dev-1") / "server-ca.crt"
    (made / "ca.crt").write_bytes(ca.read_bytes())
    (made / "token").write_text(f"{TOKEN}\n")
    (made / "token").chmod(0o600)
    return made


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def device(build: Build, folder: Path, port: int) -> Iterator[Machine]:
    """A device that was flashed with first settings, at its first start."""
    disk = folder / "disk.img"
    words = ["flash", str(build("minimal")), "--to", f"file:{disk}", "--yes"]
    words += ["--config", str(folder / "device.yml"), "--set", f"console.url={URL}"]
    words += ["--set", f"console.token=@{folder}/token"]
    assert main(["-q", *words]) == 0
    machine.fit_disk(build("minimal"), disk)
    options = Options(forwards=(Forward(port, 22),))
    with machine.running(build("minimal"), disk=disk, options=options) as started_device:
        shell(started_device)
        yield started_device


def facts(device: Machine, port: int, folder: Path) -> dict[str, str]:
    """Return what the settings have brought about."""
    return {
        "hostname": ssh(port, folder / "mine", "hostname").strip(),
        "time over ssh": ssh(port, folder / "mine", "date +%Z%z").strip(),
        "time at the console": device.command("date +%Z%z").strip(),
        "address": device.command("ip -4 -o addr show dev eth0 | awk '{print $4}'").strip(),
        "route": device.command("ip route show default | awk '/via/ {print $3}'").strip(),
        "dns": device.command("cat /etc/resolv.conf").strip(),
        "agent": device.command(AGENT_SEES, 90).strip(),
        "first": device.command("ls -d /data/first-boot 2>&1 | tail -n 1").strip(),
        "refused": device.command("ls /data/config/refused 2>/dev/null").strip(),
    }


EXPECTED = {
    "hostname": "gateway-7",
    "time over ssh": "IST+0530",
    "time at the console": "IST+0530",
    "address": "10.0.2.15/24",
    "route": "10.0.2.2",
    "dns": "nameserver 10.0.2.99",
    "agent": f"{URL} gateway-7 {len(TOKEN)}",
    "first": "ls: /data/first-boot: No such file or directory",
    "refused": "",
}


def test_the_first_start_takes_the_settings_and_the_next_one_has_them(
    device: Machine, port: int, folder: Path
) -> None:
    first = facts(device, port, folder)
    taken = device.text.count("the first settings are taken")

    device.send("edge-ctl reboot\n")
    device.wait_for("shutdown: done", 90)
    shell(device)

    assert (first, taken) == (EXPECTED, 1)
    assert facts(device, port, folder) == EXPECTED
    assert device.text.count("the first settings are taken") == taken


def test_the_token_is_the_agents_alone(device: Machine) -> None:
    owner = device.command("stat -c %u /data/agent").strip()

    found = device.command("stat -c '%u %a' /run/edge/config/agent/token /data/config/token")

    assert found.split("\n")[:2] == [f"{owner} 400", "0 600"]
    said = device.command(
        "crun --root /run/crun exec log /usr/bin/busybox ls /run/edge/config/agent 2>&1"
    )
    assert "Permission denied" in said


def test_the_key_of_the_image_still_opens(device: Machine, port: int, ssh_key: Path) -> None:
    assert ssh(port, ssh_key, "hostname").strip() == "gateway-7"


def test_damaged_settings_stop_no_start(device: Machine) -> None:
    device.command("head -c 3000 /dev/urandom >/data/config/network.conf; rm /data/config/token")
    device.command("echo 'a b' >/data/config/hostname; sync")

    device.send("edge-ctl reboot\n")
    device.wait_for("network.conf is not right: the image's counts", 240)
    shell(device)

    assert device.command("hostname").strip() != "gateway-7"
    assert "inet 10.0.2.15/24" in device.command("ip addr show dev eth0")


def test_a_station_gives_it_an_identity_over_its_console(device: Machine, tmp_path: Path) -> None:
    now, line = datetime.now(UTC), tmp_path / "line"
    factory = authority.create(line, f"file:{tmp_path}/ca.pem", product="gateway", now=now)
    station.issue(factory, "S1", prefix="gw-", devices=1, lifetime=timedelta(days=1), now=now)
    own, root = station.open_station(line / "stations/S1", nobody), line / "ca/factory.crt"
    key, nonce = OwnKey(Line(), 1000, START), proof.challenge()

    assert talked(device, key.hello(timeout_s=240)) is Speaker.SHELL
    request = talked(device, key.new("gw-7"))
    made = own.issue_device(request, "gw-7", now=now)
    talked(device, key.put(made.chain_pem, root.read_bytes(), 1))
    signature = talked(device, key.prove(nonce))
    device.send("\x04")
    device.wait_for(machine.PROMPT, 60)

    certificate = x509.load_pem_x509_certificate(made.chain_pem.encode())
    assert proof.holds(certificate, nonce, signature)
    owner = device.command("stat -c %u /data/agent").strip()
    found = device.command("stat -c '%u %a' /data/agent/identity/device.key").strip()
    assert found == f"{owner} 600"


def test_an_update_to_the_other_slot_keeps_them(
    site: UpdateSite, releases: Releases, tmp_path: Path
) -> None:
    releases.publish(NEXT)
    identity = site.pki.device(DEVICE)
    (identity / "device.key").chmod(0o600)
    disk = tmp_path / "fresh.img"
    words = ["flash", str(releases.build(BASE)), "--to", f"file:{disk}", "--yes"]
    words += ["--keys", str(site.ring.folder), "--set", "hostname=gateway-8"]
    words += ["--set", f"identity={identity}"]
    words += ["--set", f"console.url=https://{HOST}:{site.port}/"]  # and no broker
    assert main(["-q", *words]) == 0
    machine.fit_disk(releases.build(BASE), disk)

    with site.serving(), started(site, releases, disk, tmp_path) as one:
        shell(one.machine)
        assert one.machine.command("hostname").strip() == "gateway-8"

        assert one.outcome(site.offer(NEXT)).kind == "succeeded"

        one.require("b", NEXT)
        shell(one.machine)
        assert one.machine.command("cat /run/edge/slot; echo; hostname").split() == [
            "b",
            "gateway-8",
        ]
        assert b'"on":1' not in (site.fleet.online(DEVICE) or b"")
