"""The login on the console: which terminal, and whose password."""

from pathlib import Path

import pytest

from tests.fakes.device_shell import DeviceShell

pytestmark = pytest.mark.tools

PROGRAM = "services/getty/files/edge-getty"
# Parts of busybox; the real ones would ask on a terminal of the host.
FUNCTIONS = """
exec() { "$@"; exit; }
getty() { echo "getty $*" >>"$CALLS"; }
mknod() { echo "mknod $*" >>"$CALLS"; }
"""


@pytest.fixture
def device(tmp_path: Path) -> DeviceShell:
    shell = DeviceShell(tmp_path / "root", functions=FUNCTIONS)
    shell.write("sys/class/tty/console/active", "tty0 ttyS1\n")
    shell.write("sys/class/tty/ttyS1/dev", "4:65\n")
    (shell.root / "run").mkdir()
    shell.write("etc/edge/shadow", "other:$6$no:1::::::\nroot:$6$salt$hash\n")
    return shell


def test_it_asks_on_the_console_of_the_kernel(device: DeviceShell) -> None:
    assert device.run(PROGRAM).status == 0
    assert device.calls() == [
        "mknod -m 600 /dev/ttyS1 c 4 65",
        "getty -L -l /usr/bin/login 0 ttyS1 vt100",
    ]


def test_the_hash_of_root_and_no_other_is_what_counts(device: DeviceShell) -> None:
    device.run(PROGRAM)

    assert device.read("run/shadow") == "root:$6$salt$hash:1:0:99999:7:::\n"
    assert (device.root / "run/shadow").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "root::1::::::\n", "other:$6$x:1::::::\n"])
def test_without_a_hash_nobody_is_asked(device: DeviceShell, text: str) -> None:
    device.write("etc/edge/shadow", text)

    ended = device.run(PROGRAM)

    assert ended.status == 1
    assert "has no hash for root" in ended.out
    assert not [call for call in device.calls() if call.startswith("getty")]
