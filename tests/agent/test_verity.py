"""Hash trees of dm-verity."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.process import Completed
from edge_agent import verity
from edge_signing.errors import FormatError

VECTORS = json.loads((Path(__file__).parent.parent / "vectors/verity.json").read_text())
SALT = bytes.fromhex("ab" * 32)


def pattern(data_blocks: int) -> bytes:
    """Return blocks that are all different: each begins with its number."""
    return b"".join(number.to_bytes(4, "little").ljust(4096, b"e") for number in range(data_blocks))


def write_pattern(path: Path, data_blocks: int) -> Path:
    path.write_bytes(pattern(data_blocks))
    return path


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['data_blocks']} blocks")
def test_trees_are_golden(vector: dict[str, str | int], tmp_path: Path) -> None:
    blocks = int(vector["data_blocks"])
    path = write_pattern(tmp_path / "image", blocks)

    made = verity.append_tree(path, salt=bytes.fromhex(str(vector["salt"])))

    tree = path.read_bytes()[blocks * 4096 :]
    assert made.root_hash == vector["root_hash"]
    assert hashlib.sha256(tree).hexdigest() == vector["tree_sha256"]
    assert len(tree) == verity.tree_blocks(blocks) * 4096
    assert made.total_bytes == path.stat().st_size


def test_a_tree_of_one_level_is_the_salted_sums_of_the_blocks(tmp_path: Path) -> None:
    path = write_pattern(tmp_path / "image", 2)

    made = verity.append_tree(path, salt=SALT)

    sums = b"".join(hashlib.sha256(SALT + pattern(2)[at : at + 4096]).digest() for at in (0, 4096))
    block = sums.ljust(4096, b"\0")
    assert path.read_bytes()[8192:] == block
    assert made.root_hash == hashlib.sha256(SALT + block).hexdigest()
    assert (made.salt, made.data_blocks) == (SALT.hex(), 2)


def test_one_block_is_its_own_root(tmp_path: Path) -> None:
    path = write_pattern(tmp_path / "image", 1)

    made = verity.append_tree(path, salt=b"")

    assert made.root_hash == hashlib.sha256(pattern(1)).hexdigest()
    assert path.stat().st_size == 4096


@pytest.mark.parametrize("length_bytes", [0, 1, 4095, 4097])
def test_an_image_that_is_not_whole_blocks_is_refused(tmp_path: Path, length_bytes: int) -> None:
    path = tmp_path / "image"
    path.write_bytes(bytes(length_bytes))

    with pytest.raises(FormatError, match="no whole blocks"):
        verity.append_tree(path, salt=SALT)

    assert path.stat().st_size == length_bytes


@pytest.mark.tools
@pytest.mark.parametrize("data_blocks", [2, 127, 128, 129, 16384, 16385])
def test_veritysetup_makes_the_same_tree_and_verifies_ours(
    tool: Callable[..., Completed], tmp_path: Path, data_blocks: int
) -> None:
    ours = write_pattern(tmp_path / "ours", data_blocks)
    theirs = write_pattern(tmp_path / "theirs", data_blocks)
    shape = [f"--hash-offset={data_blocks * 4096}", f"--data-blocks={data_blocks}"]
    shape += ["--no-superblock", "--hash=sha256", "--salt", SALT.hex()]

    made = verity.append_tree(ours, salt=SALT)
    printed = tool("veritysetup", "format", theirs, theirs, *shape).stdout.decode()
    tool("veritysetup", "verify", ours, ours, made.root_hash, *shape)

    assert made.root_hash in printed
    assert ours.read_bytes() == theirs.read_bytes()
