"""The real tool tree: every program starts, and those that start others find them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edge import process, toolbox
from edge.errors import ToolError
from edge.process import Completed
from edge.toolbox import catalogue, tree

pytestmark = pytest.mark.tools

Tool = Callable[..., Completed]
PROGRAMS = [name for group in catalogue.GROUPS for name in group.programs]
FIT = """\
/dts-v1/;
/ {
    description = "test"; #address-cells = <1>;
    images { one { data = /incbin/("data"); type = "firmware"; compression = "none";
        hash-1 { algo = "sha256"; }; }; };
    configurations { default = "conf"; conf { firmware = "one"; }; };
};
"""


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_program_starts_with_all_its_libraries(name: str) -> None:
    word = "--help" if name == "busybox" else "--version"  # it takes the other for a program
    try:
        said = process.run([*toolbox.tool(name), word], timeout_s=60).stderr
    except ToolError as error:
        # Not all know this option; those that do not say so themselves.
        said = str(error)

    for sign in ("shared libraries", "not found", "No such file", "symbol lookup", "killed by"):
        assert sign not in said


def test_the_tree_is_small() -> None:
    files = [path for path in tree.folder().rglob("*") if path.is_file()]

    size_mib = sum(path.stat().st_size for path in files if not path.is_symlink()) >> 20

    assert size_mib < 300


def test_mkimage_finds_the_device_tree_compiler(tool: Tool, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"data")
    (tmp_path / "test.its").write_text(FIT)

    process.run([*toolbox.tool("mkimage"), "-f", "test.its", "test.itb"], cwd=tmp_path)

    assert b"sha256" in tool("dumpimage", "-l", tmp_path / "test.itb").stdout


def test_bmaptool_copies_an_image_that_zstd_compressed(tool: Tool, tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    with image.open("wb") as stream:
        stream.write(b"start")
        stream.seek(8 << 20)
        stream.write(b"end" + bytes(4093))
    tool("bmaptool", "create", "-o", tmp_path / "disk.bmap", image)
    tool("zstd", "-q", image)

    copy = tmp_path / "copy.img"
    tool("bmaptool", "copy", "--bmap", tmp_path / "disk.bmap", f"{image}.zst", copy)

    assert copy.read_bytes() == image.read_bytes()


def test_mtools_write_names_that_are_not_ascii(tool: Tool, tmp_path: Path) -> None:
    image = tmp_path / "fat.img"
    (tmp_path / "Größe.txt").write_bytes(b"content")
    env = {"LC_ALL": "C.UTF-8"}

    tool("mformat", "-C", "-i", image, "-T", "2880", "::")
    process.run([*toolbox.tool("mcopy"), "-i", image, str(tmp_path / "Größe.txt"), "::"], env=env)

    listed = process.run([*toolbox.tool("mdir"), "-b", "-i", image], env=env).stdout
    assert "Größe.txt" in listed.decode()


def test_an_ext4_is_made_with_the_settings_of_the_tree(tool: Tool, tmp_path: Path) -> None:
    image = tmp_path / "ext4.img"

    tool("mkfs.ext4", "-q", image, "8M")

    assert b"metadata_csum" in tool("dumpe2fs", "-h", image).stdout
    tool("fsck.ext4", "-fn", image)


def test_the_emulator_finds_its_own_files(tool: Tool, tmp_path: Path) -> None:
    blob = tmp_path / "virt.dtb"

    data = toolbox.qemu_data()
    machine = ("-nic", "none", "-M", f"virt,dumpdtb={blob}")
    tool("qemu-system-aarch64", "-L", data, "-display", "none", *machine)

    assert tool("fdtget", blob, "/", "compatible").stdout == b"linux,dummy-virt\n"
    assert (data / "keymaps" / "en-us").is_file()


def test_keys_and_certificates_need_nothing_of_the_host(tool: Tool, tmp_path: Path) -> None:
    key, certificate, host_key = (tmp_path / name for name in ("key.pem", "cert.pem", "host"))
    new = ("req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=test")

    tool("openssl", *new, "-keyout", key, "-out", certificate)
    tool("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "id")
    tool("dropbearkey", "-t", "ed25519", "-f", host_key)

    assert b"CN=test" in tool("openssl", "x509", "-noout", "-subject", "-in", certificate).stdout
    assert b"ssh-ed25519" in tool("dropbearkey", "-y", "-f", host_key).stdout
    assert (tmp_path / "id.pub").is_file()
