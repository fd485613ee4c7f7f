"""Where everything goes in an erofs image that is not compressed. Pure: a tree in, metadata out.

Block 0 begins with the superblock; inodes follow, each with the names of a small folder or the
target of a link behind it; then the blocks of large folders; then the contents of files in the
order of the tree, each from a block of its own. Equal files are one inode, equal contents of files
that differ in owner or mode are one run of blocks.

Source: Linux 6.12, fs/erofs/erofs_fs.h, fs/erofs/inode.c and Documentation/filesystems/erofs.rst.
"""

import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final
from uuid import UUID

from construct import Bytes, Const, Int8ul, Int16ul, Int32ul, Int64ul, Padding, Struct

from edge.errors import InputError
from edge.oci.tree import ROOT_MODE, Entry, Kind, Tree, folder
from edge_signing.formats.record import Record

BLOCK_BYTES: Final = 4096
SUPERBLOCK_OFFSET: Final = 1024
NAME_MOST_BYTES: Final = 255
_BLOCKS_MOST: Final = (1 << 32) - 1
_HAS_CHECKSUM, _HAS_TIMES = 1, 2  # feature_compat
_PLAIN, _INLINE = 0 << 1, 2 << 1  # i_format: the data layout; bit 0 is that of extended inodes
_EXTENDED_BIT: Final = 1
_SHORT_MOST, _LONG_MOST = (1 << 16) - 1, (1 << 32) - 1
_SLOT_BYTES: Final = 32  # an inode's number counts these
_TYPES: Final = {
    Kind.FILE: (stat.S_IFREG, 1),
    Kind.FOLDER: (stat.S_IFDIR, 2),
    Kind.LINK: (stat.S_IFLNK, 7),
}
# `struct`, not construct: these are thousands for each build, which construct takes 0.5 s for.
# format, attributes, mode, links, size, reserved, first block, number, uid, gid, reserved
_COMPACT: Final = struct.Struct("<HHHHIIIIHHI")
# format, attributes, mode, reserved, size, first block, number, uid, gid, time, its ns, links
_EXTENDED: Final = struct.Struct("<HHHHQIIIIQII16x")
_NAMED: Final = struct.Struct("<QHBx")  # inode, where its name is in the block, type


@dataclass(frozen=True, slots=True)
class Superblock(Record):
    """What begins at byte 1024; `checksum` is the CRC-32C of the rest of its block, it being 0."""

    LAYOUT: ClassVar[Any] = Struct(
        Const(0xE0F5E1E2, Int32ul),
        "checksum" / Int32ul,
        "feature_compat" / Int32ul,
        Const(12, Int8ul),  # 4096 = 2 ** 12
        Const(0, Int8ul),
        "root_inode" / Int16ul,
        "inodes" / Int64ul,
        "time_s" / Const(0, Int64ul),
        "time_ns" / Const(0, Int32ul),
        "blocks" / Int32ul,
        "inode_block" / Const(0, Int32ul),
        "attribute_block" / Const(0, Int32ul),
        "uuid" / Bytes(16),
        "label" / Bytes(16),
        "feature_incompat" / Const(0, Int32ul),
        Padding(44),
    )
    SIZE_BYTES: ClassVar[int] = 128

    root_inode: int
    inodes: int
    blocks: int
    uuid: bytes
    checksum: int = 0
    feature_compat: int = _HAS_CHECKSUM | _HAS_TIMES
    label: bytes = bytes(16)


@dataclass(frozen=True, slots=True)
class Layout:
    """An image but for the contents of its files.

    Attributes:
        metadata: The first blocks.
        contents: What follows, each from a block of its own on.
        blocks: Of the whole image.
    """

    metadata: bytes
    contents: tuple[Entry, ...]
    blocks: int


