"""dm-verity hash trees: SHA-256, blocks of 4096 bytes, no superblock, appended to the data.

Byte-equal to `veritysetup format --no-superblock`. Memory stays at one block a level, as a level
is written while the one below it is read.

Source: Linux 6.12, Documentation/admin-guide/device-mapper/verity.rst, and cryptsetup's
lib/verity/verity_hash.c.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from edge_signing.errors import FormatError

BLOCK_BYTES: Final = 4096
DIGEST_BYTES: Final = 32
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


def _append(stream: Stream, *, data_blocks: int, salt: bytes) -> Verity:
    def write(block: bytes, offset: int) -> None:
        stream.seek(offset)
        stream.write(block)

    tree = Tree(write, data_blocks=data_blocks, salt=salt)
    for start in range(0, data_blocks * BLOCK_BYTES, _PIECE_BYTES):
        stream.seek(start)
        piece = stream.read(min(_PIECE_BYTES, data_blocks * BLOCK_BYTES - start))
        tree.add(digests_of(piece, tree.salted))
    root = tree.finish()
    total_bytes = (data_blocks + tree_blocks(data_blocks)) * BLOCK_BYTES
    return Verity(root.hex(), salt.hex(), data_blocks, total_bytes)


def digests_of(blocks: bytes | memoryview, salted: "hashlib._Hash") -> list[bytes]:
    """Return the digest of each block.

    Args:
        blocks: One after the other.
        salted: SHA-256 that has taken the salt; it stays as it is.
    """
    view = memoryview(blocks)
    found = []
    for at in range(0, len(view), BLOCK_BYTES):
        sha256 = salted.copy()
        sha256.update(view[at : at + BLOCK_BYTES])
        found.append(sha256.digest())
    return found


@dataclass(slots=True)
class _Level:
    """One level while it is made: `next_block` is where its next full block goes."""

    next_block: int
    digests: list[bytes] = field(default_factory=list)


class Tree:
    """A hash tree while the data under it is read; its blocks are written as they fill.

    Args:
        write: Writes a block at an offset in bytes, counted from the begin of the data.
        data_blocks: How many blocks the data has.
        salt: At most 256 bytes.
    """

    def __init__(
        self, write: Callable[[bytes, int], None], *, data_blocks: int, salt: bytes
    ) -> None:
        self._write = write
        sizes = level_sizes(data_blocks)
        # The highest level comes first on the disk, so each begins where all above it end.
        self._levels = [
            _Level(data_blocks + sum(sizes[depth + 1 :])) for depth in range(len(sizes))
        ]
        self.salted = hashlib.sha256(salt)
        self._root = b""

    def add(self, digests: list[bytes], depth: int = 0) -> None:
        """Add the digests of the blocks that follow: of the data, or of the level below `depth`."""
        if depth == len(self._levels):
            self._root = digests[0]
            return
        level = self._levels[depth]
        level.digests += digests
        while len(level.digests) >= _DIGESTS_A_BLOCK:
            self._flush(depth)

    def finish(self) -> bytes:
        """Write what is not yet written and return the root digest."""
        for depth, level in enumerate(self._levels):
            if level.digests:
                self._flush(depth)
        return self._root

    def _flush(self, depth: int) -> None:
        level = self._levels[depth]
        block = b"".join(level.digests[:_DIGESTS_A_BLOCK]).ljust(BLOCK_BYTES, b"\0")
        del level.digests[:_DIGESTS_A_BLOCK]
        self._write(block, level.next_block * BLOCK_BYTES)
        level.next_block += 1
        self.add(digests_of(block, self.salted), depth + 1)


def level_sizes(data_blocks: int) -> list[int]:
    """Return the number of blocks of each level, the one over the data first."""
    sizes: list[int] = []
    blocks = data_blocks
    while blocks > 1:
        blocks = -(-blocks // _DIGESTS_A_BLOCK)
        sizes.append(blocks)
    return sizes
