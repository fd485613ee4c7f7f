"""The root image that is not compressed, with its hash tree: written once, read never.

The digest of each block is known when the block is written, so that the tree is there when the data
is: of new contents it is made on the way, of those of the last image it was kept.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from edge import block_file
from edge.block_file import BLOCK_BYTES, BlockFile
from edge.image import erofs_layout
from edge.image.content_blocks import ContentBlocks, Known, Passing, split
from edge.oci.store import Store
from edge.oci.tree import Entry, Slice, Tree
from edge_agent import verity
from edge_agent.verity import Verity


@dataclass(frozen=True, slots=True)
class RootImage:
    """What opens a root image, and the digest of the whole file where it is known already."""

    opened: Verity
    digest: str | None = None


def write_erofs(path: Path, tree: Tree, *, uuid: UUID) -> None:
    """Write the image of a tree without a hash tree.

    Raises:
        InputError: A name is too long for the file system.
        UntrustedError: A content is not what was stored.
    """
    image = erofs_layout.layout(tree, uuid)
    with block_file.new(path) as file:
        file.write(image.metadata)
        for entry in image.contents:
            for piece in entry.pieces():
                file.write(piece)
            file.pad()


def write(path: Path, tree: Tree, *, uuid: UUID, salt: bytes, store: Store) -> RootImage:
    """Write the image of a tree with its hash tree.

    Args:
        path: The file.
        tree: The root.
        uuid: That of the file system; make it from the inputs.
        salt: That of the hash tree; make it from the inputs.
        store: Where it is kept what the blocks of a content are.

    Raises:
        InputError: A name is too long for the file system.
        UntrustedError: A content is not what was stored.
    """
    image = erofs_layout.layout(tree, uuid)
    blocks = ContentBlocks(store, salt)
    hashes = _HashTree(image.blocks, salt)
    found: dict[str, Known] = {}
    with block_file.new(path) as file:
        file.write(image.metadata)
        hashes.add(verity.digests_of(image.metadata, hashes.salted))
        for entry in image.contents:
            passing = Passing(entry, hashes.salted, blocks.of(entry))
            _write_content(file, entry, passing.take)
            found[entry.sha256] = passing.end()
            hashes.add(split(found[entry.sha256].digests))
        root = hashes.finish()
        file.write(hashes.tree)
    blocks.keep(found)
    opened = Verity(root.hex(), salt.hex(), image.blocks, file.size_bytes)
    return RootImage(opened, file.digest)


def _write_content(file: BlockFile, entry: Entry, take: Callable[[memoryview], object]) -> None:
    content = entry.content
    if isinstance(content, Slice):
        file.take(content.path, content.offset_bytes, content.size_bytes, take)
    else:
        take(memoryview(content))
        file.write(content)
    file.pad()


class _HashTree:
    """The hash tree of an image while its blocks pass; the tree itself waits in memory."""

    def __init__(self, blocks: int, salt: bytes) -> None:
        self.tree = bytearray(verity.tree_blocks(blocks) * BLOCK_BYTES)
        self._data_bytes = blocks * BLOCK_BYTES
        self._levels = verity.Tree(self._put, data_blocks=blocks, salt=salt)
        self.add = self._levels.add
        self.finish = self._levels.finish
        self.salted = self._levels.salted

    def _put(self, block: bytes, offset_bytes: int) -> None:
        at = offset_bytes - self._data_bytes
        self.tree[at : at + len(block)] = block
