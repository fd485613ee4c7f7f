"""dm-verity hash trees: SHA-256, blocks of 4096 bytes, no superblock, appended to the data.

Byte-equal to `veritysetup format --no-superblock`. Memory stays at one block a level, as a level
is written while the one below it is read.

Source: Linux 6.12, Documentation/admin-guide/device-mapper/verity.rst, and cryptsetup's
lib/verity/verity_hash.c.
"""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from edge_signing.errors import FormatError

BLOCK_BYTES: Final = 4096
DIGEST_BYTES: Final = 32
SALT_MOST_BYTES: Final = 256
_DIGESTS_A_BLOCK: Final = BLOCK_BYTES // DIGEST_BYTES
_PIECE_BYTES: Final = 256 * BLOCK_BYTES


class Stream(Protocol):
    """What a tree is made in: a file, or a partition."""

    def seek(self, offset: int, whence: int = ..., /) -> int:
        """Go to a byte."""

    def read(self, length: int = ..., /) -> bytes:
        """Return the bytes from here on."""

    def write(self, data: bytes, /) -> int:
        """Write bytes here."""


@dataclass(frozen=True, slots=True)
class Verity:
    """What opens a verity device: its table needs all of these.

    Attributes:
        root_hash: Hex; it stands for every byte of the data.
        salt: Hex.
        data_blocks: How many blocks the data has; the tree begins at the block of that number.
        total_bytes: Length of data and tree.
    """

    root_hash: str
    salt: str
    data_blocks: int
    total_bytes: int


def tree_blocks(data_blocks: int) -> int:
    """Return how many blocks the tree over `data_blocks` blocks has."""
    return sum(level_sizes(data_blocks))


def append_tree(path: Path, *, salt: bytes) -> Verity:
    """Append the hash tree to an image, in place.

    After a power cut the image has no whole tree: call it on files that are not yet in place.

    Args:
        path: The image; a whole number of blocks.
        salt: At most 256 bytes; make it from the inputs, for the same image again.

    Raises:
        FormatError: The image is empty or not a whole number of blocks.
    """
    with path.open("r+b") as stream:
        data_bytes = stream.seek(0, os.SEEK_END)
        if data_bytes == 0 or data_bytes % BLOCK_BYTES:
            raise FormatError(f"{path}: {data_bytes} bytes are no whole blocks of {BLOCK_BYTES}")
        return write_tree(stream, data_bytes=data_bytes, salt=salt)


def write_tree(stream: Stream, *, data_bytes: int, salt: bytes) -> Verity:
    """Write the hash tree behind the first `data_bytes` of a partition or file, whole blocks."""
    return _append(stream, data_blocks=data_bytes // BLOCK_BYTES, salt=salt)


@dataclass(slots=True)
class _Level:
    """One level while it is made: `next_block` is where its next full block goes."""

    next_block: int
    digests: list[bytes] = field(default_factory=list)


def _append(stream: Stream, *, data_blocks: int, salt: bytes) -> Verity:
    sizes = level_sizes(data_blocks)
    # The highest level comes first on the disk, so each begins where all above it end.
    levels = [_Level(data_blocks + sum(sizes[depth + 1 :])) for depth in range(len(sizes))]
    tree = _Tree(stream, levels, hashlib.sha256(salt))
    stream.seek(0)
    for start in range(0, data_blocks * BLOCK_BYTES, _PIECE_BYTES):
        stream.seek(start)
        piece = stream.read(min(_PIECE_BYTES, data_blocks * BLOCK_BYTES - start))
        for at in range(0, len(piece), BLOCK_BYTES):
            tree.add(0, piece[at : at + BLOCK_BYTES])
    root = tree.finish()
    total_bytes = (data_blocks + sum(sizes)) * BLOCK_BYTES
    return Verity(root.hex(), salt.hex(), data_blocks, total_bytes)


class _Tree:
    def __init__(self, stream: Stream, levels: list[_Level], salted: "hashlib._Hash") -> None:
        self._stream = stream
        self._levels = levels
        self._salted = salted
        self._root = b""

    def add(self, depth: int, block: bytes) -> None:
        """Put the digest of a block of the level below into level `depth`."""
        sha256 = self._salted.copy()
        sha256.update(block)
        if depth == len(self._levels):
            self._root = sha256.digest()
            return
        level = self._levels[depth]
        level.digests.append(sha256.digest())
        if len(level.digests) == _DIGESTS_A_BLOCK:
            self._flush(depth)

    def finish(self) -> bytes:
        """Write what is not yet written and return the root digest."""
        for depth, level in enumerate(self._levels):
            if level.digests:
                self._flush(depth)
        return self._root

    def _flush(self, depth: int) -> None:
        level = self._levels[depth]
        block = b"".join(level.digests).ljust(BLOCK_BYTES, b"\0")
        self._stream.seek(level.next_block * BLOCK_BYTES)
        self._stream.write(block)
        level.next_block += 1
        level.digests.clear()
        self.add(depth + 1, block)


def level_sizes(data_blocks: int) -> list[int]:
    """Return the number of blocks of each level, the one over the data first."""
    sizes: list[int] = []
    blocks = data_blocks
    while blocks > 1:
        blocks = -(-blocks // _DIGESTS_A_BLOCK)
        sizes.append(blocks)
    return sizes
