"""Boot loaders outside of partitions: where they may lie, and that they get there."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from edge.board.model import TABLE_BYTES, Board, RawFirmware
from edge.board.search import find
from edge.errors import InputError
from edge.image import gpt, raw
from edge.image.disk import bmap_path, write_disk
from edge.image.extent import Extent
from edge.image.plan import MIB, SECTOR_BYTES, DiskPlan, Layout, plan
from edge.oci.tree import Tree, file

SPL = b"spl" * 5000
UBOOT = bytes(4096) + b"u-boot" * 1000


def packages(**files: bytes) -> list[Tree]:
    tree = Tree()
    for name, content in files.items():
        tree.add(f"usr/lib/{name}.bin", file(content))
    return [tree]


def board(*places: tuple[str, int]) -> Board:
    firmware = find("qemu-arm64", environment={}).firmware
    loaders = tuple(
        RawFirmware(package_file=f"usr/lib/{name}.bin", offset_bytes=offset_bytes)
        for name, offset_bytes in places
    )
    return find("qemu-arm64", environment={}).model_copy(
        update={"firmware": firmware.model_copy(update={"raw": loaders})}
    )


def disk(start_mib: int = 2) -> DiskPlan:
    layout = Layout(boot_mib=1, rootfs_mib=1, firmware_mib=1, data_mib=1, start_mib=start_mib)
    return plan(layout, seed="raw")


def test_the_place_of_the_partition_table_is_the_one_of_the_writer() -> None:
    assert TABLE_BYTES == gpt.PRIMARY_SECTORS * SECTOR_BYTES


def test_loaders_lie_at_their_places_whatever_order_they_are_named_in(tmp_path: Path) -> None:
    wanted = board(("uboot", MIB), ("spl", 0x8000))
    loaders = raw.placed(wanted, disk(), packages(spl=SPL, uboot=UBOOT))
    path = tmp_path / "disk.img"

    write_disk(path, disk(), {}, [one.extent for one in loaders])

    written = path.read_bytes()
    assert written[0x8000 : 0x8000 + len(SPL)] == SPL
    assert written[MIB : MIB + len(UBOOT)] == UBOOT
    with path.open("rb") as stream:
        assert gpt.read(stream, disk_bytes=len(written)) == disk()
    assert [one.facts["offset_bytes"] for one in loaders] == [0x8000, MIB]
    assert loaders[0].facts["bytes"] == len(SPL)


def test_the_block_map_has_the_zeros_of_a_loader_too(tmp_path: Path) -> None:
    loaders = raw.placed(board(("uboot", MIB)), disk(), packages(uboot=UBOOT))
    path = tmp_path / "disk.img"

    write_disk(path, disk(), {}, [one.extent for one in loaders])

    ranges = [
        (item.text or "").strip() for item in ElementTree.parse(bmap_path(path)).iter("Range")
    ]
    first = MIB // 4096
    assert f"{first}-{first + 2}" in ranges


def test_no_partition_tool_finds_room_where_a_loader_lies() -> None:
    header = gpt.Header.unpack(gpt.primary(disk(16))[SECTOR_BYTES : 2 * SECTOR_BYTES])

    assert header.first_usable_sector == 16 * MIB // SECTOR_BYTES


@pytest.mark.parametrize(
    ("places", "message", "hint"),
    [
        pytest.param(
            [("spl", 2 * MIB - 512)],
            r"spl.bin at byte 2096640 ends at byte 2111640, the first partition begins at byte"
            r" 2097152",
            "make partition_table.start_mib at least 3 in the board file",
            id="into the first partition",
        ),
        pytest.param(
            [("spl", 0x8000), ("uboot", 0x8000 + 14848)],
            r"spl.bin ends at byte 47768, usr/lib/uboot.bin begins at byte 47616",
            "look up both offsets in the documentation of the ROM and of U-Boot",
            id="into another",
        ),
        pytest.param(
            [("gone", 0x8000)],
            "'usr/lib/gone.bin' matches not one file",
            "look at `packages` and `package_file` in its board.yml",
            id="no such file",
        ),
    ],
)
def test_a_loader_that_does_not_fit_is_refused(
    places: list[tuple[str, int]], message: str, hint: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        raw.placed(board(*places), disk(), packages(spl=SPL, uboot=UBOOT))

    assert caught.value.hint == hint


def test_loaders_may_touch() -> None:
    spl = bytes(512) + b"s" * 512

    found = raw.placed(board(("spl", 0x8000), ("two", 0x8400)), disk(), packages(spl=spl, two=spl))

    assert [one.extent.offset_bytes for one in found] == [0x8000, 0x8400]


@pytest.mark.parametrize("offset_bytes", [0, 512, TABLE_BYTES - 512, 2 * MIB - 512])
def test_an_extent_in_the_table_or_a_partition_is_a_mistake_of_the_caller(
    tmp_path: Path, offset_bytes: int
) -> None:
    with pytest.raises(ValueError, match="is not outside"):
        write_disk(tmp_path / "disk.img", disk(), {}, [Extent(offset_bytes, bytes(1024), 1024)])

    assert not (tmp_path / "disk.img").exists()
