"""A disk of `boot.driver: rpi-tryboot`, built and started by an emulation of the firmware."""

from pathlib import Path

import pytest

from edge.board.search import find
from edge.errors import InputError
from edge.image import gpt, tryboot
from edge.image.board_disk import disk_plan
from edge.image.gpt import Mbr, MbrEntry
from edge.oci.tree import file
from edge_agent.boot.tryboot import TrybootControl
from edge_signing.formats.boot_state import Slot
from tests.edge.conftest import Edge
from tests.fakes import slots
from tests.fakes.rpi_firmware import Firmware, NothingStartsError
from tests.fakes.tiny_project import KERNEL, TinyProject, noise

BOARD = """\
name: pi
description: A Raspberry Pi whose firmware starts the kernel
architecture: arm64
kernel: {package: linux-image-pi, cmdline: console=ttyAMA0 panic=5}
packages: [u-boot-tiny]
modules: {initramfs: [dm_verity, erofs]}
console: ttyAMA0
partition_table: {kind: KIND}
slots: {boot_mib: 8, rootfs_mib: 8}
firmware: {mib: 8}
data_mib: 16
boot:
  driver: rpi-tryboot
  files:
    - {package_file: usr/lib/u-boot/tiny/u-boot.bin, to: start4.elf}
    - to: config.txt
      contents: |
        arm_64bit=1
        kernel=Image
        initramfs initrd.img followkernel
        device_tree=board.dtb
  dtb: {from: slot, package_file: usr/lib/linux-image-*/pi.dtb}
"""
FILES = {
    "Image",
    "initrd.img",
    "rootfs.img",
    "slot.env",
    "board.dtb",
    "cmdline.txt",
    "config.txt",
    "start4.elf",
}


def write_board(project: TinyProject, kind: str, *, word: bytes = b" tryboot") -> None:
    folder = project.boards / "pi"
    folder.mkdir()
    (folder / "board.yml").write_text(BOARD.replace("KIND", kind))
    modules = f"usr/lib/modules/{KERNEL}"
    real = {
        f"boot/vmlinuz-{KERNEL}": noise("kernel", 3000) + word,
        f"{modules}/modules.builtin": b"kernel/erofs.ko\nkernel/dm-verity.ko\nkernel/net.ko\n",
        f"usr/lib/linux-image-{KERNEL}/pi.dtb": b"tree",
    }
    project.repository.add("linux-image-pi", files=real)


@pytest.mark.tools
@pytest.mark.parametrize("kind", ["gpt", "gpt-hybrid"])
def test_the_firmware_starts_slots_as_the_agent_wants(
    kind: str, project: TinyProject, build: Edge, tmp_path: Path
) -> None:
    write_board(project, kind)
    assert build(board="pi").status == 0
    out = project.folder / "out"
    disk, word = out / "disk.img", tmp_path / "restart"
    firmware = Firmware(disk)
    running: list[Slot] = ["a"]

    def control() -> TrybootControl:
        return TrybootControl(firmware.partition(1), current=lambda: running[-1], restart=word)

    def restarted() -> Slot:
        firmware.restart(word.read_text() if word.exists() else "")
        word.unlink(missing_ok=True)
        running.append("a" if firmware.start().partition == 2 else "b")
        return running[-1]

    first = firmware.start()
    assert (first.partition, first.tryboot, first.tree) == (2, False, b"tree")
    assert first.kernel == noise("kernel", 3000) + b" tryboot"
    assert first.command_line.endswith("console=ttyAMA0 panic=5")
    assert b"boot=rpi-tryboot\n" in first.ramdisk
    assert {path.name for path in (out / "slot").iterdir()} == FILES
    assert not (out / "emulator").exists()

    control().arm("b")
    with pytest.raises(NothingStartsError, match="partition 3: no FAT volume"):
        restarted()
    assert firmware.start().partition == 2  # the flag is gone, whatever restarts the board

    control().disarm()
    slots.fill(disk, "b", out / "slot")
    control().arm("b")
    assert restarted() == "b"
    firmware.cut_power()
    assert firmware.start().partition == 2
    running.append("a")
    control().commit()
    control().disarm()
    control().arm("b")
    assert restarted() == "b"
    control().commit()
    firmware.cut_power()
    assert firmware.start().partition == 3


@pytest.mark.tools
def test_a_kernel_that_does_not_know_tryboot_is_refused(project: TinyProject, build: Edge) -> None:
    write_board(project, "gpt", word=b"")

    ended = build(board="pi")

    assert ended.status == 2
    assert "the kernel of linux-image-pi does not know tryboot" in ended.err
    assert not (project.folder / "out").exists()


@pytest.mark.parametrize("kind", ["gpt", "gpt-hybrid"])
def test_both_tables_count_the_boot_partitions_alike(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "boards" / "pi"
    folder.mkdir(parents=True)
    (folder / "board.yml").write_text(BOARD.replace("KIND", kind))
    board = find("pi", environment={}, project=tmp_path)
    disk = disk_plan(board, "seed")

    assert [one.name for one in disk.partitions][:4] == [
        "firmware",
        "boot-a",
        "boot-b",
        "bootstate",
    ]
    entries = [MbrEntry.unpack(one) for one in Mbr.unpack(gpt.primary(disk)[:512]).entries]
    starts = [one.first_sector for one in entries if one.kind == 0x0C]
    wanted = [one.first_sector for one in disk.partitions[:3]]
    assert starts == (wanted if kind == "gpt-hybrid" else [])
    assert sorted(one.kind for one in entries if one.kind)[-1] == 0xEE


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("to: config.txt", "to: other.txt", "files has no config.txt"),
        ("to: start4.elf", "to: Image", "files: Image is made by the build"),
        ("to: start4.elf", "to: overlays/x.dtbo", "lies in a folder"),
        (
            "dtb: {from: slot, package_file: usr/lib/linux-image-*/pi.dtb}",
            "dtb: {from: firmware}",
            "the slot brings the device tree",
        ),
    ],
)
def test_a_profile_that_can_not_start_is_refused(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    folder = tmp_path / "boards" / "pi"
    folder.mkdir(parents=True)
    (folder / "board.yml").write_text(BOARD.replace("KIND", "gpt").replace(old, new))

    with pytest.raises(InputError, match=message):
        find("pi", environment={}, project=tmp_path)


def test_the_word_is_looked_for_in_the_kernel_itself() -> None:
    board = find("rpi4", environment={})

    tryboot.require_kernel(board, file(b"... tryboot\0..."))
    with pytest.raises(InputError, match="does not know tryboot"):
        tryboot.require_kernel(board, file(b"no such word"))
