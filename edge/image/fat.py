"""FAT16 and FAT32 volumes with given files, as extents of a partition; nothing is held or mounted.

Every file is contiguous, in the order of the paths, and all dates are those of 1980: the same
files give the same volume. Hidden sectors are 0, so that a volume may lie in any slot.

Source: Microsoft FAT specification (August 2005).
"""

import sys
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Final, Literal

from construct import Bytes, Const, IfThenElse, Int8ul, Int16ul, Int32ul, Padding, Struct, this

from edge.errors import InputError
from edge.image import fat_folder
from edge.image.extent import Contents, Extent, length_of
from edge.image.plan import MIB, SECTOR_BYTES
from edge_agent.boot.fat import ENTRY_BYTES
from edge_signing.formats.record import Record

FatKind = Literal["fat16", "fat32"]

SMALLEST_FAT32_BYTES: Final = 260 * MIB  # from it on FAT32 has clusters of 4 KiB
_FEWEST_CLUSTERS: Final[Mapping[FatKind, int]] = {"fat16": 4085 + 16, "fat32": 65525 + 16}
_MOST_CLUSTERS: Final[Mapping[FatKind, int]] = {"fat16": 65524 - 16, "fat32": 0x0FFF_FFF0}
_ENTRY_BYTES: Final[Mapping[FatKind, int]] = {"fat16": 2, "fat32": 4}
_END_OF_CHAIN: Final[Mapping[FatKind, int]] = {"fat16": 0xFFFF, "fat32": 0x0FFF_FFFF}
_CLUSTER_SECTORS: Final = (8, 4, 2, 1, 16, 32, 64)  # 4 KiB first: the block of all else here
_ALIGNED_SECTORS: Final = 8
_ROOT_ENTRIES: Final = 512
_FIRST_CLUSTER: Final = 2
_MEDIA: Final = 0xF8
_COPIES: Final = 2
_BACKUP_BOOT_SECTOR: Final = 6
_SECTORS_16: Final = 0x1_0000


@dataclass(frozen=True, slots=True)
class BootSector(Record):
    """The first sector of a volume; `sectors_a_fat32` is 0 in FAT16."""

    LAYOUT: ClassVar[Any] = Struct(
        "jump" / Bytes(3),
        Const(b"EDGE    "),
        Const(SECTOR_BYTES, Int16ul),
        "cluster_sectors" / Int8ul,
        "reserved_sectors" / Int16ul,
        Const(_COPIES, Int8ul),
        "root_entries" / Int16ul,
        "sectors_16" / Int16ul,
        Const(_MEDIA, Int8ul),
        "fat16_sectors" / Int16ul,
        Const(63, Int16ul),
        Const(255, Int16ul),
        "hidden_sectors" / Const(0, Int32ul),
        "sectors_32" / Int32ul,
        "fat32"
        / IfThenElse(
            this.fat16_sectors == 0,
            Struct(
                "fat_sectors" / Int32ul,
                Padding(4),
                "root_cluster" / Const(_FIRST_CLUSTER, Int32ul),
                Const(1, Int16ul),
                Const(_BACKUP_BOOT_SECTOR, Int16ul),
                Padding(12),
            ),
            Struct(),
        ),
        Const(0x80, Int8ul),
        Padding(1),
        Const(0x29, Int8ul),
        "serial" / Int32ul,
        "label" / Bytes(11),
        "kind" / Bytes(8),
        Padding(lambda context: 420 if context.fat16_sectors == 0 else 448),
        Const(b"\x55\xaa"),
    )

    jump: bytes
    cluster_sectors: int
    reserved_sectors: int
    root_entries: int
    sectors_16: int
    fat16_sectors: int
    sectors_32: int
    fat32: Mapping[str, int]
    serial: int
    label: bytes
    kind: bytes


