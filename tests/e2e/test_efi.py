"""The board `efi-arm64` in QEMU with AAVMF: systemd-boot starts slots and counts their tries."""

import functools
import re
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from edge.cli.main import main
from edge.emulator import machine
from tests.e2e.conftest import Build
from tests.e2e.test_fallback import wrong_root_hash
from tests.e2e.test_running_system import READY, shell
from tests.fakes import slots

pytestmark = pytest.mark.slow

BOARD = "efi-arm64"
BOOT_S = 90  # the firmware alone takes some seconds
TRIES = 3
HOST = "10.0.2.2"  # this one, in the network of QEMU
NEWER = """
files:
  - {path: etc/motd, contents: "newer\\n", mode: "0644"}
  - {path: etc/edge/agent.json, contents: '{"health": {"stable_s": 5}}', mode: "0644"}
"""
AGENT = "crun --root /run/crun exec agent /usr/bin/python3 -S -B -m edge_agent"
COMMIT_S = 240


@pytest.fixture
def served(work: Path) -> Iterator[str]:
    """The address, for a device in QEMU, at which the newer release is served."""
    newer, folder = work / "newer.yml", work / "out-newer"
    newer.write_text(NEWER)
    files = [str(work / name) for name in ("minimal.yml", "bench.yml", "newer.yml")]
    words = ["-q", "build", *files, "--board", BOARD, "--version", "0.2.0", "-o", str(folder)]
    assert main(words) == 0
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{HOST}:{server.server_port}/update.edge"
        server.shutdown()


def test_an_update_is_installed_tried_and_committed(
    build: Build, served: str, tmp_path: Path
) -> None:
    folder, disk = build("minimal", board=BOARD), tmp_path / "disk.img"
    machine.make_disk(folder, disk)

    with machine.running(folder, disk=disk) as device:
        assert shell(device, boot_s=BOOT_S)[1] == "a"
        # The agent may write the menu, and no other user so much as read it.
        held = device.command("ls -ln /dev/edge/firmware; cat /run/edge/boot")
        device.command(f"busybox wget -q -O /data/agent/update.edge {served}", 60)
        device.command("chmod 644 /data/agent/update.edge")
        device.command(f"{AGENT} install /var/lib/edge/update.edge", 60)
        ready = shell(device, boot_s=4 * BOOT_S)
        tried = slots.efi_control(disk, running="b").state()
        is_settled = f"{AGENT} status --json | grep -q '\"b\": 9'"
        device.command(f"until {is_settled}; do sleep 2; done", COMMIT_S)
        told = device.command("cat /etc/motd")
        device.send("poweroff\n")
        device.wait_off(90)

    assert re.search(r"brw-rw----\s+1\s+0\s+[1-9]", held)
    assert held.strip().endswith("efi")
    assert (tried.order, tried.left["b"]) == (("b", "a"), TRIES - 1)
    assert (ready[1], told.strip()) == ("b", "newer")
    state = slots.efi_control(disk, running="b").state()
    assert (state.order, state.left) == (("b", "a"), {"a": 9, "b": 9})


def test_a_slot_that_does_not_start_is_left_after_its_tries(build: Build, tmp_path: Path) -> None:
    folder, disk = build("minimal", board=BOARD), tmp_path / "disk.img"
    machine.make_disk(folder, disk)
    slots.fill(disk, "b", folder / "slot")
    wrong_root_hash(folder, disk)
    slots.efi_control(disk).arm("b", TRIES)

    with machine.running(folder, disk=disk) as device:
        ready = device.wait_for(READY, 5 * BOOT_S)
        text = device.text

    assert ready[1] == "a"
    assert len(re.findall("dm-?verity|verity", text)) >= TRIES
    assert len(re.findall("EFI stub: Booting", text)) == TRIES + 1
    state = slots.efi_control(disk).state()
    assert (state.order, state.left) == (("a", "b"), {"a": 9, "b": 0})
