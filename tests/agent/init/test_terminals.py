"""Serial terminals that a service asks for: nodes of their own, and its alone."""

import pytest

from tests.agent.init.conftest import Service
from tests.fakes.device_shell import DeviceShell

pytestmark = pytest.mark.tools

SCRIPTS = "init/files/usr/lib/edge/service"
WEB = "run/service/web"
TERMINAL = """
mknod() { echo "mknod $*" >>"$CALLS"; : >"$3"; }
"""


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        pytest.param("console", "4 65", id="the console of the kernel"),
        pytest.param("tty-ttyUSB0", "188 0", id="by name"),
    ],
)
def test_a_service_gets_a_terminal_as_a_node_of_its_own(
    shell: DeviceShell, service: Service, name: str, numbers: str
) -> None:
    shell.functions = TERMINAL
    shell.write("sys/class/tty/console/active", "tty0 ttyS1\n")
    shell.write("sys/class/tty/ttyS1/dev", "4:65\n")
    shell.write("sys/class/tty/ttyUSB0/dev", "188:0\n")
    node = shell.write(f"dev/edge/{name}", "of an earlier start")
    service(devices=[{"path": f"/dev/edge/{name}", "type": "c", "mode": "rw"}])
    on_the_host(shell)

    ended = shell.run(f"{SCRIPTS}/run", cwd=WEB)

    assert ended.status == 0, ended
    assert f"mknod -m 600 {node} c {numbers}" in shell.calls()
    assert (node.read_text(), node.stat().st_mode & 0o777) == ("", 0o660)


def test_a_service_without_its_terminal_does_not_start(
    shell: DeviceShell, service: Service
) -> None:
    shell.functions = TERMINAL
    service(devices=[{"path": "/dev/edge/tty-ttyUSB0", "type": "c", "mode": "rw"}])
    on_the_host(shell)

    ended = shell.run(f"{SCRIPTS}/run", cwd=WEB)

    assert ended.status == 1
    assert "tty-ttyUSB0: no such terminal" in ended.out
    assert not [call for call in shell.calls() if call.startswith("crun")]


def on_the_host(shell: DeviceShell) -> None:
    """Let the settings of the service name the devices of the test."""
    conf = shell.root / WEB / "conf"
    conf.write_text(conf.read_text().replace("/dev/edge", f"{shell.root}/dev/edge"))
