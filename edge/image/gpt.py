"""GUID partition tables: the bytes at both ends of a disk, and back.

A hybrid MBR is for boot ROMs that know no GPT: the partition is then also in the MBR, ahead of the
protective entry, which still starts at sector 1 as U-Boot and Linux ask before they believe a GPT.

Source: UEFI specification 2.10, chapter 5.2.3 (protective MBR) and 5.3 (GPT).
"""

import uuid
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, ClassVar, Final

from construct import (
    Array,
    Bytes,
    Const,
    Default,
    ExprAdapter,
    Int8ul,
    Int32ul,
    Int64ul,
    PaddedString,
    Padding,
    Struct,
)

from edge.errors import InputError
from edge.image.plan import SECTOR_BYTES, DiskPlan, Partition
from edge_signing.errors import FormatError
from edge_signing.formats.record import Record

HEADER_BYTES: Final = 92
ENTRY_BYTES: Final = 128
ENTRIES: Final = 128
ENTRIES_SECTORS: Final = ENTRIES * ENTRY_BYTES // SECTOR_BYTES
PRIMARY_SECTORS: Final = 2 + ENTRIES_SECTORS
BACKUP_SECTORS: Final = 1 + ENTRIES_SECTORS

_PROTECTIVE: Final = 0xEE
_SECTORS_32: Final = 0xFFFF_FFFF
_CHS_FIRST: Final = b"\x00\x02\x00"
_CHS_BEYOND: Final = b"\xff\xff\xff"

_GUID: Final = ExprAdapter(
    Bytes(16),
    lambda data, _context: uuid.UUID(bytes_le=data),
    lambda guid, _context: guid.bytes_le,
)


@dataclass(frozen=True, slots=True)
class MbrEntry(Record):
    """One of the four entries of an MBR; all zero when unused."""

    LAYOUT: ClassVar[Any] = Struct(
        "status" / Default(Const(0, Int8ul), 0),
        "first_chs" / Bytes(3),
        "kind" / Int8ul,
        "last_chs" / Bytes(3),
        "first_sector" / Int32ul,
        "sectors" / Int32ul,
    )

    kind: int
    first_sector: int
    sectors: int
    first_chs: bytes = _CHS_BEYOND
    last_chs: bytes = _CHS_BEYOND


_NO_ENTRY: Final = MbrEntry(0, 0, 0, bytes(3), bytes(3))


@dataclass(frozen=True, slots=True)
class Mbr(Record):
    """The first sector of a disk: four packed `MbrEntry`."""

    LAYOUT: ClassVar[Any] = Struct(
        Padding(446), "entries" / Array(4, Bytes(16)), Const(b"\x55\xaa")
    )

    entries: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Header(Record):
    """The header of one of the two tables; `crc32` is over itself with 0 in its place."""

    LAYOUT: ClassVar[Any] = Struct(
        Const(b"EFI PART"),
        Const(0x0001_0000, Int32ul),
        Const(HEADER_BYTES, Int32ul),
        "crc32" / Int32ul,
        Padding(4),
        "own_sector" / Int64ul,
        "other_sector" / Int64ul,
        "first_usable_sector" / Int64ul,
        "last_usable_sector" / Int64ul,
        "disk_guid" / _GUID,
        "entries_sector" / Int64ul,
        Const(ENTRIES, Int32ul),
        Const(ENTRY_BYTES, Int32ul),
        "entries_crc32" / Int32ul,
        Padding(SECTOR_BYTES - HEADER_BYTES),
    )

    own_sector: int
    other_sector: int
    first_usable_sector: int
    last_usable_sector: int
    disk_guid: uuid.UUID
    entries_sector: int
    entries_crc32: int
    crc32: int = 0

    def sealed(self) -> "Header":
        """Return this header with its right CRC-32."""
        return replace(self, crc32=zlib.crc32(replace(self, crc32=0).pack()[:HEADER_BYTES]))


@dataclass(frozen=True, slots=True)
class Entry(Record):
    """One partition in a table; all zero when unused."""

    LAYOUT: ClassVar[Any] = Struct(
        "type_guid" / _GUID,
        "guid" / _GUID,
        "first_sector" / Int64ul,
        "last_sector" / Int64ul,
        "attributes" / Int64ul,
        "name" / PaddedString(72, "utf-16-le"),
    )

    type_guid: uuid.UUID
    guid: uuid.UUID
    first_sector: int
    last_sector: int
    attributes: int
    name: str


def primary(disk: DiskPlan) -> bytes:
    """Return sectors 0 to 33 of a disk: MBR, header, entries."""
    entries = _entries(disk.partitions)
    return _mbr(disk).pack() + _header(disk, entries, own_sector=1).pack() + entries


