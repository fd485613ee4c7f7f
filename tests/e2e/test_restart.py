"""What stays over a restart, and that going down is orderly."""

import re
from pathlib import Path

import pytest

from edge.emulator import machine
from tests.e2e.conftest import Build
from tests.e2e.test_running_system import services, shell

pytestmark = pytest.mark.slow


def test_data_stays_over_an_orderly_restart(build: Build, tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"
    folder = build("minimal")
    machine.make_disk(folder, disk)
    with machine.running(folder, disk=disk) as device:
        shell(device)
        device.command("echo kept >/data/mine; sync")
        # The word that a boot driver leaves for the firmware (rpi-tryboot); it is for one restart.
        device.command("echo '0 tryboot' >/run/edge-agent/restart")

        device.send("edge-ctl reboot\n")

        device.wait_for(r"shutdown: done", 90)
        device.wait_for("Restarting system with command '0 tryboot'", 30)
        shell(device)
        assert device.command("cat /data/mine").strip() == "kept"
        assert "recovery" not in device.command("dmesg | grep EXT4")
        assert "first start" not in device.command("dmesg")
        device.send("edge-ctl poweroff\n")
        device.wait_off(90)
    killed = re.findall(r"shutdown: (\w+) did not stop", device.text)
    assert set(killed) <= {"console"}, "a shell hears no SIGTERM, all others do"


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


SICK = """
services:
  - service: ./sick
"""
SICK_SERVICE = """
# Says that it is healthy until it is told to be sick; hears no SIGTERM.
description: A service that falls sick
packages: [busybox-static]
command: [/usr/bin/busybox, sh, -c, "echo up; while :; do sleep 1000; done"]
health:
  command: [/usr/bin/busybox, test, "!", -e, /tmp/sick]
  interval_s: 1
  timeout_s: 20
  retries: 2
stop_timeout_s: 2
"""


def test_a_sick_service_is_restarted_even_if_it_hears_no_signal(
    build: Build, work: Path, tmp_path: Path
) -> None:
    (work / "sick").mkdir()
    (work / "sick" / "service.yml").write_text(SICK_SERVICE)
    folder = build("sick-system", extra=SICK)
    with machine.running(folder) as device:
        shell(device)
        before = services(device.command("edge-ctl list --json"))["sick"]
        assert before["state"] == "ready"

        device.command("crun --root /run/crun exec sick /usr/bin/busybox touch /tmp/sick")

        device.command(
            "until edge-ctl logs sick | grep 'health check failed (2 of 2)'; do sleep 1; done", 90
        )
        device.command("until edge-ctl list | grep -q '^sick .*ready .* 1$'; do sleep 1; done", 90)
        after = services(device.command("edge-ctl list --json"))["sick"]
        device.command("kill -9 $(head -n 1 /sys/fs/cgroup/edge/sick/cgroup.procs)")
        device.command("until edge-ctl list | grep -q '^sick .*ready .* 2$'; do sleep 1; done", 90)

    assert after["pid"] != before["pid"]
