"""Reading a slot back: what the medium does not hold is found, in the image and in its tree."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent import verify, verity
from edge_agent.slots import DeviceVolume
from edge_agent.verify import NotTheImageError
from edge_signing.release import Content, HashTree, Image

BLOCKS = 1500  # more than one piece, and enough pieces for threads
TREE_BLOCKS = 13
TREE_AT = BLOCKS * 4096


class WornVolume(DeviceVolume):
    """A partition that keeps every byte but one."""

    worn_at = -1

    def pwrite(self, data: bytes, offset: int) -> None:
        """Write, and damage the worn byte."""
        kept = bytearray(data)
        if offset <= self.worn_at < offset + len(data):
            kept[self.worn_at - offset] ^= 1
        super().pwrite(bytes(kept), offset)


@pytest.fixture
def made(tmp_path: Path) -> tuple[Image, Path]:
    """An image, and a partition that holds it, but not its tree."""
    data = b"".join(hashlib.sha256(b"%d" % number).digest() * 128 for number in range(BLOCKS))
    with_tree = tmp_path / "with-tree"
    with_tree.write_bytes(data)
    tree = verity.append_tree(with_tree, salt=b"salt")
    path = tmp_path / "rootfs-b"
    path.write_bytes(data + b"\x11" * TREE_BLOCKS * 4096)
    content = Content(len(data), hashlib.sha256(data).digest())
    return Image("rootfs", content, HashTree(bytes.fromhex(tree.root_hash), b"salt")), path


@pytest.fixture
def check(made: tuple[Image, Path]) -> Iterator[Callable[..., int]]:
    """Check the partition, which may be worn at a byte; returns how many bytes were told."""
    volume = WornVolume(made[1], is_writable=True)

    def checked(image: Image, *, worn_at: int = -1) -> int:
        read: list[int] = []
        volume.worn_at = worn_at
        verify.check(image, volume, tick=read.append)
        return sum(read)

    yield checked
    volume.close()


def spoil(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_a_right_image_gets_its_tree(made: tuple[Image, Path], check: Callable[..., int]) -> None:
    image, path = made

    told = check(image)

    assert verity.tree_blocks(BLOCKS) == TREE_BLOCKS
    assert told == TREE_AT
    assert path.read_bytes() == path.with_name("with-tree").read_bytes()


def test_checking_again_changes_nothing(
    made: tuple[Image, Path], check: Callable[..., int]
) -> None:
    image, path = made
    check(image)
    before = path.read_bytes()

    check(image)

    assert path.read_bytes() == before


@pytest.mark.parametrize("has_tree", [True, False])
@pytest.mark.parametrize("at", [0, 4095, (1 << 20) - 1, 1 << 20, TREE_AT - 1])
def test_any_byte_of_the_image_that_is_wrong_is_found(
    made: tuple[Image, Path], check: Callable[..., int], at: int, has_tree: bool
) -> None:
    image, path = made
    spoil(path, at)

    with pytest.raises(NotTheImageError, match="image rootfs: reads back as another one"):
        check(image if has_tree else replace(image, tree=None))


def test_an_image_without_a_tree_is_its_own_sum(
    made: tuple[Image, Path], check: Callable[..., int]
) -> None:
    image, path = made
    before = path.read_bytes()

    assert check(replace(image, tree=None)) == TREE_AT
    assert path.read_bytes() == before


def test_what_is_there_already_is_read_and_not_written(made: tuple[Image, Path]) -> None:
    image, path = made
    whole = path.with_name("with-tree").read_bytes()
    path.write_bytes(whole)
    volume = DeviceVolume(path, is_writable=False)

    verify.check(image, volume, tick=lambda _bytes: None, makes_tree=False)

    volume.close()
    assert path.read_bytes() == whole


@pytest.mark.parametrize("at", [0, TREE_AT - 1, TREE_AT, TREE_AT + 4096 * TREE_BLOCKS - 4000])
def test_what_is_not_there_is_found_and_left_as_it_is(made: tuple[Image, Path], at: int) -> None:
    image, path = made
    path.write_bytes(path.with_name("with-tree").read_bytes())
    spoil(path, at)
    spoiled, volume = path.read_bytes(), DeviceVolume(path, is_writable=False)

    with pytest.raises(NotTheImageError):
        verify.check(image, volume, tick=lambda _bytes: None, makes_tree=False)

    volume.close()
    assert path.read_bytes() == spoiled


@pytest.mark.parametrize("block", range(TREE_BLOCKS))
@pytest.mark.parametrize("at", [0, 31, 100, 4095])
def test_any_byte_of_the_tree_that_the_medium_does_not_keep_is_found(
    made: tuple[Image, Path], check: Callable[..., int], block: int, at: int
) -> None:
    with pytest.raises(NotTheImageError, match="hash tree reads back as another one"):
        check(made[0], worn_at=TREE_AT + block * 4096 + at)


@pytest.mark.parametrize("tree", [HashTree(b"r" * 32, b"salt"), None], ids=["root", "salt"])
def test_a_tree_of_another_image_is_found(
    made: tuple[Image, Path], check: Callable[..., int], tree: HashTree | None
) -> None:
    image, _path = made
    assert image.tree is not None
    other = tree or HashTree(image.tree.root_hash, b"pepper")

    with pytest.raises(NotTheImageError):
        check(replace(image, tree=other))