def backup(disk: DiskPlan) -> bytes:
    """Return the last 33 sectors of a disk: entries, header."""
    entries = _entries(disk.partitions)
    return entries + _header(disk, entries, own_sector=disk.sectors - 1).pack()


def read(stream: BinaryIO, *, disk_bytes: int) -> DiskPlan:
    """Return the disk that a partition table describes, from its primary or else its backup.

    Args:
        stream: The disk or its image.
        disk_bytes: How large it is.

    Raises:
        InputError: Neither table is whole.
    """
    reasons = []
    for own_sector in (1, disk_bytes // SECTOR_BYTES - 1):
        try:
            return _read_at(stream, own_sector, disk_sectors=disk_bytes // SECTOR_BYTES)
        except FormatError as error:
            reasons.append(str(error))
    raise InputError(f"no valid partition table: {'; '.join(reasons)}")


def _mbr(disk: DiskPlan) -> Mbr:
    """Return the MBR: hybrid entries first, since some ROMs read no further than the first."""
    hybrid = [
        MbrEntry(partition.mbr_type, partition.first_sector, partition.sectors)
        for partition in disk.partitions
        if partition.mbr_type is not None
    ]
    covered = min((entry.first_sector for entry in hybrid), default=disk.sectors) - 1
    protective = MbrEntry(_PROTECTIVE, 1, min(covered, _SECTORS_32), first_chs=_CHS_FIRST)
    entries = [*hybrid, protective, *[_NO_ENTRY] * 4][:4]
    return Mbr(tuple(entry.pack() for entry in entries))


def _header(disk: DiskPlan, entries: bytes, *, own_sector: int) -> Header:
    is_primary = own_sector == 1
    return Header(
        own_sector=own_sector,
        other_sector=disk.sectors - 1 if is_primary else 1,
        first_usable_sector=disk.first_sector,
        last_usable_sector=disk.sectors - BACKUP_SECTORS - 1,
        disk_guid=disk.guid,
        entries_sector=2 if is_primary else own_sector - ENTRIES_SECTORS,
        entries_crc32=zlib.crc32(entries),
    ).sealed()


def _entries(partitions: Sequence[Partition]) -> bytes:
    packed = b"".join(
        Entry(
            type_guid=partition.type_guid,
            guid=partition.guid,
            first_sector=partition.first_sector,
            last_sector=partition.first_sector + partition.sectors - 1,
            attributes=partition.attributes,
            name=partition.name,
        ).pack()
        for partition in partitions
    )
    return packed.ljust(ENTRIES * ENTRY_BYTES, b"\0")


def _read_at(stream: BinaryIO, own_sector: int, *, disk_sectors: int) -> DiskPlan:
    header = Header.unpack(_sectors(stream, own_sector, 1))
    if header.sealed() != header or header.own_sector != own_sector:
        raise FormatError(f"partition table at sector {own_sector}: its header is damaged")
    entries = b""
    if header.entries_sector < disk_sectors:
        entries = _sectors(stream, header.entries_sector, ENTRIES_SECTORS)
    if zlib.crc32(entries) != header.entries_crc32:
        raise FormatError(f"partition table at sector {own_sector}: its entries are damaged")
    hybrid = _hybrid_types(stream)
    packed = (entries[at : at + ENTRY_BYTES] for at in range(0, len(entries), ENTRY_BYTES))
    found = [entry for entry in map(Entry.unpack, packed) if entry.type_guid.int]
    if not all(entry.first_sector <= entry.last_sector < disk_sectors for entry in found):
        raise FormatError(f"partition table at sector {own_sector}: a partition leaves the disk")
    partitions = tuple(
        Partition(
            name=entry.name,
            first_sector=entry.first_sector,
            sectors=entry.last_sector - entry.first_sector + 1,
            type_guid=entry.type_guid,
            guid=entry.guid,
            attributes=entry.attributes,
            mbr_type=hybrid.get(entry.first_sector),
        )
        for entry in found
    )
    return DiskPlan(header.disk_guid, max(header.own_sector, header.other_sector) + 1, partitions)


def _hybrid_types(stream: BinaryIO) -> dict[int, int]:
    """Return the type of each partition, by its first sector, that the MBR has too."""
    try:
        entries = [MbrEntry.unpack(entry) for entry in Mbr.unpack(_sectors(stream, 0, 1)).entries]
    except FormatError:
        return {}
    return {entry.first_sector: entry.kind for entry in entries if entry.kind not in {0, 0xEE}}


def _sectors(stream: BinaryIO, first: int, count: int) -> bytes:
    stream.seek(first * SECTOR_BYTES)
    return stream.read(count * SECTOR_BYTES)
