"""The disk images of Raspberry Pis, as they are, in QEMU's machines: U-Boot to services.

What QEMU lacks (the VideoCore firmware, Ethernet, the watchdog) is not tested here. Only the device
tree differs from the board's; their board.yml says where and why.
"""

import hashlib
from pathlib import Path

import pytest

from edge.cli.main import main
from edge.emulator import machine
from tests.e2e.conftest import Build
from tests.e2e.test_running_system import services, shell
from tests.fakes import slots

pytestmark = pytest.mark.slow

BOOT_S = 1200  # the emulated card gives 0.9 MB/s, and there is one processor


@pytest.mark.parametrize("board", ["rpi3", "rpi4"])
def test_a_card_that_was_flashed_boots_to_all_services(
    board: str, build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    folder, disk = build("minimal", board=board), tmp_path / "card.img"
    words = ["-q", "flash", "--board", board, str(folder), "--to", f"file:{disk}", "--yes"]
    assert main(words) == 0
    written = (folder / "disk.img").stat().st_size
    assert digest(disk, written) == digest(folder / "disk.img", written)
    machine.fit_disk(folder, disk)

    with machine.running(folder, disk=disk) as device:
        shell(device, boot_s=BOOT_S)
        found = services(device.command("edge-ctl list --json", 120))
        device.command("until edge-ctl logs agent | grep committed; do sleep 1; done", 300)

    assert {row["state"] for row in found.values()} == {"ready"}
    assert slots.boot_control(disk).state().left == {"a": 9, "b": 0}


def digest(path: Path, length_bytes: int) -> str:
    with path.open("rb") as stream:
        hashed = hashlib.sha256()
        while length_bytes and (piece := stream.read(min(length_bytes, 1 << 20))):
            hashed.update(piece)
            length_bytes -= len(piece)
    return hashed.hexdigest()
