"""The network service: what it makes of its settings, good and bad."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes.device_shell import DeviceShell, Ended, end, until

pytestmark = pytest.mark.tools

PROGRAM = "services/network/files/edge-network"
STATE = "run/edge/network"
RESOLV = "run/edge/resolv.conf"
# Parts of busybox; the real ones would change the host.
FUNCTIONS = """
ip() { echo "ip $*" >>"$CALLS"; case "$*" in *refused*) return 2 ;; esac; }
udhcpc() { echo "udhcpc $*" >>"$CALLS"; }
hostname() { echo box; }
"""


@pytest.fixture
def device(tmp_path: Path) -> DeviceShell:
    shell = DeviceShell(tmp_path / "root", functions=FUNCTIONS)
    (shell.root / STATE).mkdir(parents=True)
    interface(shell, "eth0")
    (shell.root / "sys/class/net/lo").mkdir()
    return shell


def interface(shell: DeviceShell, name: str, *, wireless: bool = False) -> None:
    folder = shell.root / "sys/class/net" / name
    (folder / "device").mkdir(parents=True)
    if wireless:
        (folder / "wireless").mkdir()


def configured(device: DeviceShell, conf: str) -> Ended:
    """Start the service, wait until it says that it is ready, and stop it."""
    device.write("etc/edge/network.conf", conf)
    with started(device) as child:
        until(lambda: device.read("ready") == "\n")
        child.terminate()
        status = child.wait(10)
    return Ended(status, device.read("out"), device.read("err"))


@contextmanager
def started(device: DeviceShell) -> Iterator["subprocess.Popen[bytes]"]:
    """Start the service and end it with the block."""
    child = device.start(PROGRAM)
    try:
        yield child
    finally:
        end(child)


def up(device: DeviceShell) -> set[str]:
    return {path.stem for path in (device.root / STATE).glob("*.up")}


def test_fixed_addresses_are_set_as_written(device: DeviceShell) -> None:
    ended = configured(
        device, "eth0 static 192.168.7.2/24 gateway 192.168.7.1 dns 192.168.7.1 dns 192.168.7.9\n"
    )

    assert ended == Ended(0, "", "")
    assert device.calls() == [
        "ip link set eth0 up",
        "ip addr add 192.168.7.2/24 dev eth0",
        "ip route add default via 192.168.7.1 dev eth0",
    ]
    assert device.read(RESOLV) == "nameserver 192.168.7.1\nnameserver 192.168.7.9\n"


def test_the_line_of_an_interface_comes_before_the_line_for_all(device: DeviceShell) -> None:
    interface(device, "eth1")
    interface(device, "wlan0", wireless=True)

    configured(device, "# wired only\n\n* static 10.0.0.1/8\neth1 off\n")

    assert device.calls() == ["ip link set eth0 up", "ip addr add 10.0.0.1/8 dev eth0"]
    assert up(device) == {"eth0", "eth1"}


def test_a_last_line_without_its_end_counts(device: DeviceShell) -> None:
    configured(device, "eth0 static 10.0.0.1/8")

    assert "ip addr add 10.0.0.1/8 dev eth0" in device.calls()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("eth0 static", "network.conf: eth0: static: no address"),
        ("eth0 static 10.0.0.1/8 gateway", "network.conf: eth0: no address after 'gateway'"),
        ("eth0 static 10.0.0.1/8 dsn 1.2.3.4", "network.conf: eth0: unknown word 'dsn'"),
        ("eth0 static refused", "eth0: address refused was refused"),
        ("eth0 dchp", "network.conf: eth0: unknown word 'dchp': dhcp, static or off"),
        ("eth0 *", "network.conf: eth0: unknown word '*': dhcp, static or off"),
        ("eth9 dhcp", "network.conf: eth0: no line for it"),
        ("", "network.conf: eth0: no line for it"),
    ],
)
def test_a_bad_line_is_told_and_does_not_hold_up_the_rest(
    device: DeviceShell, line: str, told: str
) -> None:
    interface(device, "eth1")

    ended = configured(device, f"{line}\neth1 static 10.1.0.1/16\n")

    assert (ended.status, ended.out, ended.err) == (0, f"{told}\n", "")
    assert "ip addr add 10.1.0.1/16 dev eth1" in device.calls()
    assert up(device) == {"eth0", "eth1"}


def test_a_lease_is_waited_for_but_not_for_ever(device: DeviceShell) -> None:
    device.write("etc/edge/network.conf", "* dhcp\n")

    with started(device):
        until(lambda: len(device.read("calls").splitlines()) == 2)
        waiting = device.read("ready")
        device.write("proc/uptime", "1010.00 1.00\n")
        until(lambda: device.read("ready") == "\n")

    assert waiting == ""
    asked = "udhcpc -f -R -t 3 -T 2 -A 10 -i eth0 -s "
    assert [call.startswith(asked) for call in device.calls()] == [False, True]


def lease(device: DeviceShell, event: str, **facts: str) -> Ended:
    device.variables = {"interface": "eth0", **facts}
    return device.run("services/network/files/udhcpc", event)


@pytest.fixture
def leased(device: DeviceShell) -> DeviceShell:
    facts = {"ip": "10.0.2.15", "mask": "24", "router": "10.0.2.2 10.0.2.9", "dns": "10.0.2.3"}
    assert lease(device, "bound", domain="example.org", **facts).status == 0
    return device


def test_a_lease_is_applied(leased: DeviceShell) -> None:
    assert leased.calls() == [
        "ip addr flush dev eth0",
        "ip addr add 10.0.2.15/24 dev eth0",
        "ip route add default via 10.0.2.2 dev eth0",
    ]
    assert leased.read(RESOLV) == "search example.org\nnameserver 10.0.2.3\n"
    assert up(leased) == {"eth0"}


def test_a_lease_leaves_the_name_servers_of_other_interfaces(leased: DeviceShell) -> None:
    leased.write(f"{STATE}/eth1.dns", "nameserver 10.1.0.1\n")

    lease(leased, "renew", ip="10.0.2.16", mask="24", dns="10.0.2.4")

    assert leased.read(RESOLV) == "nameserver 10.0.2.4\nnameserver 10.1.0.1\n"


def test_no_lease_is_told(device: DeviceShell) -> None:
    ended = lease(device, "leasefail", message="nobody there")

    assert ended.out == "eth0: no lease (leasefail) nobody there\n"
    assert device.calls() == []
