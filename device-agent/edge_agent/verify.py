"""Prove that a partition of the other slot holds, on the medium, the image that was signed.

An image without a hash tree by its SHA-256. One with a tree is read once: the tree is made of what
is on the medium and written, its root is the proof; then the tree is read back from its root down
to every digest of a data block. Of a slot that was not written for this, nothing is changed: it may
hold another system, which can still be started.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from edge_agent import verity
from edge_agent.ahead import ahead
from edge_agent.errors import AgentError
from edge_agent.slots import Slots, Volume
from edge_agent.verity import BLOCK_BYTES, DIGEST_BYTES
from edge_signing.release import HashTree, Image

Tick = Callable[[int], None]

_PIECE_BYTES: Final = 1 << 20


class NotTheImageError(AgentError):
    """What the medium holds is not what was signed."""


def seems_there(images: Iterable[Image], slots: Slots) -> bool:
    """Return whether the other slot ends in the hash trees of these images.

    One block is read for each tree, so that an update of another system loses no time. A tree is
    written only after all of its image was there; but what was damaged or written over since is
    found by `check` alone. Without any tree nothing is known.

    Raises:
        SlotError: The medium cannot be read.
    """
    trees = [(one, one.tree) for one in images if one.tree is not None]
    return bool(trees) and all(
        _top_digest(one, tree, slots.written(one.partition)) == tree.root_hash
        for one, tree in trees
    )


def _top_digest(image: Image, tree: HashTree, volume: Volume) -> bytes:
    """Return the digest of the block at the top of a tree; it lies next to the data."""
    length_bytes = image.content.length_bytes
    has_levels = bool(verity.level_sizes(length_bytes // BLOCK_BYTES))
    data = volume.read_back(BLOCK_BYTES, length_bytes if has_levels else 0)
    return hashlib.sha256(tree.salt + data).digest()


def check(image: Image, volume: Volume, *, tick: Tick, makes_tree: bool = True) -> None:
    """Read a whole partition back; the hash tree of an image that has one is written here.

    It may be done again after a power cut: the tree of the same data is the same.

    Args:
        image: What has to be there.
        volume: Where.
        tick: Told how many bytes were read, after each piece.
        makes_tree: Whether the tree is written; else it has to be there, and nothing is written.

    Raises:
        NotTheImageError: It is not there.
        SlotError: The medium cannot be read or written.
    """
    pieces = _pieces(volume, 0, image.content.length_bytes, tick)
    if image.tree is None:
        is_right = _sha256(pieces) == image.content.sha256
    else:
        write = volume.pwrite if makes_tree else _written_nowhere
        is_right = _root(pieces, image, image.tree, write) == image.tree.root_hash
    if not is_right:
        raise NotTheImageError(f"image {image.partition}: reads back as another one")
    if image.tree is not None:
        if makes_tree:
            volume.flush()
        _check_tree(image, image.tree, volume)


def _pieces(volume: Volume, offset: int, length_bytes: int, tick: Tick) -> Iterator[bytes]:
    for begin in range(0, length_bytes, _PIECE_BYTES):
        data = volume.read_back(min(_PIECE_BYTES, length_bytes - begin), offset + begin)
        tick(len(data))
        yield data


def _sha256(pieces: Iterator[bytes]) -> bytes:
    sha256 = hashlib.sha256()
    for _ in ahead(pieces, sha256.update, workers=1):
        pass
    return sha256.digest()


def _written_nowhere(_data: bytes, _offset: int) -> None:
    """Take a block of a tree that is there already."""


def _root(
    pieces: Iterator[bytes], image: Image, tree: HashTree, write: Callable[[bytes, int], None]
) -> bytes:
    """Make and write the tree of what is there, and return its root."""
    blocks = image.content.length_bytes // BLOCK_BYTES
    made = verity.Tree(write, data_blocks=blocks, salt=tree.salt)
    # One thread: two would only wait for each other between so short pieces of work.
    for digests in ahead(pieces, lambda data: verity.digests_of(data, made.salted), workers=1):
        made.add(digests)
    return made.finish()


def _check_tree(image: Image, tree: HashTree, volume: Volume) -> None:
    """Go down the tree level by level: each block has to have the digest that the one above has."""
    start = image.content.length_bytes // BLOCK_BYTES
    salted = hashlib.sha256(tree.salt)
    wanted = [tree.root_hash]
    for blocks in reversed(verity.level_sizes(start)):
        below: list[bytes] = []
        place, length_bytes = start * BLOCK_BYTES, blocks * BLOCK_BYTES
        for data in _pieces(volume, place, length_bytes, lambda _bytes: None):
            found = verity.digests_of(data, salted)
            if found != wanted[: len(found)]:
                raise NotTheImageError(
                    f"image {image.partition}: its hash tree reads back as another one"
                )
            del wanted[: len(found)]
            below += [data[at : at + DIGEST_BYTES] for at in range(0, len(data), DIGEST_BYTES)]
        start, wanted = start + blocks, below
