"""WireGuard: what the service makes of files of wg-quick, good and bad."""

from pathlib import Path

import pytest

from tests.fakes.device_shell import DeviceShell, end, until

pytestmark = pytest.mark.tools

PROGRAM = "services/wireguard/files/edge-wireguard"
KEY = "1ZHC6nIZlrY2fO3IsjBfDLS6uTcpSpBEpBfZgoCpDgk="
OTHER = "2ZHC6nIZlrY2fO3IsjBfDLS6uTcpSpBEpBfZgoCpDgk="
CONF = f"""\
[Interface]
Address = 10.9.0.2/24, fd09::2/64  # ours
MTU = 1380
ListenPort = 51820

[Peer]
Endpoint = vpn.example.com:51820
PublicKey = {KEY}
AllowedIPs = 10.9.0.0/24, 0.0.0.0/0

[Peer]
PublicKey = {OTHER}
AllowedIPs = fd09::/64
Endpoint = [2001:db8::1]:51820
"""
# Parts of busybox; the real ones would change the host. A peer was heard a minute before `date`.
FUNCTIONS = """
ip() { echo "ip $*" >>"$CALLS"; case "$*" in *refused*) return 2 ;; esac; }
sleep() { echo "sleep $1" >>"$CALLS"; command sleep 60; }
date() { echo 1000; }
"""
WG = f"""
case "$1 $3" in
  "setconf "*) cp "$3" "$CALLS-$2" ;;
  "genkey "*) echo private ;;
  "show public-key") echo public ;;
  "show allowed-ips") printf '{KEY}\\t10.9.0.0/24 0.0.0.0/0\\n{OTHER}\\tfd09::/64\\n' ;;
  "show latest-handshakes") printf '{KEY}\\t%s\\n' "$LAST_S" ;;
esac
"""


@pytest.fixture
def device(tmp_path: Path) -> DeviceShell:
    shell = DeviceShell(tmp_path / "root", functions=FUNCTIONS, variables={"LAST_S": "0"})
    shell.program("wg", WG)
    (shell.root / "var/lib/wireguard").mkdir(parents=True)
    return shell


def started(device: DeviceShell, **files: str) -> str:
    """Run the service until it is ready and has looked up names; return what it said."""
    (device.root / "etc/edge/wireguard").mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        device.write(f"etc/edge/wireguard/{name}.conf", text)
    child = device.start(PROGRAM)
    try:
        until(lambda: device.read("ready") == "\n" or child.poll() is not None)
        until(lambda: "sleep 30" in device.read("calls") or child.poll() is not None)
    finally:
        end(child)
    return device.read("out")


def test_an_interface_is_made_as_its_file_says(device: DeviceShell) -> None:
    said = started(device, wg0=CONF)

    assert "wg0: up, public key public" in said
    assert [line for line in device.calls() if line.startswith("ip ")] == [
        "ip link delete wg0",
        "ip link add wg0 type wireguard",
        "ip addr add 10.9.0.2/24 dev wg0",
        "ip addr add fd09::2/64 dev wg0",
        "ip link set wg0 mtu 1380 up",
        "ip route replace 10.9.0.0/24 dev wg0",
        "ip route replace fd09::/64 dev wg0",
    ]
    assert "no route is made for all addresses" in said


def test_wg_reads_its_own_keys_only_and_no_endpoint_that_is_a_name(device: DeviceShell) -> None:
    started(device, wg0=CONF)

    given = device.read("calls-wg0")
    assert "ListenPort = 51820" in given
    assert "Endpoint = [2001:db8::1]:51820" in given
    assert not [word for word in ("Address", "MTU", "vpn.example.com") if word in given]


def test_a_device_makes_its_own_key_once(device: DeviceShell) -> None:
    key = device.root / "var/lib/wireguard/wg0.key"

    started(device, wg0=CONF)
    first = device.calls()
    started(device, wg0=CONF)

    assert key.read_text() == "private\n"
    assert key.stat().st_mode & 0o777 == 0o600
    assert f"wg set wg0 private-key {key}" in first
    assert "wg genkey" in first
    assert "wg genkey" not in device.calls()


def test_a_key_of_the_file_is_the_key(device: DeviceShell) -> None:
    started(device, wg0=CONF.replace("MTU", f"PrivateKey = {KEY}\nMTU"))

    assert "wg genkey" not in device.calls()


@pytest.mark.parametrize(("last_s", "again"), [("0", True), ("700", True), ("940", False)])
def test_a_name_is_looked_up_again_while_its_peer_is_silent(
    device: DeviceShell, last_s: str, again: bool
) -> None:
    device.variables["LAST_S"] = last_s

    started(device, wg0=CONF)

    wanted = f"wg set wg0 peer {KEY} endpoint vpn.example.com:51820"
    assert (wanted in device.calls()) is again


def test_what_is_not_carried_out_is_refused_and_other_interfaces_are_made(
    device: DeviceShell,
) -> None:
    said = started(device, wg0=CONF.replace("MTU", "PostUp"), wg1=CONF)

    assert "wg0: not supported: postup" in said
    assert "wg1: up" in said


def test_without_any_that_works_the_service_ends(device: DeviceShell) -> None:
    said = started(device, wg0=CONF.replace("10.9.0.2", "refused"))

    assert "wg0: not made" in said
    assert device.read("ready") == ""
