"""The hook that gives a container its interfaces and binds its namespaces."""

import json
import subprocess
from typing import Any

import pytest

from edge.oci.preparing import attach_hook
from edge.strict.model import load_model
from edge.system.settings import Settings
from tests.fakes.device_shell import DeviceShell

pytestmark = pytest.mark.tools

SCRIPT = "init/files/usr/lib/edge/attach"
STATE = '{"ociVersion":"1.0.2","id":"web","pid": 4711,"annotations":{"a":"\\"pid\\": 1"}}'
# `inside` has the interfaces of the container's network.
PROGRAMS = """
ip() {
  echo "ip $*" >>"$CALLS"
  [ "$2" != add ] || [ "$5" != veth ] || {
    mkdir -p "$NET/$3" "$NET/veth9"; echo 7 >"$NET/$3/iflink"; echo 7 >"$NET/veth9/ifindex"; }
}
nsenter() {
  shift 3
  case $2 in show) grep -qxF "$3" "$INSIDE" ;; *) echo "inside $*" >>"$CALLS" ;; esac
}
mount() { echo "mount $*" >>"$CALLS"; }
umount() { :; }
"""


@pytest.fixture
def shell(shell: DeviceShell) -> DeviceShell:
    state = shell.write("state", STATE)
    shell.functions = f'exec <"{state}"\n{PROGRAMS}'
    shell.variables["INSIDE"] = str(shell.write("inside", ""))
    shell.variables["NET"] = str(shell.root / "sys/class/net")
    return shell


def attached(shell: DeviceShell, runtime: dict[str, Any]) -> list[str]:
    settings = load_model(Settings, json.dumps({"runtime": runtime}), "test.yml")
    hook = attach_hook("web", settings)
    assert hook is not None
    ended = shell.run(SCRIPT, *hook["args"][1:])
    assert (ended.status, ended.err) == (0, "")
    return [call.replace(f"{shell.root}/", "/") for call in shell.calls()]


@pytest.mark.parametrize(
    ("interface", "expected"),
    [
        pytest.param({"name": "eth1"}, ["ip link set eth1 netns 4711"], id="of the device"),
        pytest.param(
            {"name": "wg0", "add": "wireguard", "createInRoot": True},
            ["ip link add wg0 type wireguard", "ip link set wg0 netns 4711"],
            id="made in the device's network",
        ),
        pytest.param(
            {"name": "d0", "add": "dummy"},
            ["inside link add d0 type dummy"],
            id="made in the container's network",
        ),
        pytest.param(
            {"name": "in0", "peer": "out0"},
            [
                "ip link add in0 type veth",
                "ip link set veth9 name out0",
                "ip link set in0 netns 4711",
            ],
            id="a pair",
        ),
    ],
)
def test_an_interface_is_given(
    shell: DeviceShell, interface: dict[str, Any], expected: list[str]
) -> None:
    assert attached(shell, {"interfaces": [interface]}) == expected


def test_an_interface_that_is_there_already_stays(shell: DeviceShell) -> None:
    shell.write("inside", "wg0\n")

    assert attached(shell, {"interfaces": [{"name": "wg0", "add": "wireguard"}]}) == []


def test_what_an_earlier_life_was_given_is_taken_back_first(shell: DeviceShell) -> None:
    path = shell.write("run/netns/web", "")
    for name, number in (("ifindex", 3), ("iflink", 4)):
        shell.write(f"sys/class/net/out0/{name}", f"{number}\n")
    interfaces = [{"name": "eth1"}, {"name": "in0", "peer": "out0"}]

    found = attached(shell, {"interfaces": interfaces, "bindNS": {"net": str(path)}})

    assert found[:4] == [
        "inside link set eth1 netns 1",
        "mount -o bind /proc/4711/ns/net /run/netns/web",
        "ip link set eth1 netns 4711",
        "ip link del out0",
    ]


@pytest.mark.parametrize("more", ["device", ""])
def test_another_interface_is_not_taken_for_the_end_of_a_pair(
    shell: DeviceShell, more: str
) -> None:
    for name in ("ifindex", "iflink", more):
        shell.write(f"sys/class/net/eth0/{name or 'x'}", "3\n")

    ended = shell.run(SCRIPT, "in0 veth eth0 yes", "")

    assert ended.status == 1
    assert not any("del" in call for call in shell.calls())


def test_namespaces_are_bound(shell: DeviceShell) -> None:
    path = f"{shell.root}/run/netns/web"

    assert attached(shell, {"bindNS": {"net": path, "uts": ""}}) == [
        "mount -o bind /proc/4711/ns/net /run/netns/web"
    ]
    assert (shell.root / "run/netns/web").is_file()


def test_a_step_that_fails_keeps_the_container_from_starting(shell: DeviceShell) -> None:
    shell.functions += "ip() { return 1; }\n"

    ended = shell.run(SCRIPT, "eth1 - - no", "")

    assert ended.status == 1
    assert "interface eth1" in ended.err


def test_a_state_without_a_process_is_refused(shell: DeviceShell) -> None:
    shell.write("state", "{}")

    assert shell.run(SCRIPT, "eth1 - - no", "").status == 1


def test_no_hook_is_added_where_nothing_is_asked_for() -> None:
    assert attach_hook("web", Settings()) is None


def test_busybox_can_do_what_the_hook_asks(shell: DeviceShell) -> None:
    said = subprocess.run([shell.busybox, "--list"], capture_output=True, text=True, check=True)

    assert {"nsenter", "ip", "tac", "awk", "mount", "umount", "stat"} <= set(said.stdout.split())
