"""`edge-ctl top` on the device: what services use, from a faked tree of control groups."""

import json

import pytest

from tests.agent.init.conftest import Service
from tests.agent.init.test_edge_ctl import ctl
from tests.fakes.device_shell import DeviceShell, until

pytestmark = pytest.mark.tools

MIB = 1 << 20


def use(shell: DeviceShell, name: str, cpu_us: int, *, group: str = "") -> None:
    """Let a service have used so much of a processor."""
    folder = f"sys/fs/cgroup/{group or f'edge/{name}'}"
    shell.write(f"{folder}/cpu.stat", f"usage_usec {cpu_us}\nuser_usec 1\nsystem_usec 1\n")
    shell.write(f"{folder}/memory.current", f"{12 * MIB}\n")
    shell.write(f"{folder}/memory.stat", f"anon 1\nfile 2\ninactive_file {2 * MIB}\n")
    shell.write(f"{folder}/memory.max", f"{64 * MIB}\n")
    shell.write(f"{folder}/pids.current", "3\n")
    shell.write(f"{folder}/pids.max", "32\n")


@pytest.fixture
def device(shell: DeviceShell, service: Service) -> DeviceShell:
    """Three services, of which one does not run; in the second that is looked at two work."""
    groups = {"web": "/edge/web", "busy": "/mine/of:busy", "ended": "/edge/ended"}
    for name, group in groups.items():
        service(name)
        spec = {"linux": {"cgroupsPath": group}, "process": {"args": ["/x"]}}
        shell.write(
            f"containers/services/{name}/config.json", json.dumps(spec, separators=(",", ":"))
        )
    shell.write("etc/edge/order", "".join(f"{name}\n" for name in groups))
    shell.write("run/edge/restarts/busy", "2\n")
    use(shell, "web", 2_000_000)
    use(shell, "busy", 40_000_000, group="mine/of:busy")
    shell.write("sys/fs/cgroup/mine/of:busy/memory.max", "max\n")
    shell.write("sys/fs/cgroup/mine/of:busy/pids.max", "max\n")
    shell.write("later/uptime", "1001.00 901.00\n")
    shell.write("later/web", "usage_usec 2100000\n")
    shell.write("later/busy", "usage_usec 41500000\n")
    root = shell.root
    shell.functions = f"""
        sleep() {{
          [ -e {root}/later/web ] || exec sleep 1000
          mv {root}/later/uptime {root}/proc/uptime
          mv {root}/later/web {root}/sys/fs/cgroup/edge/web/cpu.stat
          mv {root}/later/busy {root}/sys/fs/cgroup/mine/of:busy/cpu.stat
        }}
    """
    return shell


def test_who_uses_most_comes_first(device: DeviceShell) -> None:
    rows = [line.split() for line in ctl(device, "top").out.splitlines()]

    assert rows == [
        ["NAME", "CPU%", "CPU_S", "MIB", "OF", "TASKS", "OF", "RESTARTS"],
        ["busy", "150.0", "41.5", "10.0", "-", "3", "max", "2"],
        ["web", "10.0", "2.1", "10.0", "64.0", "3", "32", "0"],
        ["ended", "-", "-", "-", "-", "-", "-", "0"],
    ]


def test_as_json_it_says_the_same_in_start_order(device: DeviceShell) -> None:
    said = json.loads(ctl(device, "top", "--json").out)

    assert said[0] == {
        **{"name": "web", "cpu_percent": 10.0, "cpu_s": 2.1, "restarts": 0},
        **{"memory_bytes": 10 * MIB, "memory_most_bytes": 64 * MIB, "tasks": 3, "tasks_most": 32},
    }
    assert (said[1]["cpu_percent"], said[1]["memory_most_bytes"]) == (150.0, None)
    assert said[2] == {
        **{"name": "ended", "cpu_percent": None, "cpu_s": None, "restarts": 0},
        **dict.fromkeys(("memory_bytes", "memory_most_bytes", "tasks", "tasks_most")),
    }


def test_a_service_that_began_anew_counts_from_nothing(device: DeviceShell) -> None:
    device.write("later/web", "usage_usec 50000\n")

    assert json.loads(ctl(device, "top", "--json").out)[0]["cpu_percent"] == 5.0


def test_a_system_without_services_uses_nothing(device: DeviceShell) -> None:
    device.write("etc/edge/order", "")

    assert json.loads(ctl(device, "top", "--json").out) == []


def test_it_goes_on_until_it_is_ended(device: DeviceShell) -> None:
    child = device.start("init/files/usr/bin/edge-ctl", "top", "-w")

    until(lambda: "ended" in device.read("out"))
    assert child.poll() is None
    child.kill()
    child.wait()


def test_an_unknown_option_is_told(device: DeviceShell) -> None:
    ended = ctl(device, "top", "-x")

    assert (ended.status, ended.out) == (2, "")
    assert "top: unknown option '-x'" in ended.err
