"""What lies where on the disk of a board, in words: for people who make a profile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from edge.board.model import TABLE_BYTES, Board
from edge.image import gpt
from edge.image.plan import SECTOR_BYTES, DiskPlan
from edge.image.raw import Placed

_OWN: Final[Mapping[str, str]] = {
    "uboot": "boot.scr",
    "efi": "the menu, kernel and initramfs of both slots",
    "rpi-tryboot": "autoboot.txt",
}
_CONTENTS: Final[Mapping[str, str]] = {
    "bootstate": "boot state, trust state, key of the data, raw",
    "boot-a": "FAT: kernel, initramfs, settings of slot A",
    "boot-b": "FAT: the same of slot B",
    "rootfs-a": "erofs and its hash tree, slot A",
    "rootfs-b": "the same of slot B",
    "data": "ext4 (or LUKS2), made and grown at the first start",
}


@dataclass(frozen=True, slots=True)
class Place:
    """One thing on the disk; `size_bytes` is None while nobody knows it."""

    name: str
    offset_bytes: int
    size_bytes: int | None
    contents: str


def places(board: Board, disk: DiskPlan, loaders: Sequence[Placed]) -> list[Place]:
    """Return all that lies on a disk, in its order.

    Args:
        board: The profile.
        disk: Its partitions.
        loaders: The boot loaders outside of partitions; those that are left out have no size.
    """
    sizes = {one.extent.offset_bytes: one.extent.length_bytes for one in loaders}
    names = ", ".join([*(file.to for file in board.firmware.files), _OWN[board.boot.driver]])
    backup_sector = disk.sectors - gpt.BACKUP_SECTORS
    backup_bytes = gpt.BACKUP_SECTORS * SECTOR_BYTES
    found = [
        Place("(table)", 0, TABLE_BYTES, f"partition table: {board.partition_table.kind}"),
        *(
            Place("(raw)", one.offset_bytes, sizes.get(one.offset_bytes), one.package_file)
            for one in board.firmware.raw
        ),
        *(
            Place(one.name, one.offset_bytes, one.size_bytes, _CONTENTS.get(one.name, ""))
            for one in disk.partitions
            if one.name != "firmware"
        ),
        Place("(table)", backup_sector * SECTOR_BYTES, backup_bytes, "copy of the table"),
    ]
    first = disk.partition("firmware")
    found.append(Place(first.name, first.offset_bytes, first.size_bytes, f"FAT: {names}"))
    return sorted(found, key=lambda one: one.offset_bytes)
