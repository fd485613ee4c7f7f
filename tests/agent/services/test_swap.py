"""Swap in compressed memory: its size, and what is refused."""

from pathlib import Path

import pytest

from tests.fakes.device_shell import DeviceShell

pytestmark = pytest.mark.tools

PROGRAM = "services/swap/files/edge-swap"
DISKSIZE = "sys/devices/virtual/block/zram0/disksize"
# Parts of busybox; the real ones would change the host.
FUNCTIONS = """
mkswap() { echo "mkswap $*" >>"$CALLS"; }
swapon() { echo "swapon $*" >>"$CALLS"; }
"""


@pytest.fixture
def device(tmp_path: Path) -> DeviceShell:
    shell = DeviceShell(tmp_path / "root", functions=FUNCTIONS)
    shell.write(DISKSIZE, "0\n")
    shell.write("proc/meminfo", "MemTotal:        1000000 kB\nMemFree:  1 kB\n")
    shell.write("etc/edge/swap.conf", "PERCENT=50\n")
    return shell


def test_swap_is_a_share_of_the_memory(device: DeviceShell) -> None:
    ended = device.run(PROGRAM)

    zram = f"{device.root}/dev/zram0"
    assert (ended.status, ended.out) == (0, "swap of 488 MiB in compressed memory\n")
    assert device.read(DISKSIZE) == "500000K\n"
    assert device.calls() == [f"mkswap {zram}", f"swapon {zram}"]


@pytest.mark.parametrize("text", ["", "PERCENT=\n", "PERCENT=0", "PERCENT=201", "PERCENT=$(id)"])
def test_a_size_that_makes_no_sense_is_refused(device: DeviceShell, text: str) -> None:
    device.write("etc/edge/swap.conf", text)

    ended = device.run(PROGRAM)

    assert ended.status == 2
    assert ended.out.startswith("swap.conf: PERCENT=")
    assert device.read(DISKSIZE) == "0\n"


def test_swap_that_is_on_stays_as_it_is(device: DeviceShell) -> None:
    device.write(DISKSIZE, "4096\n")

    assert device.run(PROGRAM).status == 0
    assert device.calls() == []