@dataclass(frozen=True, slots=True)
class FreeInfo(Record):
    """The FSInfo sector of FAT32."""

    LAYOUT: ClassVar[Any] = Struct(
        Const(b"RRaA"),
        Padding(480),
        Const(b"rrAa"),
        "free_clusters" / Int32ul,
        "next_free_cluster" / Int32ul,
        Padding(14),
        Const(b"\x55\xaa"),
    )

    free_clusters: int
    next_free_cluster: int


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where the parts of a volume lie, in sectors."""

    kind: FatKind
    sectors: int
    cluster_sectors: int
    reserved_sectors: int
    fat_sectors: int
    root_sectors: int
    clusters: int

    @property
    def first_data_sector(self) -> int:
        """Where cluster 2 begins."""
        return self.reserved_sectors + _COPIES * self.fat_sectors + self.root_sectors

    @property
    def cluster_bytes(self) -> int:
        """The length of a cluster."""
        return self.cluster_sectors * SECTOR_BYTES

    def offset_bytes(self, cluster: int) -> int:
        """Return where a cluster begins in the volume."""
        sector = self.first_data_sector + (cluster - _FIRST_CLUSTER) * self.cluster_sectors
        return sector * SECTOR_BYTES


def geometry(size_bytes: int, *, kind: FatKind | None = None) -> Geometry:
    """Return the geometry of a volume of that size; FAT32 from 260 MiB on unless asked for.

    Raises:
        InputError: No cluster size makes such a volume of that size.
    """
    chosen: FatKind = kind or ("fat16" if size_bytes < SMALLEST_FAT32_BYTES else "fat32")
    for cluster_sectors in _CLUSTER_SECTORS:
        found = _geometry(size_bytes // SECTOR_BYTES, chosen, cluster_sectors)
        if _FEWEST_CLUSTERS[chosen] <= found.clusters <= _MOST_CLUSTERS[chosen]:
            return found
    raise InputError(f"no {chosen} volume has {size_bytes} bytes", hint="make it larger")


def volume(
    files: Mapping[str, bytes | Path],
    *,
    size_bytes: int,
    label: str,
    serial: int,
    kind: FatKind | None = None,
) -> Contents:
    """Return a volume that holds `files`.

    Args:
        files: Contents by path, such as `overlays/vc4.dtbo`; folders are made.
        size_bytes: The length of the volume.
        label: At most 11 capital letters, digits, `-` and `_`.
        serial: 32 bits; make it from the inputs, for the same volume again.
        kind: None chooses by the size.

    Raises:
        InputError: The files do not fit, or a name cannot be stored.
    """
    shape = geometry(size_bytes, kind=kind)
    tree = _tree_of(files)
    space = _Space(shape)
    _allocate(tree, space, is_root=True)
    used = tuple(_folder_extents(tree, shape, label)) + tuple(_file_extents(tree, shape))
    head = _head_extents(shape, space, label=label, serial=serial)
    return Contents(size_bytes, tuple(sorted((*head, *used), key=lambda part: part.offset_bytes)))


@dataclass(slots=True)
class _File:
    content: bytes | Path
    length_bytes: int
    cluster: int = 0


@dataclass(slots=True)
class _Folder:
    files: dict[str, _File] = field(default_factory=dict)
    folders: dict[str, "_Folder"] = field(default_factory=dict)
    cluster: int = 0
    names: dict[str, fat_folder.Name] = field(default_factory=dict)


class _Space:
    """The clusters of a volume, given out from the first on."""

    def __init__(self, shape: Geometry) -> None:
        self.shape = shape
        reserved = _END_OF_CHAIN[shape.kind]
        self.table = array("H" if shape.kind == "fat16" else "I", (reserved & ~0xFF | _MEDIA,))
        self.table.append(reserved)
        self.wanted_bytes = 0

    @property
    def free_clusters(self) -> int:
        return self.shape.clusters + _FIRST_CLUSTER - len(self.table)

    def take(self, length_bytes: int) -> int:
        """Return the first of so many clusters in a row; 0 for no bytes."""
        count = -(-length_bytes // self.shape.cluster_bytes)
        if count == 0:
            return 0
        if count > self.free_clusters:
            over_bytes = (count - self.free_clusters) * self.shape.cluster_bytes
            size_mib = self.shape.sectors * SECTOR_BYTES / MIB
            raise InputError(
                f"FAT volume of {size_mib:.0f} MiB: a file of {length_bytes} bytes"
                f" does not fit any more, by {over_bytes} bytes",
                hint="make the partition larger in the board file",
            )
        first = len(self.table)
        self.table.extend(range(first + 1, first + count))
        self.table.append(_END_OF_CHAIN[self.shape.kind])
        return first

    def packed(self) -> bytes:
        """Return one copy of the table up to the last cluster in use."""
        table = self.table
        if sys.byteorder == "big":
            table = array(table.typecode, table)
            table.byteswap()
        return table.tobytes()


def _geometry(sectors: int, kind: FatKind, cluster_sectors: int) -> Geometry:
    """Return the geometry for one cluster size, its data aligned to 4 KiB."""
    reserved = 1 if kind == "fat16" else 32
    root_sectors = _ROOT_ENTRIES * ENTRY_BYTES // SECTOR_BYTES if kind == "fat16" else 0
    clusters = (sectors - reserved - root_sectors) // cluster_sectors
    fat_bytes = (clusters + _FIRST_CLUSTER) * _ENTRY_BYTES[kind]
    fat_sectors = -(-fat_bytes // SECTOR_BYTES)
    head = reserved + _COPIES * fat_sectors + root_sectors
    reserved += -head % _ALIGNED_SECTORS
    head += -head % _ALIGNED_SECTORS
    clusters = (sectors - head) // cluster_sectors
    return Geometry(
        kind, sectors, cluster_sectors, reserved, fat_sectors, root_sectors, max(clusters, 0)
    )


def _tree_of(files: Mapping[str, bytes | Path]) -> _Folder:
    root = _Folder()
    for path in sorted(files):
        parts = PurePosixPath(path).parts
        if not parts or parts[0] == "/" or ".." in parts:
            raise InputError(f"'{path}' is no path inside a FAT volume")
        folder = root
        for part in parts[:-1]:
            folder = folder.folders.setdefault(part, _Folder())
        folder.files[parts[-1]] = _File(files[path], length_of(files[path]))
    return root


def _allocate(folder: _Folder, space: _Space, *, is_root: bool) -> None:
    """Give clusters to a folder, then to its files, then to its folders."""
    if both := set(folder.files) & set(folder.folders):
        raise InputError(f"'{min(both)}' is a file and a folder")
    folder.names = fat_folder.names_of((*folder.files, *folder.folders))
    entries = sum(name.entries for name in folder.names.values()) + (1 if is_root else 2)
    if not is_root or space.shape.kind == "fat32":
        folder.cluster = space.take(entries * ENTRY_BYTES)
    elif entries > _ROOT_ENTRIES:
        raise InputError(f"FAT16: the root folder holds {_ROOT_ENTRIES} entries, not {entries}")
    for name in sorted(folder.files):
        folder.files[name].cluster = space.take(folder.files[name].length_bytes)
    for name in sorted(folder.folders):
        _allocate(folder.folders[name], space, is_root=False)


def _folder_extents(root: _Folder, shape: Geometry, label: str) -> Iterable[Extent]:
    head = fat_folder.packed_label(label)
    if root.cluster == 0:
        root_bytes = shape.root_sectors * SECTOR_BYTES
        offset_bytes = shape.first_data_sector * SECTOR_BYTES - root_bytes
        yield Extent(offset_bytes, (head + _entries(root)).ljust(root_bytes, b"\0"), root_bytes)
    else:
        yield _padded(shape, root.cluster, head + _entries(root))
    yield from _subfolder_extents(root, shape, parent_cluster=0)


def _subfolder_extents(
    parent: _Folder, shape: Geometry, *, parent_cluster: int
) -> Iterable[Extent]:
    for folder in parent.folders.values():
        dots = fat_folder.dot_entries(own_cluster=folder.cluster, parent_cluster=parent_cluster)
        yield _padded(shape, folder.cluster, dots + _entries(folder))
        yield from _subfolder_extents(folder, shape, parent_cluster=folder.cluster)


def _entries(folder: _Folder) -> bytes:
    packed = []
    for spelled, name in sorted(folder.names.items()):
        if spelled in folder.files:
            file = folder.files[spelled]
            cluster, length_bytes = file.cluster, file.length_bytes
            packed.append(fat_folder.packed_entry(name, cluster=cluster, length_bytes=length_bytes))
        else:
            cluster = folder.folders[spelled].cluster
            packed.append(fat_folder.packed_entry(name, cluster=cluster, length_bytes=None))
    return b"".join(packed)


def _padded(shape: Geometry, cluster: int, data: bytes) -> Extent:
    """Return data of a folder up to the end of its last cluster, which must be zero."""
    padded = data + bytes(-len(data) % shape.cluster_bytes)
    return Extent(shape.offset_bytes(cluster), padded, len(padded))


def _file_extents(folder: _Folder, shape: Geometry) -> Iterable[Extent]:
    for file in folder.files.values():
        if file.length_bytes:
            offset_bytes = shape.offset_bytes(file.cluster)
            yield Extent(offset_bytes, file.content, file.length_bytes)
    for inner in folder.folders.values():
        yield from _file_extents(inner, shape)


def _head_extents(shape: Geometry, space: _Space, *, label: str, serial: int) -> Iterable[Extent]:
    """Yield the reserved sectors and both copies of the table, zeros included."""
    boot = _boot_sector(shape, label=label, serial=serial).pack()
    head = bytearray(shape.reserved_sectors * SECTOR_BYTES)
    head[: len(boot)] = boot
    if shape.kind == "fat32":
        free = FreeInfo(space.free_clusters, min(len(space.table), shape.clusters + 1)).pack()
        backup = _BACKUP_BOOT_SECTOR * SECTOR_BYTES
        head[SECTOR_BYTES : 2 * SECTOR_BYTES] = free
        head[backup : backup + 2 * SECTOR_BYTES] = boot + free
    yield Extent(0, bytes(head), len(head))
    fat_bytes = shape.fat_sectors * SECTOR_BYTES
    table = space.packed().ljust(fat_bytes, b"\0")
    for copy in range(_COPIES):
        yield Extent(len(head) + copy * fat_bytes, table, fat_bytes)


def _boot_sector(shape: Geometry, *, label: str, serial: int) -> BootSector:
    is_fat16 = shape.kind == "fat16"
    has_few = is_fat16 and shape.sectors < _SECTORS_16
    return BootSector(
        jump=b"\xeb\x3c\x90" if is_fat16 else b"\xeb\x58\x90",
        cluster_sectors=shape.cluster_sectors,
        reserved_sectors=shape.reserved_sectors,
        root_entries=_ROOT_ENTRIES if is_fat16 else 0,
        sectors_16=shape.sectors if has_few else 0,
        fat16_sectors=shape.fat_sectors if is_fat16 else 0,
        sectors_32=0 if has_few else shape.sectors,
        fat32={} if is_fat16 else {"fat_sectors": shape.fat_sectors},
        serial=serial,
        label=fat_folder.label_bytes(label),
        kind=b"FAT16   " if is_fat16 else b"FAT32   ",
    )
