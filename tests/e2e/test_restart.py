"""What stays over a restart, and that going down is orderly."""

from pathlib import Path

import pytest

from edge.emulator import machine
from tests.e2e.conftest import Build
from tests.e2e.test_running_system import shell

pytestmark = pytest.mark.slow


def test_data_stays_over_an_orderly_restart(build: Build, tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"
    folder = build("minimal")
    machine.make_disk(folder, disk)
    with machine.running(folder, disk=disk) as device:
        shell(device)
        device.command("echo kept >/data/mine; sync")

        device.send("edge-ctl reboot\n")

        device.wait_for(r"shutdown: done", 90)
        shell(device)
        assert device.command("cat /data/mine").strip() == "kept"
        assert "recovery" not in device.command("dmesg | grep EXT4")
        assert "first start" not in device.command("dmesg")
        device.send("edge-ctl poweroff\n")
        device.wait_off(90)
    assert "did not stop in time" not in device.text


def test_data_stays_over_a_power_cut(build: Build, tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"
    folder = build("minimal")
    machine.make_disk(folder, disk)
    with machine.running(folder, disk=disk) as device:
        shell(device)
        device.command("echo kept >/data/mine; sync")
        device.cut_power()

    with machine.running(folder, disk=disk) as device:
        shell(device)
        assert device.command("cat /data/mine").strip() == "kept"
