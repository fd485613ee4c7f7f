"""What the owner of an image asks of the kernel in /etc/sysctl.d."""

import pytest

from tests.fakes.device_shell import DeviceShell

pytestmark = pytest.mark.tools

PROGRAM = "init/files/usr/lib/edge/own-sysctl"
FORWARD = "proc/sys/net/ipv4/ip_forward"


@pytest.fixture
def device(shell: DeviceShell) -> DeviceShell:
    for path in (FORWARD, "proc/sys/kernel/printk", "proc/sys/net/ipv4/conf/eth0.1/rp_filter"):
        shell.write(path, "0\n")
    shell.write("dev/kmsg", "")
    return shell


def test_lines_are_set_in_the_order_of_the_files(device: DeviceShell) -> None:
    device.write("etc/sysctl.d/10-a.conf", "# ours\n; so\n\nnet.ipv4.ip_forward = 7\n")
    device.write("etc/sysctl.d/20-b.conf", "  -net.ipv4.ip_forward=1  \nkernel.printk = 4 4 1 7")
    device.write("etc/sysctl.d/note", "net.ipv4.ip_forward = 9\n")

    assert device.run(PROGRAM).status == 0

    assert device.read(FORWARD) == "1\n"
    assert device.read("proc/sys/kernel/printk") == "4 4 1 7\n"
    assert device.read("dev/kmsg") == ""


def test_a_name_with_slashes_may_hold_dots(device: DeviceShell) -> None:
    device.write("etc/sysctl.d/a.conf", "net/ipv4/conf/eth0.1/rp_filter = 2\n")

    device.run(PROGRAM)

    assert device.read("proc/sys/net/ipv4/conf/eth0.1/rp_filter") == "2\n"


def test_what_the_kernel_does_not_know_is_told_and_stops_nothing(device: DeviceShell) -> None:
    device.write("etc/sysctl.d/a.conf", "net.ipv4.nothing = 1\njunk\nnet.ipv4.ip_forward = 1\n")

    device.run(PROGRAM)

    said = device.read("dev/kmsg")
    assert "a.conf: net.ipv4.nothing is not set to '1'" in said
    assert "a.conf: junk is not set to ''" in said
    assert device.read(FORWARD) == "1\n"
    assert not (device.root / "proc/sys/net/ipv4/nothing").exists()