@dataclass(slots=True)
class _Inode:
    """An inode on its way: `data` is what a folder or link holds, `tail` how much lies behind it.

    `named` are the names in a folder and their inodes, `block` the first that is its own.
    """

    path: str
    entry: Entry
    number: int
    links: int = 0
    data: bytes = b""
    size_bytes: int = 0
    tail_bytes: int = 0
    named: "list[tuple[bytes, _Inode]]" = field(default_factory=list)
    slot: int = 0
    block: int = 0

    @property
    def is_extended(self) -> bool:
        """Whether a number of it is too large for the compact form."""
        largest = max(self.entry.uid, self.entry.gid, self.links)
        return largest > _SHORT_MOST or self.size_bytes > _LONG_MOST

    @property
    def head_bytes(self) -> int:
        """The length of the inode itself."""
        return _EXTENDED.size if self.is_extended else _COMPACT.size


def layout(tree: Tree, uuid: UUID) -> Layout:
    """Return the image of a tree.

    Raises:
        InputError: A name is longer than 255 bytes, or all of it longer than 16 TiB.
    """
    inodes = _inodes(tree)
    for inode in inodes:
        _measure(inode)
    blocks = _place(inodes)
    metadata_blocks = blocks
    contents: dict[str, int] = {}
    chosen = []
    for inode in inodes:
        if inode.entry.kind is Kind.FILE and inode.size_bytes:
            known = contents.setdefault(inode.entry.sha256, blocks)
            inode.block = known
            if known == blocks:
                chosen.append(inode.entry)
                blocks += -(-inode.size_bytes // BLOCK_BYTES)
    if blocks > _BLOCKS_MOST:
        raise InputError(f"the root has {blocks} blocks, {_BLOCKS_MOST} are the most")
    return Layout(_metadata(inodes, metadata_blocks, blocks, uuid), tuple(chosen), blocks)


def _inodes(tree: Tree) -> list[_Inode]:
    """Return the inodes in the order of the tree, the root first, with all names in folders."""
    root = _Inode("", folder(mode=ROOT_MODE), 1, links=2)
    root.named += [(b".", root), (b"..", root)]
    found, folders = [root], {"": root}
    files: dict[tuple[str, ...], _Inode] = {}
    for path, entry in tree:
        above, _slash, name = path.rpartition("/")
        inode = files.get(entry.identity()) if entry.kind is Kind.FILE else None
        if inode is None:
            inode = _Inode(path, entry, len(found) + 1)
            found.append(inode)
        if entry.kind is Kind.FILE:
            files[entry.identity()] = inode
        elif entry.kind is Kind.FOLDER:
            folders[path] = inode
            inode.named += [(b".", inode), (b"..", folders[above])]
            inode.links += 1
            folders[above].links += 1
        inode.links += 1
        folders[above].named.append((_bytes(name, path), inode))
    return found


def _bytes(name: str, path: str) -> bytes:
    data = name.encode("utf-8", "surrogateescape")
    if len(data) > NAME_MOST_BYTES:
        raise InputError(f"/{path}: a name of {len(data)} bytes, {NAME_MOST_BYTES} are the most")
    return data


def _measure(inode: _Inode) -> None:
    """Say how long an inode's data is, and how much of it lies behind the inode."""
    match inode.entry.kind:
        case Kind.FILE:
            inode.size_bytes = inode.entry.size_bytes
            return
        case Kind.LINK:
            inode.data = inode.entry.target.encode("utf-8", "surrogateescape")
            inode.size_bytes = len(inode.data)
        case Kind.FOLDER:
            inode.named.sort(key=lambda named: named[0])
            *full, last = _folder_blocks(inode.named)
            inode.size_bytes = len(full) * BLOCK_BYTES + _length(last)
    tail_bytes = inode.size_bytes % BLOCK_BYTES
    inode.tail_bytes = tail_bytes if tail_bytes + inode.head_bytes <= BLOCK_BYTES else 0


_Names = list[tuple[bytes, _Inode]]


def _folder_blocks(named: _Names) -> list[_Names]:
    """Return the names of a folder, by the block that they are in."""
    blocks: list[_Names] = [[]]
    left_bytes = BLOCK_BYTES
    for name, inode in named:
        needed_bytes = _NAMED.size + len(name)
        if needed_bytes > left_bytes:
            blocks.append([])
            left_bytes = BLOCK_BYTES
        blocks[-1].append((name, inode))
        left_bytes -= needed_bytes
    return blocks


def _length(names: _Names) -> int:
    return sum(_NAMED.size + len(name) for name, _inode in names)


def _place(inodes: list[_Inode]) -> int:
    """Give each inode its slot, and folders and links their blocks; return the next free block."""
    position = SUPERBLOCK_OFFSET + Superblock.SIZE_BYTES
    for inode in inodes:
        # What lies behind an inode is in the same block as its end.
        needed_bytes = inode.head_bytes + inode.tail_bytes
        if inode.tail_bytes and position % BLOCK_BYTES + needed_bytes > BLOCK_BYTES:
            position = -(-position // BLOCK_BYTES) * BLOCK_BYTES
        inode.slot = position // _SLOT_BYTES
        position += -(-needed_bytes // _SLOT_BYTES) * _SLOT_BYTES
    block = -(-position // BLOCK_BYTES)
    for inode in inodes:
        if inode.entry.kind is not Kind.FILE and inode.size_bytes > inode.tail_bytes:
            inode.block = block
            block += -(-(inode.size_bytes - inode.tail_bytes) // BLOCK_BYTES)
    return block


def _metadata(inodes: list[_Inode], metadata_blocks: int, blocks: int, uuid: UUID) -> bytes:
    image = bytearray(metadata_blocks * BLOCK_BYTES)
    for inode in inodes:
        data = _folder_data(inode) if inode.entry.kind is Kind.FOLDER else inode.data
        packed = _packed(inode)
        at = inode.slot * _SLOT_BYTES
        image[at : at + len(packed)] = packed
        at += len(packed)
        own_bytes = inode.size_bytes - inode.tail_bytes
        if data:
            image[at : at + inode.tail_bytes] = data[own_bytes:]
            at = inode.block * BLOCK_BYTES
            image[at : at + own_bytes] = data[:own_bytes]
    superblock = Superblock(inodes[0].slot, len(inodes), blocks, uuid.bytes)
    end = SUPERBLOCK_OFFSET + Superblock.SIZE_BYTES
    image[SUPERBLOCK_OFFSET:end] = superblock.pack()
    checksum = crc32c(image[SUPERBLOCK_OFFSET:BLOCK_BYTES])
    image[SUPERBLOCK_OFFSET:end] = replace(superblock, checksum=checksum).pack()
    return bytes(image)


def _packed(inode: _Inode) -> bytes:
    entry, size_bytes = inode.entry, inode.size_bytes
    mode = _TYPES[entry.kind][0] | entry.mode
    form = _INLINE if inode.tail_bytes else _PLAIN
    where, number, links = inode.block, inode.number, inode.links
    if inode.is_extended:
        owner = (entry.uid, entry.gid)
        form |= _EXTENDED_BIT
        return _EXTENDED.pack(form, 0, mode, 0, size_bytes, where, number, *owner, 0, 0, links)
    owner = (entry.uid, entry.gid)
    return _COMPACT.pack(form, 0, mode, links, size_bytes, 0, where, number, *owner, 0)


def _folder_data(inode: _Inode) -> bytes:
    *full, last = _folder_blocks(inode.named)
    blocks = [b"".join(_folder_block(names)).ljust(BLOCK_BYTES, b"\0") for names in full]
    return b"".join((*blocks, *_folder_block(last)))


def _folder_block(names: _Names) -> Iterator[bytes]:
    where = _NAMED.size * len(names)
    for name, inode in names:
        yield _NAMED.pack(inode.slot, where, _TYPES[inode.entry.kind][1])
        where += len(name)
    for name, _inode in names:
        yield name


def _crc32c_table() -> tuple[int, ...]:
    table = []
    for number in range(256):
        for _bit in range(8):
            number = number >> 1 ^ (0x82F63B78 if number & 1 else 0)
        table.append(number)
    return tuple(table)


_CRC32C: Final = _crc32c_table()


def crc32c(data: bytes | bytearray) -> int:
    """Return the CRC-32C as the kernel has it: begun with all ones, not inverted at the end."""
    value = _LONG_MOST
    for byte in data:
        value = value >> 8 ^ _CRC32C[(value ^ byte) & 0xFF]
    return value
