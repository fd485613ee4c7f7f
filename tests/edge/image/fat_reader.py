"""A reader of FAT volumes for tests, written apart from the writer."""

import struct
from dataclasses import dataclass

FOLDER, LABEL, LONG = 0x10, 0x08, 0x0F


@dataclass
class FatReader:
    """All files of a volume; asserts what a volume has to keep."""

    data: bytes

    def __post_init__(self) -> None:
        (self.sector, self.cluster, self.reserved, self.copies, self.root) = struct.unpack_from(
            "<HBHBH", self.data, 11
        )
        fat_16 = struct.unpack_from("<H", self.data, 22)[0]
        fat_32, self.root_cluster = struct.unpack_from("<I4xI", self.data, 36)
        self.is_fat32 = fat_16 == 0
        fat_bytes = (fat_32 if self.is_fat32 else fat_16) * self.sector
        fats_at = self.reserved * self.sector
        first, second = (self.data[at : at + fat_bytes] for at in (fats_at, fats_at + fat_bytes))
        assert first == second
        kind = "I" if self.is_fat32 else "H"
        self.table = struct.unpack(f"<{fat_bytes // struct.calcsize(kind)}{kind}", first)
        self.root_at = fats_at + self.copies * fat_bytes
        self.data_at = self.root_at + self.root * 32
        self.used: set[int] = set()

    def files(self) -> dict[str, bytes]:
        if self.is_fat32:
            return self._folder(self._chain(self.root_cluster), "")
        return self._folder(self.data[self.root_at : self.data_at], "")

    def _chain(self, cluster: int) -> bytes:
        pieces = []
        size = self.cluster * self.sector
        while 2 <= cluster < (0x0FFFFFF8 if self.is_fat32 else 0xFFF8):
            assert cluster not in self.used, "a cluster is used twice"
            self.used.add(cluster)
            at = self.data_at + (cluster - 2) * size
            pieces.append(self.data[at : at + size])
            cluster = self.table[cluster]
        return b"".join(pieces)

    def _folder(self, entries: bytes, prefix: str) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        long: list[bytes] = []
        shorts: set[bytes] = set()
        for at in range(0, len(entries), 32):
            entry = entries[at : at + 32]
            if entry[0] == 0:
                assert not any(entries[at:]), "bytes after the end of a folder"
                break
            if entry[11] == LONG:
                long.append(entry)
                continue
            if not entry[11] & LABEL:  # a label may be called like a file
                assert entry[:11] not in shorts
                shorts.add(entry[:11])
            if not entry[11] & LABEL and entry[:1] != b".":
                found.update(self._item(entry, _name(entry, long), prefix))
            long = []
        return found

    def _item(self, entry: bytes, name: str, prefix: str) -> dict[str, bytes]:
        high, low, length = struct.unpack("<H4xHI", entry[20:32])
        content = self._chain(high << 16 | low)
        if entry[11] & FOLDER:
            return self._folder(content, f"{prefix}{name}/")
        assert len(content) - length < self.cluster * self.sector
        return {prefix + name: content[:length]}


def _name(entry: bytes, long: list[bytes]) -> str:
    if long:
        checksum = 0
        for byte in entry[:11]:
            checksum = (((checksum & 1) << 7) | (checksum >> 1)) + byte & 0xFF
        assert all(piece[13] == checksum for piece in long)
        assert [piece[0] & 0x3F for piece in long] == list(range(len(long), 0, -1))
        assert long[0][0] & 0x40
        units = b"".join(p[1:11] + p[14:26] + p[28:32] for p in reversed(long))
        return units.decode("utf-16-le").split("\0")[0].rstrip("\uffff")
    stem, suffix = (part.decode("ascii").rstrip() for part in (entry[:8], entry[8:11]))
    stem = stem.lower() if entry[12] & 0x08 else stem
    suffix = suffix.lower() if entry[12] & 0x10 else suffix
    return f"{stem}.{suffix}" if suffix else stem
