"""What a build leaves for QEMU, and the files of the firmware partition."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.board.model import Board, DropProperty, Emulator, SetProperty, TreeEdits
from edge.board.search import find
from edge.errors import InputError
from edge.image import emulation, profile
from edge.image.firmware import device_tree, find_file, firmware_files
from edge.oci.tree import Tree, file
from edge.process import Completed

SOURCE = """\
/dts-v1/;
/ {
    gpu { status = "okay"; };
    soc { mmc@1 { non-removable; wifi@1 { reg = <1>; }; }; };
};
"""


def tree(**files: bytes) -> Tree:
    made = Tree()
    for name, content in files.items():
        made.add(f"usr/lib/{name}/file.bin", file(content))
    return made


def board(**edits: Any) -> Board:
    """Return the Raspberry Pi's profile with other parts."""
    return find("rpi4", environment={}).model_copy(update=edits)


@pytest.mark.tools
def test_the_device_tree_is_edited_for_qemu(tmp_path: Path, tool: Callable[..., Completed]) -> None:
    (tmp_path / "source").write_text(SOURCE)
    tool("dtc", "-q", "-o", tmp_path / "tree.dtb", tmp_path / "source")
    edits = TreeEdits(
        package_file="usr/lib/dtb/*",
        disable=("/gpu",),
        delete=(DropProperty(node="/soc/mmc@1", name="non-removable"),),
        delete_nodes=("/soc/mmc@1/wifi@1",),
        set=(
            SetProperty(node="/soc/mmc@1", name="broken-cd"),
            SetProperty(node="/soc/mmc@1", name="label", value="card"),
        ),
    )
    played = Emulator(machine="raspi4b", kernel="usr/lib/loader/*", disk="sd", dtb=edits)
    packages = [tree(loader=b"u-boot"), tree(dtb=(tmp_path / "tree.dtb").read_bytes())]

    emulation.write(tmp_path / profile.FOLDER, board(emulator=played), packages)

    edited = tool("dtc", "-q", "-O", "dts", tmp_path / "emulator" / "board.dtb").stdout.decode()
    assert 'status = "disabled"' in edited
    assert "broken-cd;" in edited
    assert 'label = "card"' in edited
    assert "wifi" not in edited
    assert "non-removable" not in edited
    read = profile.read(tmp_path)
    assert (read.kernel, read.dtb, read.firmware) == ("u-boot.bin", "board.dtb", None)


def test_a_board_that_qemu_cannot_play_leaves_nothing(tmp_path: Path) -> None:
    emulation.write(tmp_path / "emulator", board(emulator=None), [])

    assert not (tmp_path / "emulator").exists()


def test_a_file_of_no_package_or_of_two_is_refused() -> None:
    packages = [tree(a=b"1"), tree(b=b"2")]

    assert find_file(packages, "usr/lib/a/*", "toy").read() == b"1"
    with pytest.raises(InputError, match=r"board toy: 'usr/lib/x/\*' matches not one file"):
        find_file(packages, "usr/lib/x/*", "toy")
    with pytest.raises(InputError, match=r"but 2: usr/lib/a/file\.bin, usr/lib/b/"):
        find_file(packages, "usr/lib/?/*", "toy")


def test_the_firmware_partition_has_the_script_and_what_the_profile_writes() -> None:
    wanted = board().firmware
    written = wanted.model_copy(update={"files": tuple(f for f in wanted.files if f.contents)})

    files = firmware_files(board(firmware=written), [])

    assert files.keys() == {"config.txt", "boot.scr"}
    assert b"kernel=u-boot.bin\n" in files["config.txt"]
    assert b"edge: slot ${slot}" in files["boot.scr"]
    assert device_tree(board(), []) is None
