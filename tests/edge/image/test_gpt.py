"""Partition tables at both ends of a disk."""

import io
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from edge.errors import InputError
from edge.image import gpt
from edge.image.gpt import Header, Mbr, MbrEntry
from edge.image.plan import SECTOR_BYTES, DiskPlan, Layout, TableKind, plan
from edge.process import Completed
from tests.edge.image.test_plan import layouts

VECTORS = Path(__file__).parent.parent.parent / "vectors"


def small(table: TableKind) -> DiskPlan:
    layout = Layout(boot_mib=2, rootfs_mib=2, firmware_mib=2, data_mib=2, table=table)
    return plan(layout, seed="vector")


def image_of(disk: DiskPlan) -> bytearray:
    middle = bytes(disk.size_bytes - (gpt.PRIMARY_SECTORS + gpt.BACKUP_SECTORS) * SECTOR_BYTES)
    return bytearray(gpt.primary(disk) + middle + gpt.backup(disk))


@pytest.mark.parametrize("table", ["gpt", "gpt-hybrid"])
def test_the_bytes_of_a_table_are_golden(table: TableKind) -> None:
    disk = small(table)

    assert gpt.primary(disk) == (VECTORS / f"{table}_primary.bin").read_bytes()
    assert gpt.backup(disk) == (VECTORS / f"{table}_backup.bin").read_bytes()


def test_the_table_of_a_disk_begins_as_the_standard_says() -> None:
    primary = gpt.primary(small("gpt"))

    assert primary[446:512].hex() == (
        "00000200eeffffff01000000ff8f0000" + "00" * 48 + "55aa"  # 0xEE from sector 1 to the end
    )
    assert primary[512:536].hex() == "4546492050415254000001005c000000" + primary[528:532].hex() + (
        "00000000"
    )
    assert primary[536:552].hex() == "0100000000000000ff8f000000000000"
    assert primary[1024:1040].hex() == "a2a0d0ebe5b9334487c068b6b72699c7"  # basic data
    assert primary[1024 + 56 : 1024 + 72].decode("utf-16-le") == "firmware"
    assert len(primary) == 34 * 512


def test_a_hybrid_mbr_lists_the_firmware_first_and_protects_what_is_before_it() -> None:
    mbr = Mbr.unpack(gpt.primary(small("gpt-hybrid"))[:512])

    firmware, protective, *rest = (MbrEntry.unpack(entry) for entry in mbr.entries)
    assert (firmware.kind, firmware.first_sector, firmware.sectors) == (0x0C, 2048, 4096)
    assert (protective.kind, protective.first_sector, protective.sectors) == (0xEE, 1, 2047)
    assert all(entry.kind == 0 for entry in rest)


@given(layouts)
@settings(max_examples=30)
def test_what_is_written_is_read_back(layout: Layout) -> None:
    disk = plan(layout, seed="round trip")

    assert gpt.read(io.BytesIO(gpt.primary(disk)), disk_bytes=disk.size_bytes) == disk


@pytest.mark.parametrize("position", [512, 520, 528, 536, 568, 600, 1024, 1080, 17407])
def test_a_damaged_primary_is_replaced_by_the_backup(position: int) -> None:
    disk = small("gpt")
    image = image_of(disk)
    image[position] ^= 1

    assert gpt.read(io.BytesIO(image), disk_bytes=disk.size_bytes) == disk


def test_two_damaged_tables_are_told() -> None:
    disk = small("gpt")
    image = image_of(disk)
    image[600] ^= 1
    image[-SECTOR_BYTES + 56] ^= 1

    with pytest.raises(InputError, match=r"sector 1: its header is damaged; .*sector 36863"):
        gpt.read(io.BytesIO(image), disk_bytes=disk.size_bytes)


def sealed_image(header: Header, entries: bytes) -> bytes:
    sealed = replace(header, entries_crc32=zlib.crc32(entries)).sealed()
    return bytes(512) + sealed.pack() + entries


def test_a_sealed_table_with_impossible_numbers_is_refused() -> None:
    disk = small("gpt")
    head = gpt.primary(disk)
    header, entries = Header.unpack(head[512:1024]), head[1024:]
    far = replace(header, entries_sector=(1 << 64) - 1)
    outside = entries[:40] + (disk.sectors).to_bytes(8, "little") + entries[48:]

    for image in (sealed_image(far, entries), sealed_image(header, outside)):
        with pytest.raises(InputError, match="no valid partition table"):
            gpt.read(io.BytesIO(image), disk_bytes=disk.size_bytes)


def test_a_disk_without_a_table_is_told() -> None:
    with pytest.raises(InputError, match="no valid partition table"):
        gpt.read(io.BytesIO(bytes(1 << 20)), disk_bytes=1 << 20)


def test_a_header_is_sealed_with_its_own_sum() -> None:
    header = Header.unpack(gpt.primary(small("gpt"))[512:1024])

    assert header.sealed() == header
    assert header.crc32 != 0


@pytest.mark.tools
@pytest.mark.parametrize("table", ["gpt", "gpt-hybrid"])
def test_sfdisk_and_sgdisk_find_no_fault(
    tool: Callable[..., Completed], tmp_path: Path, table: TableKind
) -> None:
    path = tmp_path / "disk.img"
    path.write_bytes(image_of(small(table)))

    assert b"No errors detected" in tool("sfdisk", "--verify", path).stdout
    assert b"No problems found" in tool("sgdisk", "-v", path).stdout
    printed = tool("sgdisk", "-i", 1, path).stdout.decode()
    assert "Partition name: 'firmware'" in printed
    assert "Attribute flags: 0000000000000004" in printed
