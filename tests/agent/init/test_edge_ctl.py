"""`edge-ctl` on the device, with the supervisor faked."""

import json
from collections.abc import Iterator

import pytest

from tests.agent.init.conftest import Service
from tests.fakes.device_shell import DeviceShell, Ended

pytestmark = pytest.mark.tools

PROGRAM = "init/files/usr/bin/edge-ctl"
# What `s6-svstat -o up,ready,wantedup,pid,updownfor` says.
STATES = {
    "web": "true true true 41 3600\n",
    "slow": "true false true 42 2\n",
    "broken": "false false true -1 7\n",
    "ended": "false false false -1 90\n",
}


@pytest.fixture
def device(shell: DeviceShell, service: Service) -> DeviceShell:
    for name, svstat in STATES.items():
        service(name, svstat=svstat, stop_timeout_s=3)
    shell.write("etc/edge/order", "".join(f"{name}\n" for name in STATES))
    shell.write("run/edge/restarts/broken", "5\n")
    shell.write("etc/os-release", 'IMAGE_ID="minimal"\nVERSION_ID="1.2"\n')
    shell.write("run/edge/slot", "b")
    shell.write("run/edge/disk", "vda")
    return shell


def ctl(device: DeviceShell, *words: str) -> Ended:
    return device.run(PROGRAM, *words)


def test_the_list_names_all_services_in_start_order(device: DeviceShell) -> None:
    rows = [line.split() for line in ctl(device, "list").out.splitlines()]

    assert rows == [
        ["NAME", "STATE", "PID", "AGE", "RESTARTS"],
        ["web", "ready", "41", "3600s", "0"],
        ["slow", "starting", "42", "2s", "0"],
        ["broken", "restarting", "-", "7s", "5"],
        ["ended", "stopped", "-", "90s", "0"],
    ]


def test_the_list_as_json_says_the_same(device: DeviceShell) -> None:
    listed = json.loads(ctl(device, "list", "--json").out)

    assert [(one["name"], one["state"], one["pid"]) for one in listed] == [
        ("web", "ready", 41),
        ("slow", "starting", 42),
        ("broken", "restarting", None),
        ("ended", "stopped", None),
    ]
    assert listed[2] == {
        **{"name": "broken", "state": "restarting", "pid": None},
        **{"age_s": 7, "restarts": 5},
    }


def test_a_system_without_services_has_an_empty_list(device: DeviceShell) -> None:
    device.write("etc/edge/order", "")

    assert json.loads(ctl(device, "list", "--json").out) == []


def test_a_service_that_the_supervisor_does_not_know_yet_is_stopped(device: DeviceShell) -> None:
    device.program("s6-svstat", "exit 1")

    listed = json.loads(ctl(device, "list", "--json").out)

    assert {one["state"] for one in listed} == {"stopped"}
    assert {one["age_s"] for one in listed} == {0}


def test_the_status_tells_slot_system_and_uptime(device: DeviceShell) -> None:
    said = json.loads(ctl(device, "status", "--json").out)

    assert said == {
        **{"slot": "b", "system": "minimal", "version": "1.2"},
        **{"disk": "vda", "data": "none", "uptime_s": 1000.0},
    }
    device.write("run/edge/data", "plain, where it should not be\n")
    assert "data     plain, where it should not be\n" in ctl(device, "status").out
    assert ctl(device, "status").out.splitlines()[0] == "slot     b"


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        pytest.param((), 2, "edge-ctl list [--json]", id="no word"),
        pytest.param(("dance",), 2, "edge-ctl list [--json]", id="unknown word"),
        pytest.param(("list", "--jsn"), 2, "list: unknown option '--jsn'", id="unknown option"),
        pytest.param(("status", "-x"), 2, "status: unknown option '-x'", id="of status"),
        pytest.param(("logs",), 2, "logs: which service?", id="logs of nothing"),
        pytest.param(("logs", "web", "-x"), 2, "logs: unknown option '-x'", id="of logs"),
        pytest.param(("logs", "web", "-n"), 2, "'' is not a number of lines", id="no number"),
        pytest.param(("logs", "web", "-n", "1x"), 2, "'1x' is not a number", id="bad number"),
        pytest.param(("restart",), 2, "restart: which service?", id="restart nothing"),
        pytest.param(("stop", "nope"), 3, "no service called 'nope'", id="unknown service"),
        pytest.param(("logs", "../service/web"), 3, "no service called", id="a path"),
        pytest.param(("stop", "."), 3, "no service called '.'", id="a pattern"),
        pytest.param(("stop", "-v"), 3, "no service called '-v'", id="an option"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_done(
    device: DeviceShell, words: tuple[str, ...], status: int, told: str
) -> None:
    ended = ctl(device, *words)

    assert (ended.status, ended.out) == (status, "")
    assert told in ended.err
    assert device.calls() == []


def test_help_is_no_mistake(device: DeviceShell) -> None:
    ended = ctl(device, "--help")

    assert (ended.status, ended.err) == (0, "")
    assert "edge-ctl restart|stop|start NAME" in ended.out


def test_what_a_station_asks_is_done_by_the_agent(device: DeviceShell) -> None:
    refused = ctl(device, "identity", "serve")
    device.write("etc/edge/order", "agent\n")

    ended = ctl(device, "identity", "prove", "a b")

    assert (refused.status, ended.status) == (3, 0)
    assert "no service called 'agent'" in refused.err
    (call,) = device.calls()
    assert call.startswith(f"crun --root {device.root}/run/crun exec agent ")
    assert call.endswith("python3 -S -B -m edge_agent identity prove a b")


def s6(device: DeviceShell) -> Iterator[str]:
    for call in device.calls():
        if not call.startswith("s6-svstat"):
            yield call.replace(f"{device.root}/run/service/", "")


def test_a_restart_waits_for_the_end_and_for_readiness(device: DeviceShell) -> None:
    ended = ctl(device, "restart", "web")

    assert (ended.status, ended.out) == (0, "web ready\n")
    assert list(s6(device)) == ["s6-svc -wD -T 3000 -d web", "s6-svc -wU -T 60000 -u web"]


def test_a_service_that_does_not_end_is_killed(device: DeviceShell) -> None:
    device.program("s6-svc", "exit 99")

    ended = ctl(device, "stop", "ended")

    assert (ended.status, ended.out) == (0, "ended stopped\n")
    assert list(s6(device)) == [
        "s6-svc -wD -T 3000 -d ended",
        f"crun --root {device.root}/run/crun kill --all ended KILL",
        "s6-svwait -D -t 20000 ended",
    ]


def test_a_restart_leaves_no_service_down(device: DeviceShell) -> None:
    device.program("s6-svc", 'case $* in *" -d "*) exit 99 ;; esac')
    device.program("s6-svwait", "exit 99")

    ended = ctl(device, "restart", "web")

    assert ended.status == 6
    assert [*s6(device)][-1] == "s6-svc -wU -T 60000 -u web"


def test_a_service_that_does_not_get_ready_is_told(device: DeviceShell) -> None:
    device.program("s6-svc", "exit 99")

    ended = ctl(device, "start", "slow")

    assert ended.status == 6
    assert "slow: start not done after 60 s; see: edge-ctl logs slow" in ended.err


def test_logs_are_those_of_all_pieces_and_end_with_the_newest(device: DeviceShell) -> None:
    device.write("run/edge/log/web/@400000001.s", "one\ntwo\n")
    device.write("run/edge/log/web/current", "three\n")

    assert ctl(device, "logs", "web", "-n", "2").out == "two\nthree\n"
    assert ctl(device, "logs", "web").out == "one\ntwo\nthree\n"
