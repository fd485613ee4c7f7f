"""The hash tree of a slot: every byte of it is compared with the signed root."""

import hashlib
from pathlib import Path

import pytest

from edge_agent import verify, verity
from edge_agent.slots import DeviceVolume
from edge_agent.verify import NotTheImageError
from edge_signing.release import Content, HashTree, Image

BLOCKS = 300
TREE_BLOCKS = 4


@pytest.fixture
def made(tmp_path: Path) -> tuple[Image, Path]:
    data = b"".join(hashlib.sha256(b"%d" % number).digest() * 128 for number in range(BLOCKS))
    path = tmp_path / "rootfs-b"
    path.write_bytes(data)
    tree = verity.append_tree(path, salt=b"salt")
    content = Content(len(data), hashlib.sha256(data).digest())
    return Image("rootfs", content, HashTree(bytes.fromhex(tree.root_hash), b"salt")), path


def checked(image: Image, path: Path) -> int:
    read: list[int] = []
    volume = DeviceVolume(path, is_writable=False)
    try:
        verify.check(image, volume, tick=read.append)
    finally:
        volume.close()
    return sum(read)


def test_a_whole_image_with_its_tree_is_right(made: tuple[Image, Path]) -> None:
    image, path = made

    assert verity.tree_blocks(BLOCKS) == TREE_BLOCKS
    assert checked(image, path) == BLOCKS * 4096


@pytest.mark.parametrize("block", range(BLOCKS, BLOCKS + TREE_BLOCKS))
@pytest.mark.parametrize("at", [0, 31, 100, 4095])
def test_any_byte_of_the_tree_that_is_wrong_is_found(
    made: tuple[Image, Path], block: int, at: int
) -> None:
    image, path = made
    data = bytearray(path.read_bytes())
    data[block * 4096 + at] ^= 1
    path.write_bytes(data)

    with pytest.raises(NotTheImageError, match="hash tree reads back as another one"):
        checked(image, path)


def test_a_tree_of_another_image_is_found(made: tuple[Image, Path]) -> None:
    image, path = made
    other = Image("rootfs", image.content, HashTree(b"r" * 32, b"salt"))

    with pytest.raises(NotTheImageError):
        checked(other, path)
