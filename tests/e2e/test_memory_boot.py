"""kernel+initrd in a virtual machine: a system without a disk, its containers all the same."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge import toolbox
from edge.cli.main import main
from edge.emulator import machine
from edge.emulator.machine import Machine

pytestmark = pytest.mark.slow

READY_S = 120
SYSTEM = """\
services:
  - service: log
  - service: console
"""
MACHINE = ("-machine", "virt,gic-version=3", "-cpu", "cortex-a53", "-m", "512", "-smp", "2")
PLAIN = ("-nodefaults", "-display", "none", "-serial", "stdio")


@pytest.fixture
def device(work: Path) -> Iterator[Machine]:
    toolbox.install()
    (work / "memory.yml").write_text(SYSTEM)
    out = work / "out-memory"
    words = ["-q", "build", str(work / "memory.yml"), "--board", "qemu-arm64", "-o", str(out)]
    assert main([*words, "--format", "kernel+initrd"]) == 0
    files = ("-kernel", str(out / "memory-kernel"), "-initrd", str(out / "memory-initrd.img"))
    append = ("-append", (out / "memory-cmdline").read_text())
    qemu = [*toolbox.tool("qemu-system-aarch64"), "-L", str(toolbox.qemu_data())]
    machine = Machine([*qemu, *PLAIN, *MACHINE, *files, *append])
    yield machine
    machine.cut_power()


def test_it_runs_from_memory_read_only_and_its_services_in_their_containers(
    device: Machine,
) -> None:
    device.wait_for(r"edge: slot memory: all 2 services ready", READY_S)
    # The first prompt may have come before that line.
    device.send("\n")
    device.wait_for(machine.PROMPT, READY_S / 2)

    told = device.command("touch /nobody 2>&1; cat /proc/mounts; ls /init /slot.conf /modules 2>&1")
    assert "Read-only file system" in told
    assert "data /data tmpfs rw" in told
    assert "/init: No such file" in told
    listed = device.command("edge-ctl list")
    assert listed.count(" ready ") == 2
