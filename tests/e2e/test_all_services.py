"""All services that ship with Edge on one device, and a device with none."""

import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from edge.cli.main import main
from edge.emulator import machine
from edge.emulator.command import Forward, Options
from edge.emulator.machine import Machine
from edge.errors import EdgeError
from edge.factory.identity import authority, proof
from edge.factory.identity import station as stations
from edge.factory.identity.device_key import START, OwnKey, Speaker
from edge.flash.protocols.steps import Line
from edge.keys.secrets import nobody
from tests.e2e.test_running_system import BOOT_S, READY, ssh
from tests.fakes.machine_dialog import talked
from tests.fakes.pki import Authority
from tests.fakes.ports import free_port
from tests.fakes.syslog_server import SyslogServer, listening

pytestmark = pytest.mark.slow

# Of `mkpasswd -m sha512crypt -S KFywf7UagqgycUuu`.
PASSWORD = "x"
HASH = (
    "$6$KFywf7UagqgycUuu$zycTE720OEgy6P41I0nI1Tz2qXV.snryhTfZ3XUzc282U2fbdtsAo0OExPnYY4YZ"
    "8K2Sya4R7l3crt3f24Xgm/"
)
SYSTEM = """
onboot: [{{service: seed}}, {{service: firewall}}, {{service: swap}}, {{service: crypt}}]
onshutdown: [{{service: seed}}]
services:
  - service: network
  - service: time
  - service: log
  - service: agent
  - service: sshd
  - service: support
  - service: getty
  - service: factory
  - service: metrics
  - service: wireguard
  - service: syslog
files:
  - {{path: etc/sysctl.d/own.conf, contents: "net.ipv4.ip_forward = 1\\n"}}
  - {{path: etc/edge/shadow, contents: "root:{hash}:::::::\\n"}}
  - {{path: etc/edge/authorized_keys, source: id.pub}}
  - path: etc/edge/syslog.conf
    mode: "0644"
    contents: "SERVER=10.0.2.2:{port}\\nPROTOCOL=tls\\nNAME=logs.example.com\\n"
  - {{path: etc/edge/syslog-ca.crt, mode: "0644", source: pki/logs.crt}}
  - path: etc/edge/wireguard/wg0.conf
    uid: wireguard
    contents: |
      [Interface]
      Address = 10.9.0.2/24
      [Peer]
      PublicKey = 1ZHC6nIZlrY2fO3IsjBfDLS6uTcpSpBEpBfZgoCpDgk=
      AllowedIPs = 10.9.0.1/32
"""
SEEN_BY_FACTORY = ["dev/edge/console", "run/edge-factory", "data/*", "etc/edge/*"]
SEEN_BY_FACTORY += ["usr/bin/python3", "usr/bin/python3.13"]
WHOLE_MAP = ["0", "0", "4294967295"]
OWN_USERS = {"metrics"}
CAPABILITIES = {"metrics": 0, "factory": 0, "wireguard": 1 << 12, "syslog": 1 << 34}


@dataclass
class Device:
    """A device that is reached over ssh, the ports of the host that lead to it, its logs."""

    machine: Machine
    key: Path
    syslog_port: int
    impostor: SyslogServer
    ports: dict[int, int]

    def run(self, command: str) -> str:
        return ssh(self.ports[22], self.key, command)

    def greeting(self, port: int) -> bytes:
        """Return what the first to speak at a port of the device says, in two seconds."""
        with socket.create_connection(("127.0.0.1", self.ports[port]), 2) as stream:
            stream.settimeout(2)
            try:
                return stream.recv(64)
            except TimeoutError:
                return b""


@pytest.fixture(scope="module")
def built(work: Path, ssh_key: Path) -> Callable[[str, str], Path]:
    def build(name: str, text: str) -> Path:
        (work / f"{name}.yml").write_text(text)
        words = ["-q", "build", str(work / f"{name}.yml"), "--board", "qemu-arm64", "--no-update"]
        assert main([*words, "-o", str(work / f"out-{name}")]) == 0
        return work / f"out-{name}"

    return build


