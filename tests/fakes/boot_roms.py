"""What the boot ROMs of two chips ask of a disk before they run anything from it.

Sources: U-Boot 2025.01, tools/rkcommon.c (header0_info, the key of the ROM) and
doc/board/rockchip/rockchip.rst; include/sunxi_image.h (boot_file_head) and
doc/board/allwinner/sunxi.rst; linux-sunxi.org, "BROM".
"""

from collections.abc import Iterator
from typing import BinaryIO

SECTOR_BYTES = 512
FLATTENED_TREE = bytes.fromhex("d00dfeed")  # a FIT is one

ROCKCHIP_SECTOR = 64
ROCKCHIP_UBOOT_SECTOR = 16384
ROCKCHIP_KEY = bytes((124, 78, 3, 4, 85, 5, 9, 7, 45, 44, 123, 56, 23, 13, 23, 17))
ROCKCHIP_SIGNATURE = 0x0FF0_AA55

ALLWINNER_SECTORS = (16, 256)  # 8 KiB, then 128 KiB
ALLWINNER_STAMP = 0x5F0A_6C39
ALLWINNER_MOST_BYTES = 0x8000  # the static memory that the ROM loads to


class RefusedByRomError(Exception):
    """The ROM finds nothing to run."""


def rockchip(disk: BinaryIO) -> bytes:
    """Return the first stage that the ROM of an RK3328 or RK3399 would run."""
    header = rc4(ROCKCHIP_KEY, _read(disk, ROCKCHIP_SECTOR, 1))
    if _word(header, 0) != ROCKCHIP_SIGNATURE:
        raise RefusedByRomError("no ID block at sector 64")
    is_plain, first = _word(header, 8) == 1, _half(header, 12)  # disable_rc4, init_offset
    sectors = _half(header, 506)  # init_size, counted from the first stage
    stage = _read(disk, ROCKCHIP_SECTOR + first, sectors)
    if not is_plain:
        pieces = (stage[at : at + SECTOR_BYTES] for at in range(0, len(stage), SECTOR_BYTES))
        stage = b"".join(rc4(ROCKCHIP_KEY, piece) for piece in pieces)
    return stage


def allwinner(disk: BinaryIO) -> tuple[int, bytes]:
    """Return the sector and the bytes of the first stage that the ROM of an A64 would run."""
    for sector in ALLWINNER_SECTORS:
        head = _read(disk, sector, 1)
        length = _word(head, 16)
        if head[4:12] != b"eGON.BT0" or not 0 < length <= ALLWINNER_MOST_BYTES or length % 512:
            continue
        stage = _read(disk, sector, length // SECTOR_BYTES)
        total = sum(_word(stage, at) for at in range(0, length, 4))
        said = _word(stage, 12)
        if (total - said + ALLWINNER_STAMP) & 0xFFFF_FFFF == said:
            return sector, stage
    raise RefusedByRomError("no eGON.BT0 with its right sum at sectors 16 and 256")


def rc4(key: bytes, data: bytes) -> bytes:
    """Return data in RC4, which is its own way back."""
    return bytes(one ^ two for one, two in zip(data, _stream(key), strict=False))


def _stream(key: bytes) -> Iterator[int]:
    box, j = list(range(256)), 0
    for i in range(256):
        j = (j + box[i] + key[i % len(key)]) % 256
        box[i], box[j] = box[j], box[i]
    i = j = 0
    while True:
        i = (i + 1) % 256
        j = (j + box[i]) % 256
        box[i], box[j] = box[j], box[i]
        yield box[(box[i] + box[j]) % 256]


def _read(disk: BinaryIO, sector: int, count: int) -> bytes:
    disk.seek(sector * SECTOR_BYTES)
    return disk.read(count * SECTOR_BYTES)


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


def _half(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little")
