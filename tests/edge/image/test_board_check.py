"""What the check of a board profile finds in its packages."""

import gzip
from pathlib import Path

import pytest

from edge.board.model import Board
from edge.errors import InputError, ProblemsError
from edge.image.board_check import NEEDED, BoardCheck
from edge.image.board_disk import disk_plan
from edge.oci.store import Store
from edge.oci.tree import Tree, file
from edge.strict.document import parse
from edge.strict.model import load_model
from tests.fakes.kernel_module import module

PROFILE = """\
name: toy
description: A toy
architecture: arm64
kernel: {package: linux-toy}
packages: [u-boot-toy]
modules: {initramfs: [card], system: [net]}
watchdog: {module: dog, timeout_s: 30}
console: ttyS0
slots: {boot_mib: 1, rootfs_mib: 1}
partition_table: {start_mib: 2}
firmware:
  mib: 8
  files: [{package_file: usr/lib/toy/start.bin, to: start.bin}]
  raw: [{package_file: usr/lib/u-boot/toy/spl.bin, offset_bytes: 0x8000}]
data_mib: 1
boot:
  driver: uboot
  script: {devtype: mmc, kernel_addr: 0x2000000, ramdisk_addr: 0x6000000, fdt_addr: 0x1e00000}
  dtb: {from: slot, package_file: usr/lib/linux-*/toy.dtb}
"""
OPTIONS = "".join(f"CONFIG_{option}=y\n" for option in (*NEEDED, "CMD_MMC"))
KERNEL_BYTES = 40 << 20


def kernel() -> Tree:
    tree = Tree()
    folder = "usr/lib/modules/6.1-toy"
    head = bytes(16) + KERNEL_BYTES.to_bytes(8, "little") + bytes(32) + b"ARM\x64" + bytes(100)
    tree.add("boot/vmlinuz-6.1-toy", file(head))
    tree.add(f"{folder}/modules.builtin", file(b"kernel/bus.ko\n"))
    for name, needs in (("card", "bus"), ("net", ""), ("dog", ""), ("odd", "nowhere")):
        tree.add(f"{folder}/kernel/{name}.ko", file(module(depends=needs)))
    tree.add("usr/lib/linux-6.1/toy.dtb", file(b"tree"))
    return tree


def firmware(options: str = OPTIONS, *, spl: bytes = b"spl", start: bytes = b"start") -> Tree:
    tree = Tree()
    tree.add("usr/lib/u-boot/toy/spl.bin", file(spl))
    tree.add("usr/lib/toy/start.bin", file(start))
    tree.add(
        "usr/share/doc/u-boot-toy/configs/config.toy.gz", file(gzip.compress(options.encode()))
    )
    return tree


def problems(folder: Path, text: str = PROFILE, *trees: Tree) -> list[str]:
    """Return what is found in a profile, as lines without the name of the file."""
    board = load_model(Board, text, "board.yml")
    packages = trees or (kernel(), firmware())
    check = BoardCheck(
        board, parse(text, "board.yml"), disk_plan(board, "toy"), packages, Store(folder)
    )
    return [str(problem).removeprefix("board.yml:") for problem in check.problems()]


