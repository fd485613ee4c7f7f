"""Board profiles: those that ship, and what is refused."""

from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.board import schema
from edge.board.model import Board
from edge.board.search import boards, find, read_board
from edge.errors import EdgeError, InputError, ProblemsError
from edge.strict.model import load_model

GOOD = """\
name: toy
description: A toy
architecture: arm64
kernel: {package: linux-image-arm64}
console: ttyAMA0
slots: {boot_mib: 64, rootfs_mib: 128}
firmware: {mib: 16}
data_mib: 64
boot:
  driver: uboot
  script: {devtype: mmc, kernel_addr: 0x10000000, ramdisk_addr: 0x20000000}
  dtb: {from: firmware}
"""


def make(folder: Path, text: str = GOOD) -> Path:
    file = folder / "toy" / "board.yml"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return file


SHIPPED = [
    "efi-arm64",
    "pine64-plus",
    "qemu-arm64",
    "rock-pi-e",
    "rpi-zero2w",
    "rpi3",
    "rpi4",
    "rpi5",
]
IN_QEMU = {"efi-arm64", "qemu-arm64", "rpi3", "rpi4"}


@pytest.mark.parametrize("name", SHIPPED)
def test_the_boards_that_ship_are_read(name: str, tmp_path: Path) -> None:
    board = find(name, environment={}, project=tmp_path)

    assert board.name == name
    assert board.watchdog is not None
    assert (board.emulator is not None) == (name in IN_QEMU)


def test_every_folder_of_boards_is_named_here(tmp_path: Path) -> None:
    assert sorted(boards(environment={}, project=tmp_path)) == SHIPPED


def test_the_addresses_of_a_board_leave_room_for_kernel_and_ramdisk(tmp_path: Path) -> None:
    for name in boards(environment={}, project=tmp_path):
        script = find(name, environment={}, project=tmp_path).boot.script
        if script is None:
            continue
        places = sorted([script.kernel_addr, script.ramdisk_addr])
        tree = script.fdt_addr

        assert all(b - a >= 60 << 20 for a, b in pairwise(places))
        if tree is not None:  # at most 256 KiB, as the largest trees are
            assert all(tree + (1 << 18) <= a or tree >= a + (60 << 20) for a in places)


def test_an_unknown_board_suggests_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no board 'qemu_arm'") as error:
        find("qemu_arm", environment={}, project=tmp_path)

    assert error.value.hint == "did you mean 'qemu-arm64'?"


def test_a_board_like_no_other_lists_all(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        find("zzz", environment={}, project=tmp_path)

    assert error.value.hint == f"boards: {', '.join(SHIPPED)}"


def test_own_boards_come_before_the_named_and_those_that_ship(tmp_path: Path) -> None:
    extra, named, project = tmp_path / "extra", tmp_path / "named", tmp_path / "project"
    make(project / "boards")
    assert boards(environment={}, project=project)["toy"].is_relative_to(project)

    make(named)
    environment = {"EDGE_BOARDS": str(named)}
    assert boards(environment=environment, project=project)["toy"].is_relative_to(named)

    make(extra)
    known = boards([extra], environment=environment, project=project)
    assert known["toy"].is_relative_to(extra)
    assert "rpi4" in known


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        pytest.param(
            "name: toy",
            "name: toi",
            "1:7: name: 'toi' is not the name of the folder, 'toy'",
            id="name",
        ),
        pytest.param(
            "arm64\nkernel",
            "riscv\nkernel",
            "3:15: architecture: 'riscv' is not one of arm64",
            id="architecture",
        ),
        pytest.param(
            "data_mib: 64", "data_mb: 64", "8:1: data_mb: unknown key 'data_mb'", id="unknown key"
        ),
        pytest.param(
            "boot_mib: 64",
            "boot_mib: '64'",
            "6:19: slots.boot_mib: '64' is not a whole number",
            id="text",
        ),
        pytest.param(
            "boot_mib: 64",
            "boot_mib: 0",
            "6:19: slots.boot_mib: 0 is too small: it has to be at least 1",
            id="zero",
        ),
        pytest.param(
            "driver: uboot",
            "driver: grub",
            "10:11: boot.driver: 'grub' is not one of uboot, efi, rpi-tryboot",
            id="driver",
        ),
        pytest.param(
            "driver: uboot",
            "driver: efi",
            "10:3: boot: script is needed with `driver: uboot`, and only there",
            id="a script without U-Boot",
        ),
        pytest.param(
            "  script: {devtype: mmc, kernel_addr: 0x10000000, ramdisk_addr: 0x20000000}\n",
            "",
            "10:3: boot: script is needed with `driver: uboot`, and only there",
            id="U-Boot without a script",
        ),
        pytest.param(
            "  dtb: {from: firmware}\n",
            "  dtb: {from: firmware}\n  efi: {kernel_mib: 8}\n",
            "10:3: boot: efi is for `driver: efi`",
            id="room without EFI",
        ),
        pytest.param(
            "from: firmware",
            "from: slot",
            "12:8: boot.dtb: package_file is needed with `from: slot`, and only there",
            id="dtb",
        ),
        pytest.param(
            "{mib: 16}",
            "{mib: 16, raw: [{package_file: usr/lib/spl.bin, offset_bytes: 8192}]}",
            "7:27: firmware.raw[0]: offset_bytes 8192 lies in the partition table,"
            " which takes the first 17408 bytes",
            id="raw in the table",
        ),
        pytest.param(
            "{mib: 16}",
            "{mib: 16, raw: [{package_file: usr/lib/spl.bin, offset_bytes: 8388608}]}",
            "1:1: firmware.raw: usr/lib/spl.bin at byte 8388608 lies in the first partition,"
            " which begins at 1 MiB",
            id="raw in a partition",
        ),
        pytest.param(
            "{mib: 16}",
            "{mib: 16, raw: [{package_file: usr/lib/spl.bin, offset_bytes: 32769}]}",
            "7:73: firmware.raw[0].offset_bytes: 32769 is not a multiple of 512",
            id="raw off the sectors",
        ),
        pytest.param(
            "{mib: 16}",
            "{mib: 16, files: [{to: a}]}",
            "7:29: firmware.files[0]: "
            "exactly one of package_file and contents is needed, found neither",
            id="file",
        ),
        pytest.param(
            "console: ttyAMA0",
            "console: com1",
            "5:10: console: 'com1' is not a console",
            id="console",
        ),
    ],
)
def test_a_bad_profile_is_refused_with_its_place(
    tmp_path: Path, old: str, new: str, line: str
) -> None:
    file = make(tmp_path, GOOD.replace(old, new, 1))

    with pytest.raises(ProblemsError) as error:
        read_board(file)

    assert f"{file}:{line}" in [str(problem) for problem in error.value.problems]


@given(
    st.text(max_size=200)
    | st.sampled_from(GOOD.splitlines()).map(lambda line: GOOD.replace(line, ""))
)
def test_no_text_raises_anything_but_an_error_of_ours(text: str) -> None:
    with suppress(EdgeError):
        load_model(Board, text, "board.yml")


def test_the_schema_names_keys_as_they_are_written() -> None:
    made = schema.schema()

    assert made["properties"]["partition_table"]
    assert "from" in made["$defs"]["DeviceTree"]["properties"]