@pytest.fixture(scope="module")
def certificates(work: Path) -> Path:
    """The certificate of the server of the logs, and one of another server of the same owner."""
    logs = Authority.make(work / "pki", "logs")
    for name in ("logs.example.com", "other.example.com"):
        logs.sign(
            name,
            work / "pki",
            file=name.partition(".")[0] + "-server",
            is_server=True,
            hosts=(name,),
        )
    return work / "pki"


@pytest.fixture(scope="module")
def device(
    built: Callable[[str, str], Path], ssh_key: Path, certificates: Path
) -> Iterator[Device]:
    """A device whose logs meet another server than theirs at first."""
    ports = {inside: free_port() for inside in (22, 8081, 9100)}
    syslog_port = free_port()
    folder = built("all", SYSTEM.format(hash=HASH, port=syslog_port))
    options = Options(forwards=tuple(Forward(outside, inside) for inside, outside in ports.items()))
    with machine.running(folder, options=options) as started:
        with listening(syslog_port, certificates / "other-server.crt") as impostor:
            assert started.wait_for(READY, BOOT_S)[2] == "11"
            deadline_s = time.monotonic() + 30
            while not impostor.begun and time.monotonic() < deadline_s:
                time.sleep(0.1)
        yield Device(started, ssh_key, syslog_port, impostor, ports)


def test_all_services_run_with_the_rights_of_their_files(device: Device) -> None:
    found = json.loads(device.run("edge-ctl list --json"))

    assert {row["name"]: (row["state"], row["restarts"]) for row in found} == {
        row["name"]: ("ready", 0) for row in found
    }
    for name, wanted in CAPABILITIES.items():
        pid = json.loads(device.run(f"crun --root /run/crun state {name}"))["pid"]
        status = device.run(f"cat /proc/{pid}/status")
        assert int(re.findall(r"CapBnd:\s+(\w+)", status)[0], 16) == wanted, name
        assert int(re.findall(r"Uid:\s+(\d+)", status)[0]) >= 10000, name
        has_own_users = device.run(f"cat /proc/{pid}/uid_map").split() != WHOLE_MAP
        assert has_own_users is (name in OWN_USERS), name


def test_the_firewall_lets_in_what_services_listen_on_and_nothing_else(device: Device) -> None:
    device.run("(echo hello | nc -l -p 8081 >/dev/null 2>&1 &) >/dev/null 2>&1")

    rules = device.run("chroot /containers/onboot/001-firewall/rootfs /usr/sbin/nft list ruleset")

    assert "tcp dport 22 accept" in rules
    assert "udp dport 51820 accept" in rules
    assert rules.count("policy drop") == 2
    assert device.greeting(22).startswith(b"SSH-2.0")
    assert device.greeting(8081) == b""
    assert "hello" in device.run("nc -w 2 127.0.0.1 8081 </dev/null")


