"""FAT volumes as they are: files are read and written over, folders listed; nothing is allocated.

No table of clusters is ever written, and no name but by whole sectors of a folder: what a power cut
can hurt is the sector that was being written.

Source: Microsoft FAT specification (August 2005).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from construct import Bytes, Const, Int8ul, Int16ul, Int32ul, Padding, Struct

from edge_agent.boot.storage import Storage
from edge_agent.errors import BootStateError
from edge_signing.errors import FormatError
from edge_signing.formats.record import Record

SECTOR_BYTES: Final = 512
ENTRY_BYTES: Final = 32
PIECE_BYTES: Final = 1 << 20
_PAGE_BYTES: Final = 1 << 14  # of the table of clusters
FREE: Final = 0xE5  # the first byte of an entry that was taken away
_END: Final = 0x00
_FIRST_CLUSTER: Final = 2
_FEWEST_FAT16, _FEWEST_FAT32 = 4085, 65525
_FOLDER, _LABEL, _LONG, _ARCHIVE = 0x10, 0x08, 0x0F, 0x20
_LOWER_STEM, _LOWER_SUFFIX = 0x08, 0x10
UNITS: Final = 13  # of UTF-16 in an entry of a long name
_LAST_LONG: Final = 0x40
_DATE: Final = 0x21  # 1 January 1980


@dataclass(frozen=True, slots=True)
class BootSector(Record):
    """What is needed of the first sector of a volume, whoever made it."""

    LAYOUT: ClassVar[Any] = Struct(
        Padding(11),
        Const(SECTOR_BYTES, Int16ul),
        "cluster_sectors" / Int8ul,
        "reserved_sectors" / Int16ul,
        "copies" / Int8ul,
        "root_entries" / Int16ul,
        "sectors_16" / Int16ul,
        Padding(1),
        "fat16_sectors" / Int16ul,
        Padding(8),
        "sectors_32" / Int32ul,
        "fat32_sectors" / Int32ul,
        Padding(4),
        "root_cluster" / Int32ul,
        Padding(462),
        Const(b"\x55\xaa"),
    )

    cluster_sectors: int
    reserved_sectors: int
    copies: int
    root_entries: int
    sectors_16: int
    fat16_sectors: int
    sectors_32: int
    fat32_sectors: int
    root_cluster: int


@dataclass(frozen=True, slots=True)
class ShortName(Record):
    """An entry of a folder under its short name."""

    LAYOUT: ClassVar[Any] = Struct(
        "name" / Bytes(11),
        "attributes" / Int8ul,
        "case" / Int8ul,
        "dates_1" / Bytes(7),
        "cluster_high" / Int16ul,
        "dates_2" / Bytes(4),
        "cluster_low" / Int16ul,
        "length_bytes" / Int32ul,
    )

    name: bytes
    attributes: int
    cluster_high: int
    cluster_low: int
    length_bytes: int
    case: int = 0
    dates_1: bytes = bytes(3) + _DATE.to_bytes(2, "little") * 2
    dates_2: bytes = bytes(2) + _DATE.to_bytes(2, "little")

    def text(self) -> str:
        """Return the name as people see it."""
        stem, suffix = (part.decode("latin-1").rstrip() for part in (self.name[:8], self.name[8:]))
        stem = stem.lower() if self.case & _LOWER_STEM else stem
        suffix = suffix.lower() if self.case & _LOWER_SUFFIX else suffix
        return f"{stem}.{suffix}" if suffix else stem


@dataclass(frozen=True, slots=True)
class LongName(Record):
    """Thirteen characters of a long name, ahead of the entry that they belong to."""

    LAYOUT: ClassVar[Any] = Struct(
        "order" / Int8ul,
        "units_1" / Bytes(10),
        Const(_LONG, Int8ul),
        Const(0, Int8ul),
        "checksum" / Int8ul,
        "units_2" / Bytes(12),
        Const(0, Int16ul),
        "units_3" / Bytes(4),
    )

    order: int
    checksum: int
    units_1: bytes
    units_2: bytes
    units_3: bytes

    @classmethod
    def of(cls, order: int, units: bytes, alias: bytes, *, is_last: bool = False) -> "LongName":
        """Return the entry of a piece of a long name, which counts from 1.

        Args:
            order: Which piece it is.
            units: Its 26 bytes.
            alias: The short name of the file.
            is_last: No piece comes after it.
        """
        flag = _LAST_LONG if is_last else 0
        return cls(flag | order, _checksum(alias), units[:10], units[10:22], units[22:])

    def text(self) -> str:
        """Return the characters up to the end of the name."""
        units = (self.units_1 + self.units_2 + self.units_3).decode("utf-16-le", "replace")
        return units.partition("\0")[0]


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder; `offsets_bytes` are where the entries that name it lie in the volume."""

    name: str
    cluster: int
    length_bytes: int
    is_folder: bool
    offsets_bytes: tuple[int, ...]


