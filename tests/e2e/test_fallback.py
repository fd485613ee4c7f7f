"""A second slot that is good, and four that are not: the first always comes back by itself.

One whose init hangs is in `test_bad_releases`.
"""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.emulator import machine
from edge.image.outputs import ROOTFS
from edge.image.slot import INITRAMFS
from tests.e2e.conftest import Build
from tests.e2e.test_running_system import BOOT_S, READY, shell
from tests.fakes import slots

pytestmark = pytest.mark.slow

TRIES = 3
STARTED_B = r"edge: slot b, order b a, tries left a=(\d) b=(\d)"

BAD_INIT = """
files:
  - path: usr/sbin/init
    mode: "0755"
    contents: |
      #!/usr/bin/busybox sh
      {line}
"""


def armed_disk(build: Path, other: Path, disk: Path, *, without: str | None = None) -> None:
    """Make a disk whose slot B holds another build's slot, armed for three starts."""
    machine.make_disk(build, disk)
    slots.fill(disk, "b", other / "slot", without=without)
    slots.boot_control(disk).arm("b", TRIES)


def test_a_good_slot_starts_and_is_committed(build: Build, tmp_path: Path) -> None:
    folder, disk = build("minimal"), tmp_path / "disk.img"
    armed_disk(folder, folder, disk)

    with machine.running(folder, disk=disk) as device:
        tries = device.wait_for(STARTED_B, 60)
        ready = shell(device)
        wait_for_commit(device)
        device.send("poweroff\n")
        device.wait_off(90)

    assert tries[2] == str(TRIES - 1)
    assert ready[1] == "b"
    state = slots.boot_control(disk, running="b").state()
    assert state.order == ("b", "a")
    assert state.left == {"a": 9, "b": 9}


def wait_for_commit(device: machine.Machine) -> None:
    device.send("until edge-ctl logs agent | grep committed; do sleep 1; done\n")
    device.wait_for(r"slot b committed", 120)


def nothing(folder: Path, disk: Path) -> None:
    del folder, disk


def wrong_root_hash(folder: Path, disk: Path) -> None:
    """Make the initramfs of slot B expect another root."""
    damaged = folder.with_name(f"{folder.name}-damaged")
    shutil.copytree(folder / "slot", damaged / "slot", dirs_exist_ok=True)
    image = damaged / "slot" / INITRAMFS
    data = image.read_bytes()
    found = re.search(rb"root_hash=([0-9a-f]{64})", data)
    assert found
    changed = bytes(reversed(found[1]))
    image.write_bytes(data.replace(found[1], changed))
    slots.fill(disk, "b", damaged / "slot")


def corrupted_block(folder: Path, disk: Path) -> None:
    """Flip one bit in each of many blocks of the root of slot B."""
    root = slots.plan_of(disk).partition("rootfs-b")
    size_bytes = (folder / "slot" / ROOTFS).stat().st_size
    with disk.open("r+b") as stream:
        for offset_bytes in range(4096 * 100, size_bytes, 4096 * 16):
            stream.seek(root.offset_bytes + offset_bytes)
            byte = stream.read(1)[0]
            stream.seek(root.offset_bytes + offset_bytes)
            stream.write(bytes([byte ^ 1]))


@pytest.mark.parametrize(
    ("name", "extra", "without", "damage", "reason"),
    [
        pytest.param("minimal", "", "Image", nothing, "does not start", id="kernel missing"),
        pytest.param(
            "minimal", "", None, wrong_root_hash, "dm-?verity|verity", id="wrong root hash"
        ),
        pytest.param(
            "minimal", "", None, corrupted_block, "is corrupted", id="corrupted data block"
        ),
        pytest.param(
            "exits", BAD_INIT.format(line="exit 0"), None, nothing, "kill init", id="init exits"
        ),
    ],
)
def test_the_first_slot_comes_back_by_itself(
    build: Build,
    tmp_path: Path,
    name: str,
    extra: str,
    without: str | None,
    damage: Callable[[Path, Path], None],
    reason: str,
) -> None:
    folder, disk = build("minimal"), tmp_path / "disk.img"
    other = build(name, extra=extra)
    armed_disk(folder, other, disk, without=without)
    damage(other, disk)

    with machine.running(folder, disk=disk) as device:
        ready = device.wait_for(READY, 6 * BOOT_S)
        text = device.text

    assert ready[1] == "a"
    assert [left for _a, left in re.findall(STARTED_B, text)] == ["2", "1", "0"]
    assert len(re.findall(reason, text)) >= TRIES