def test_half_of_the_memory_is_swap_in_compressed_memory(device: Device) -> None:
    kib = int(device.run("awk '/^MemTotal/ { print $2 }' /proc/meminfo"))

    swap = device.run("cat /proc/swaps /sys/block/zram0/disksize").splitlines()

    assert len(swap) == 3
    assert 0 <= int(swap[-1]) - (kib // 2 << 10) < 4096  # up to a whole page


def test_metrics_are_told_on_the_device_only(device: Device) -> None:
    said = device.run("wget -q -O - http://127.0.0.1:9100/metrics")

    for wanted in ('mountpoint="/data"', 'device="eth0"', "node_memory_MemTotal_bytes"):
        assert wanted in said
    assert device.greeting(9100) == b""


def test_a_private_network_has_an_address_and_a_key_of_the_device(device: Device) -> None:
    assert "inet 10.9.0.2/24" in device.run("ip addr show wg0")
    assert "10.9.0.1 dev wg0" in device.run("ip route")
    assert device.run("stat -c %a /data/wireguard/wg0.key").strip() == "600"
    assert re.search(r"wg0: up, public key \S{43}=", device.run("edge-ctl logs wireguard"))


def test_own_settings_of_the_kernel_are_set(device: Device) -> None:
    assert device.run("cat /proc/sys/net/ipv4/ip_forward").strip() == "1"


def test_logs_reach_their_server_after_it_was_away_and_no_other(
    device: Device, certificates: Path
) -> None:
    device.run("echo '<4>edge: a mark' >/dev/kmsg")

    wanted = [r"<14>1 \S+ edge network - - - eth0: 10\.0\.2\.15/24", r"edge kernel .*edge: a mark"]
    deadline_s = time.monotonic() + 60
    with listening(device.syslog_port, certificates / "logs-server.crt") as server:
        while not all(any(re.search(one, line) for line in server.messages) for one in wanted):
            assert time.monotonic() < deadline_s, server.messages[-20:]
            time.sleep(0.5)
    assert not [line for line in server.messages if " edge syslog " in line]
    assert device.impostor.begun > 0
    assert device.impostor.messages == []


def test_only_who_knows_the_password_gets_in_at_the_console(device: Device) -> None:
    console = device.machine
    device.run("edge-ctl stop factory; edge-ctl restart getty")  # both read the same line

    log_in(console, "wrong")
    console.wait_for("Login incorrect", 30)
    log_in(console, PASSWORD)
    console.wait_for(machine.PROMPT, 30)

    assert console.command("cat /proc/1/comm").strip() == "s6-svscan"


def log_in(console: Machine, password: str) -> None:
    console.send("\n")
    console.wait_for("login: ", 30)
    console.send("root\n")
    console.wait_for("Password: ", 30)
    time.sleep(0.5)  # what is typed before the question is thrown away
    console.send(f"{password}\n")


def test_a_console_without_a_shell_gives_the_device_its_identity(
    device: Device, tmp_path: Path
) -> None:
    now, line = datetime.now(UTC), tmp_path / "line"
    made = authority.create(line, f"file:{tmp_path}/ca.pem", product="gateway", now=now)
    stations.issue(made, "S1", prefix="gw-", devices=1, lifetime=timedelta(days=1), now=now)
    own, root = stations.open_station(line / "stations/S1", nobody), line / "ca/factory.crt"
    key, nonce = OwnKey(Line(), 1000, START), proof.challenge()
    device.run("edge-ctl stop getty; edge-ctl start factory")

    device.machine.send("\x03\nroot\nedge-ctl poweroff\n" + "x" * 3000)
    assert talked(device.machine, key.hello(timeout_s=60)) is Speaker.SERVICE
    signed = own.issue_device(talked(device.machine, key.new("gw-7")), "gw-7", now=now)
    talked(device.machine, key.put(signed.chain_pem, root.read_bytes(), 1))
    signature = talked(device.machine, key.prove(nonce))
    with pytest.raises(EdgeError, match="this device is gw-7 already"):
        talked(device.machine, key.new("gw-8"))

    certificate = x509.load_pem_x509_certificate(signed.chain_pem.encode())
    assert proof.holds(certificate, nonce, signature)
    assert device.run("stat -c %a /data/agent/identity/device.key").strip() == "600"
    pid = json.loads(device.run("crun --root /run/crun state factory"))["pid"]
    # Its line, and the socket of the agent: no key, no settings, no other device.
    seen = device.run(f"cd /proc/{pid}/root && echo dev/edge/* run/* data/* etc/edge/* usr/bin/*")
    assert seen.split() == SEEN_BY_FACTORY


def test_the_seed_is_another_after_the_shutdown(device: Device) -> None:
    assert device.run("stat -c '%a %s' /data/seed/seed").strip() == "400 32"

    device.run("edge-ctl poweroff")

    device.machine.wait_for("seed credited; kept a new one", 90)
    device.machine.wait_for("shutdown: done", 60)


def test_a_system_without_any_service_starts(built: Callable[[str, str], Path]) -> None:
    with machine.running(built("none", "services: []\n")) as started:
        assert started.wait_for(READY, BOOT_S)[2] == "0"