def test_a_good_profile_has_none(tmp_path: Path) -> None:
    assert problems(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        pytest.param(
            "toy/start.bin,",
            "toi/start.bin,",
            "13:26: firmware.files[0].package_file:"
            " 'usr/lib/toi/start.bin' matches no file of the packages",
            id="no file",
        ),
        pytest.param(
            "usr/lib/toy/start.bin,",
            "usr/lib/*.bin,",
            "13:26: firmware.files[0].package_file:"
            " 'usr/lib/*.bin' matches 2 files: usr/lib/toy/start.bin, usr/lib/u-boot/toy/spl.bin",
            id="two files",
        ),
        pytest.param(
            "toy/spl.bin",
            "toy/spx.bin",
            "14:24: firmware.raw[0].package_file:"
            " 'usr/lib/u-boot/toy/spx.bin' matches no file of the packages",
            id="no raw file",
        ),
        pytest.param(
            "linux-*/toy.dtb",
            "linux-*/toys.dtb",
            "19:35: boot.dtb.package_file:"
            " 'usr/lib/linux-*/toys.dtb' matches no file of the packages",
            id="no tree",
        ),
        pytest.param(
            "[card]",
            "[card, cart]",
            "6:29: modules.initramfs[1]: kernel 6.1-toy has no module 'cart'",
            id="no module",
        ),
        pytest.param(
            "[net]",
            "[odd]",
            "6:39: modules.system[0]: kernel 6.1-toy has no module 'nowhere', which odd needs",
            id="no module below",
        ),
        pytest.param(
            "module: dog",
            "module: cat",
            "7:20: watchdog.module: kernel 6.1-toy has no module 'cat'",
            id="no watchdog",
        ),
        pytest.param(
            "ramdisk_addr: 0x6000000",
            "ramdisk_addr: 0x4700000",
            "18:64: boot.script.ramdisk_addr: kernel_addr 0x2000000 and ramdisk_addr 0x4700000 are"
            " too close: kernel takes 40 MiB, ramdisk 32 MiB",
            id="ramdisk over the kernel",
        ),
        pytest.param(
            "fdt_addr: 0x1e00000",
            "fdt_addr: 0x1fd0000",
            "18:85: boot.script.fdt_addr: kernel_addr 0x2000000 and fdt_addr 0x1fd0000 are"
            " too close: kernel takes 40 MiB, fdt 1 MiB",
            id="kernel over the tree",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, old: str, new: str, line: str) -> None:
    text = PROFILE.replace(old, new, 1)
    assert text != PROFILE

    assert problems(tmp_path, text) == [line]


def test_addresses_that_just_do_not_touch_are_taken(tmp_path: Path) -> None:
    text = PROFILE.replace("0x6000000", f"{0x2000000 + KERNEL_BYTES:#x}")

    assert problems(tmp_path, text) == []


def test_a_loader_that_runs_into_the_first_partition_is_told(tmp_path: Path) -> None:
    found = problems(tmp_path, PROFILE, kernel(), firmware(spl=bytes(2 << 20)))

    assert [line.partition(" ")[0] for line in found] == ["14:8:"]
    assert "ends at byte 2129920, the first partition begins at byte 2097152" in found[0]


def test_files_that_do_not_fit_into_the_firmware_partition_are_told(tmp_path: Path) -> None:
    found = problems(tmp_path, PROFILE, kernel(), firmware(start=bytes(9 << 20)))

    assert [line.partition(" ")[0] for line in found] == ["12:8:"]


@pytest.mark.parametrize(
    ("option", "what"), [("CMD_SETEXPR", "setexpr"), ("CMD_MMC", "mmc"), ("EFI_PARTITION", "GPT")]
)
def test_a_u_boot_without_a_command_of_the_script_is_told(
    tmp_path: Path, option: str, what: str
) -> None:
    options = OPTIONS.replace(f"CONFIG_{option}=y\n", f"# CONFIG_{option} is not set\n")

    found = problems(tmp_path, PROFILE, kernel(), firmware(options))

    assert len(found) == 1
    assert found[0].startswith("14:24: firmware.raw[0].package_file: this U-Boot has no ")
    assert what in found[0]


def test_a_u_boot_that_does_not_say_how_it_was_built_is_taken(tmp_path: Path) -> None:
    silent = Tree()
    for path, entry in firmware():
        if "/configs/" not in path:
            silent.add(path, entry)

    assert problems(tmp_path, PROFILE, kernel(), silent) == []


def test_a_package_without_a_kernel_is_told(tmp_path: Path) -> None:
    text = PROFILE.replace(
        "{from: slot, package_file: usr/lib/linux-*/toy.dtb}", "{from: firmware}"
    )

    assert problems(tmp_path, text, firmware()) == [
        "4:19: kernel.package: 'linux-toy' brings 0 kernels, not one"
    ]


def test_a_kernel_that_can_not_ask_for_a_try_is_told(tmp_path: Path) -> None:
    start = PROFILE.index("boot:\n")
    text = PROFILE[:start] + (
        "boot:\n"
        "  driver: rpi-tryboot\n"
        '  files: [{to: config.txt, contents: "kernel=Image"}]\n'
        "  dtb: {from: slot, package_file: usr/lib/linux-*/toy.dtb}\n"
    )

    found = problems(tmp_path, text)

    assert found == [
        "17:11: boot.driver: board toy: the kernel of linux-toy does not know tryboot,"
        " so a new slot would never be tried"
    ]


def test_a_partition_without_room_for_both_slots_is_told() -> None:
    start = PROFILE.index("boot:\n")
    text = PROFILE[:start] + "boot: {driver: efi, efi: {kernel_mib: 4}, dtb: {from: firmware}}\n"

    with pytest.raises(ProblemsError, match=r"firmware.mib 8 is too small .*") as caught:
        load_model(Board, text, "board.yml")

    assert caught.value.problems[0].hint == "make firmware.mib at least 60"


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = PROFILE.replace("[card]", "[cart]").replace("toy/start", "toi/start")

    found = problems(tmp_path, text, kernel(), firmware(""))

    assert [line.partition(" ")[0] for line in found] == ["6:23:", "13:26:", "14:24:"]


def test_the_loaders_are_known_once_all_is_well(tmp_path: Path) -> None:
    board = load_model(Board, PROFILE, "board.yml")
    disk = disk_plan(board, "toy")
    parsed = parse(PROFILE, "board.yml")

    check = BoardCheck(board, parsed, disk, (kernel(), firmware()), Store(tmp_path))

    assert [one.extent.offset_bytes for one in check.loaders()] == [0x8000]
    with pytest.raises(InputError):
        BoardCheck(board, parsed, disk, (kernel(),), Store(tmp_path)).loaders()
