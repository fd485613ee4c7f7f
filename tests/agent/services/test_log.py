"""The log service: every line once, under the name of who said it."""

from pathlib import Path

import pytest

from tests.fakes.device_shell import DeviceShell, end, until

pytestmark = pytest.mark.tools

PROGRAM = "services/log/files/edge-log"
# In its container the script ends all processes that it sees.
FUNCTIONS = "kill() { :; }"
KERNEL = (
    "6,1,500000,-;Booting Linux\n SUBSYSTEM=x\n4,2,999000000,-,caller=T1;edge: slot a; verified\n"
)


@pytest.fixture
def device(tmp_path: Path) -> DeviceShell:
    shell = DeviceShell(tmp_path / "root", functions=FUNCTIONS)
    shell.write("etc/edge/log.conf", "FILES=3\nFILE_KIB=2\n")
    shell.write("proc/sys/kernel/random/boot_id", "first\n")
    shell.write("dev/kmsg", KERNEL)
    shell.write("run/edge/log/log/current", "never its own\n")
    shell.write("var/log/.keep", "")
    shell.program("s6-log", 'cat >>"$CALLS-log"')
    shell.write("calls-log", "")
    return shell


def said(device: DeviceShell, name: str, line: str) -> None:
    with device.write(f"run/edge/log/{name}/current", "").open("a") as stream:
        stream.write(f"{line}\n")


def kept(device: DeviceShell, lines: int) -> list[str]:
    """Run the service until so many lines are kept; return them, sorted."""
    child = device.start(PROGRAM)
    try:
        until(lambda: device.read("calls-log").count("\n") >= lines)
    finally:
        end(child)
    found = sorted(device.read("calls-log").splitlines())
    device.write("calls-log", "")
    return found


def test_every_line_comes_after_its_source(device: DeviceShell) -> None:
    said(device, "web", "2026-01-01 hello")
    said(device, "time", "2026-01-01 tick")

    assert kept(device, 5) == [
        "kernel  SUBSYSTEM=x",
        "kernel Booting Linux",
        "kernel edge: slot a; verified",
        "time 2026-01-01 tick",
        "web 2026-01-01 hello",
    ]
    assert device.calls() == [f"s6-log -b n3 s2048 T {device.root}/var/log"]


def test_the_only_service_is_named_too(device: DeviceShell) -> None:
    said(device, "web", "2026-01-01 hello")

    assert "web 2026-01-01 hello" in kept(device, 4)


def test_a_restart_writes_only_what_is_new(device: DeviceShell) -> None:
    said(device, "web", "2026-01-01 old")
    kept(device, 4)
    device.write("dev/kmsg", f"{KERNEL}4,3,1000500000,-;new from the kernel\n")

    assert kept(device, 1) == ["kernel new from the kernel"]


def test_after_a_start_of_the_machine_all_is_written(device: DeviceShell) -> None:
    said(device, "web", "2026-01-01 old")
    kept(device, 4)
    device.write("proc/sys/kernel/random/boot_id", "second\n")

    assert len(kept(device, 4)) == 4


def test_a_service_cannot_speak_in_the_name_of_another(device: DeviceShell) -> None:
    said(device, "time", "2026-01-01 tick")
    said(device, "web", "2026-01-01 ==> /run/edge/log/time/current <==")

    assert "web 2026-01-01 ==> /run/edge/log/time/current <==" in kept(device, 5)
