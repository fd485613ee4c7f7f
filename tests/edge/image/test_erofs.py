"""The root file system as an erofs image: ours, and those that mkfs.erofs compresses."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from edge.errors import InputError, ToolError
from edge.image import erofs, erofs_layout
from edge.image.erofs_layout import BLOCK_BYTES, Superblock
from edge.oci.tree import Kind, Tree, file, folder, link
from edge.process import Completed

UUID_1 = UUID(int=1)


def small_tree() -> Tree:
    tree = Tree()
    one = file(b"1" * 9000, uid=10001, gid=10002)
    tree.add("etc/one", one)
    tree.add("etc/hard", one)
    tree.add("etc/two", file(b"2", uid=10001, gid=10002))
    return tree


def large_tree() -> Tree:
    """Return a tree with all that has a form of its own."""
    tree = small_tree()
    tree.add("etc/also", file(b"1" * 9000, mode=0o755))
    tree.add("owner", file(b"beyond 16 bits", uid=70_000, gid=4_000_000_000))
    tree.add("owners", folder(mode=0o1777, uid=70_000))
    tree.add("empty", file(b""))
    tree.add("link", link("etc/one"))
    tree.add("far", link("a/" * 2030 + "b"))
    tree.add("farther", link("x" * 4095))
    tree.add("block", file(b"b" * BLOCK_BYTES))
    tree.add("ü\udcff", file(b"a name of any bytes"))
    for number in range(300):
        tree.add(f"many/{'n' * (number % 240)}{number}", file(str(number % 9).encode()))
    for length in range(3950, 4096, 9):  # folders that just fit behind their inode, or do not
        name = "f" * (length - 24 - 3 - 15 * 267 - 12)
        tree.add(f"edge/{length}/{name or 'x'}", folder())
        for number in range(15):
            tree.add(f"edge/{length}/{number:02}{'g' * 253}", file(b"3"))
    return tree


def taken_out(tree: Tree, root: Path) -> None:
    """Compare what a program took out of an image with the tree."""
    found = {str(path.relative_to(root)) for path in root.rglob("*")}
    assert found == {path for path, _entry in tree}
    for path, entry in tree:
        there = root / path
        status = there.lstat()
        match entry.kind:
            case Kind.FILE:
                assert there.read_bytes() == entry.read()
            case Kind.LINK:
                assert str(there.readlink()) == entry.target
            case Kind.FOLDER:
                assert there.is_dir()
        if entry.kind is not Kind.LINK:
            assert status.st_mode & 0o7777 == entry.mode


@pytest.mark.tools
@pytest.mark.parametrize("compress", ["none", "lz4hc", "zstd", "xz"])
def test_the_image_is_sound_and_the_same_again(
    tool: Callable[..., Completed], tmp_path: Path, compress: erofs.Compression
) -> None:
    images = [tmp_path / "one.erofs", tmp_path / "two.erofs"]

    for image in images:
        erofs.make(small_tree(), image, uuid=UUID_1, compress=compress)

    tool("fsck.erofs", images[0])
    assert images[0].read_bytes() == images[1].read_bytes()
    assert images[0].stat().st_size % 4096 == 0
    assert b"Links: 2" in tool("dump.erofs", "--path=/etc/hard", images[0]).stdout
    assert b"Uid: 10001   Gid: 10002" in tool("dump.erofs", "--path=/etc/two", images[0]).stdout


@pytest.mark.tools
def test_all_that_went_in_comes_out(tool: Callable[..., Completed], tmp_path: Path) -> None:
    image, tree = tmp_path / "root.erofs", large_tree()
    erofs.make(tree, image, uuid=UUID_1)

    tool("fsck.erofs", f"--extract={tmp_path / 'out'}", "--no-preserve-owner", image)

    taken_out(tree, tmp_path / "out")
    told = tool("dump.erofs", "--path=/owner", image).stdout
    assert b"Uid: 70000   Gid: 4000000000" in told
    assert b"Uid: 70000" in tool("dump.erofs", "--path=/owners", image).stdout


def test_a_bad_program_leaves_no_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.toolbox.tool", lambda _name: ["/bin/false"])

    with pytest.raises(ToolError, match="false: status 1"):
        erofs.make(small_tree(), tmp_path / "root.erofs", uuid=UUID_1, compress="xz")

    assert list(tmp_path.iterdir()) == []


def test_the_smallest_image_has_these_bytes() -> None:
    tree = Tree()
    tree.add("a", file(b"x" * 5000, mode=0o640, uid=1, gid=2))
    tree.add("l", link("a"))

    found = erofs_layout.layout(tree, UUID("00112233-4455-6677-8899-aabbccddeeff"))

    assert (found.blocks, len(found.metadata)) == (3, 4096)
    assert found.metadata[:1024] == bytes(1024)
    checksum = found.metadata[1028:1032].hex()
    assert (
        found.metadata[1024:1152].hex()
        == (
            f"e2e1f5e0 {checksum} 03000000 0c002400"
            "0300000000000000 0000000000000000 00000000 03000000"
            "0000000000000000 00112233445566778899aabbccddeeff"
        ).replace(" ", "")
        + "00" * 64
    )
    assert found.metadata[1152:].rstrip(b"\0").hex() == (
        # the root: inline, folder 0755, two links, 53 bytes; names behind it
        "0400 0000 ed41 0200 35000000 00000000 00000000 01000000 00000000 00000000"
        "2400000000000000 3000 02 00 2400000000000000 3100 02 00"
        "2700000000000000 3300 01 00 2800000000000000 3400 07 00"
        "2e 2e2e 61 6c 0000000000 000000000000"
        # a: plain, file 0640, one link, 5000 bytes from block 1 on
        "0000 0000 a081 0100 88130000 00000000 01000000 02000000 0100 0200 00000000"
        # l: inline, link 0777, its target behind it
        "0400 0000 ffa1 0100 01000000 00000000 00000000 03000000 00000000 00000000"
        "61"
    ).replace(" ", "")


def test_the_checksum_is_that_of_the_block_with_zeros_in_its_place() -> None:
    metadata = bytearray(erofs_layout.layout(small_tree(), UUID_1).metadata)

    stored = int.from_bytes(metadata[1028:1032], "little")
    metadata[1028:1032] = bytes(4)

    assert erofs_layout.crc32c(metadata[1024:BLOCK_BYTES]) == stored
    assert erofs_layout.crc32c(b"123456789") == 0xE3069283 ^ 0xFFFFFFFF  # RFC 3720, B.4


def test_equal_contents_are_stored_once() -> None:
    tree = small_tree()
    before = erofs_layout.layout(tree, UUID_1)
    tree.add("etc/also", file(b"1" * 9000, mode=0o755))

    found = erofs_layout.layout(tree, UUID_1)

    assert found.blocks == before.blocks
    assert [entry.size_bytes for entry in found.contents] == [9000, 1]


def test_a_file_that_changes_moves_no_block_of_another() -> None:
    def blocks(last: bytes) -> set[bytes]:
        tree = Tree()
        for number in range(50):
            tree.add(f"f{number:02}", file(hashlib.sha512(bytes([number])).digest() * 100))
        tree.add("f20", file(last), override=True)
        found = erofs_layout.layout(tree, UUID_1)
        data = b"".join(
            entry.read().ljust(-(-entry.size_bytes // BLOCK_BYTES) * BLOCK_BYTES, b"\0")
            for entry in found.contents
        )
        whole = found.metadata + data
        return {whole[at : at + BLOCK_BYTES] for at in range(0, len(whole), BLOCK_BYTES)}

    new = blocks(b"y" * 9000) - blocks(b"x" * 6400)

    assert len(new) == 3  # two blocks of the file (of three, two are equal), one of inodes


def test_a_name_that_is_too_long_is_told() -> None:
    tree = Tree()
    tree.add("etc/" + "ü" * 128, file(b""))

    with pytest.raises(InputError, match="a name of 256 bytes, 255 are the most"):
        erofs_layout.layout(tree, UUID_1)


def test_a_superblock_is_read_back() -> None:
    metadata = erofs_layout.layout(small_tree(), UUID_1).metadata

    found = Superblock.unpack(metadata[1024 : 1024 + Superblock.SIZE_BYTES])

    assert (found.root_inode, found.inodes, found.uuid) == (36, 4, UUID_1.bytes)