class Volume:
    """A FAT16 or FAT32 volume.

    Args:
        storage: Its bytes.

    Raises:
        BootStateError: It is no such volume.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        try:
            self._boot = boot = BootSector.unpack(storage.read(0, SECTOR_BYTES))
        except FormatError as error:
            raise BootStateError(f"no FAT volume: {error}") from error
        fat_sectors = boot.fat16_sectors or boot.fat32_sectors
        root_sectors = -(-boot.root_entries * ENTRY_BYTES // SECTOR_BYTES)
        self._root_sector = boot.reserved_sectors + boot.copies * fat_sectors
        self._data_sector = self._root_sector + root_sectors
        sectors = (boot.sectors_16 or boot.sectors_32) - self._data_sector
        if not boot.cluster_sectors or sectors < 0:
            raise BootStateError("no FAT volume: its first sector makes no sense")
        self._clusters = sectors // boot.cluster_sectors
        if self._clusters < _FEWEST_FAT16:
            raise BootStateError("a FAT12 volume")
        self._is_fat32 = self._clusters >= _FEWEST_FAT32

    def find(self, path: str) -> Entry:
        """Return what stands at a path, capitals and small letters being the same.

        Raises:
            BootStateError: There is nothing.
        """
        found: Entry | None = None
        for part in path.split("/"):
            inside = self.entries(found)
            found = next((one for one in inside if one.name.lower() == part.lower()), None)
            if found is None:
                raise BootStateError(f"there is no {path}")
        if found is None:
            raise BootStateError("a path has a name")
        return found

    def entries(self, folder: Entry | None = None) -> list[Entry]:
        """Return all that a folder holds; the root without one."""
        found: list[Entry] = []
        long: list[tuple[int, LongName]] = []
        for offset_bytes, data in self._slots(folder):
            if data[0] == _END:
                break
            if data[0] == FREE:
                long = []
            elif data[11] & 0x3F == _LONG:
                long = _with(long, offset_bytes, data)
            else:
                short = ShortName.unpack(data)
                if not short.attributes & _LABEL:
                    found.append(_entry(short, long, offset_bytes))
                long = []
        return found

    def spans(self, entry: Entry) -> list[tuple[int, int]]:
        """Return where the clusters of a file or folder lie: offset and length, joined.

        Raises:
            BootStateError: Its chain is broken.
        """
        cluster_bytes = self._boot.cluster_sectors * SECTOR_BYTES
        joined: list[tuple[int, int]] = []
        for cluster in self._chain(entry.cluster):
            sector = self._data_sector + (cluster - _FIRST_CLUSTER) * self._boot.cluster_sectors
            start = sector * SECTOR_BYTES
            if joined and sum(joined[-1]) == start:
                joined[-1] = (joined[-1][0], joined[-1][1] + cluster_bytes)
            else:
                joined.append((start, cluster_bytes))
        return joined

    def read(self, entry: Entry) -> Iterator[bytes]:
        """Give the bytes of a file, piece by piece."""
        for offset_bytes, length_bytes in self._pieces(entry):
            yield self._storage.read(offset_bytes, length_bytes)

    def write_over(self, entry: Entry, pieces: Iterator[bytes]) -> None:
        """Let a file hold these bytes and then zeros; what is the same already is not written.

        Raises:
            BootStateError: They do not fit, or it does not read back as written.
        """
        left = b""
        for offset_bytes, length_bytes in self._pieces(entry):
            while len(left) < length_bytes and (piece := next(pieces, b"")):
                left += piece
            wanted, left = left[:length_bytes].ljust(length_bytes, b"\0"), left[length_bytes:]
            if self._storage.read(offset_bytes, length_bytes) == wanted:
                continue
            self._storage.write(offset_bytes, wanted)
            if self._storage.read(offset_bytes, length_bytes) != wanted:
                raise BootStateError(f"{entry.name} does not read back as written")
        if left or next(pieces, b""):
            raise BootStateError(f"{entry.name}: {entry.length_bytes} bytes are not enough")

    def _pieces(self, entry: Entry) -> Iterator[tuple[int, int]]:
        left = entry.length_bytes
        for start, length in self.spans(entry) if left else ():
            end = start + min(length, left)
            left -= end - start
            for at in range(start, end, PIECE_BYTES):
                yield at, min(PIECE_BYTES, end - at)

    def _slots(self, folder: Entry | None) -> Iterator[tuple[int, bytes]]:
        for start, length in self._folder_spans(folder):
            data = self._storage.read(start, length)
            for at in range(0, len(data) - ENTRY_BYTES + 1, ENTRY_BYTES):
                yield start + at, data[at : at + ENTRY_BYTES]

    def _folder_spans(self, folder: Entry | None) -> list[tuple[int, int]]:
        if folder is not None:
            return self.spans(folder)
        if self._is_fat32:
            return self.spans(
                Entry("", self._boot.root_cluster, 0, is_folder=True, offsets_bytes=())
            )
        return [(self._root_sector * SECTOR_BYTES, self._boot.root_entries * ENTRY_BYTES)]

    def _chain(self, cluster: int) -> Iterator[int]:
        width, mask = (4, 0x0FFF_FFFF) if self._is_fat32 else (2, 0xFFFF)
        table = self._boot.reserved_sectors * SECTOR_BYTES
        page, held = -1, b""
        for _count in range(self._clusters):
            if not _FIRST_CLUSTER <= cluster < self._clusters + _FIRST_CLUSTER:
                raise BootStateError(f"FAT volume: a chain leads to cluster {cluster}")
            yield cluster
            at = cluster * width
            if at // _PAGE_BYTES != page:
                page = at // _PAGE_BYTES
                held = self._storage.read(table + page * _PAGE_BYTES, _PAGE_BYTES)
            inside = at % _PAGE_BYTES
            cluster = int.from_bytes(held[inside : inside + width], "little") & mask
            if cluster >= mask - 7:
                return
        raise BootStateError("FAT volume: a chain has no end")


def packed(name: str, alias: bytes, *, cluster: int, length_bytes: int) -> bytes:
    """Return the two entries of a file: a long name of at most 13 characters, and a short one."""
    units = f"{name}\0".encode("utf-16-le")[: 2 * UNITS].ljust(2 * UNITS, b"\xff")
    if len(name) > UNITS:
        raise BootStateError(f"{name}: a name of more than {UNITS} characters")
    long = LongName.of(1, units, alias, is_last=True)
    short = ShortName(alias, _ARCHIVE, cluster >> 16, cluster & 0xFFFF, length_bytes)
    return long.pack() + short.pack()


def _with(
    long: list[tuple[int, LongName]], offset_bytes: int, data: bytes
) -> list[tuple[int, LongName]]:
    try:
        return [*long, (offset_bytes, LongName.unpack(data))]
    except FormatError:
        return []


def _entry(short: ShortName, long: list[tuple[int, LongName]], offset_bytes: int) -> Entry:
    """Return an entry; a long name that is not whole is not its own."""
    orders = [one.order for _offset, one in long]
    wanted = [
        number | (_LAST_LONG if number == len(long) else 0) for number in range(len(long), 0, -1)
    ]
    is_own = bool(long) and orders == wanted
    is_own = is_own and all(one.checksum == _checksum(short.name) for _offset, one in long)
    name = "".join(one.text() for _offset, one in reversed(long)) if is_own else short.text()
    offsets = tuple(offset for offset, _one in long) if is_own else ()
    return Entry(
        name,
        short.cluster_high << 16 | short.cluster_low,
        short.length_bytes,
        is_folder=bool(short.attributes & _FOLDER),
        offsets_bytes=(*offsets, offset_bytes),
    )


def _checksum(alias: bytes) -> int:
    total = 0
    for byte in alias:
        total = ((total >> 1 | total << 7) + byte) & 0xFF
    return total
