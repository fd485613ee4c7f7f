"""Prove that a partition of the other slot holds, on the medium, the image that was signed.

The data by its SHA-256, the hash tree from its root down to every digest of a data block. Both are
signed, so the tree fits the data if the release does; `write_tree` proved that when it was made.
"""

import hashlib
from collections.abc import Callable
from typing import Final

from edge_agent import verity
from edge_agent.errors import AgentError
from edge_agent.slots import Volume
from edge_signing.release import HashTree, Image

_PIECE_BYTES: Final = 1 << 20


class NotTheImageError(AgentError):
    """What the medium holds is not what was signed."""


def check(image: Image, volume: Volume, *, tick: Callable[[int], None]) -> None:
    """Read a whole partition back.

    Args:
        image: What has to be there.
        volume: Where.
        tick: Told how many bytes were read, after each piece.

    Raises:
        NotTheImageError: It is not there.
        SlotError: The medium cannot be read.
    """
    sha256 = hashlib.sha256()
    length_bytes = image.content.length_bytes
    for offset in range(0, length_bytes, _PIECE_BYTES):
        data = volume.read_back(min(_PIECE_BYTES, length_bytes - offset), offset)
        sha256.update(data)
        tick(len(data))
    if sha256.digest() != image.content.sha256:
        raise NotTheImageError(f"image {image.partition}: reads back as another one")
    if image.tree is not None:
        _check_tree(image.partition, image.tree, length_bytes, volume)


def _check_tree(name: str, tree: HashTree, length_bytes: int, volume: Volume) -> None:
    """Go down the tree level by level: each block has to have the digest that the one above has."""
    start = length_bytes // verity.BLOCK_BYTES
    wanted = [tree.root_hash]
    sizes = verity.level_sizes(start)
    for depth, blocks in reversed(list(enumerate(sizes))):
        found: list[bytes] = []
        for number in range(blocks):
            at = (start + number) * verity.BLOCK_BYTES
            block = volume.read_back(verity.BLOCK_BYTES, at)
            if hashlib.sha256(tree.salt + block).digest() != wanted[number]:
                raise NotTheImageError(f"image {name}: its hash tree reads back as another one")
            found += _digests(block) if depth else []
        start, wanted = start + blocks, found


def _digests(block: bytes) -> list[bytes]:
    size = verity.DIGEST_BYTES
    return [block[at : at + size] for at in range(0, len(block), size)]
