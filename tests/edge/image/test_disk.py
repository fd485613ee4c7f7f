"""Whole disk images with their block maps."""

import os
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from edge import digest
from edge.errors import EdgeError, InputError
from edge.image import bootstate, disk_check, fat, gpt
from edge.image.disk import bmap_path, write_disk
from edge.image.extent import Contents, Extent, Source
from edge.image.plan import MIB, DiskPlan, Layout, plan
from edge.process import Completed
from edge_signing.formats import boot_state, trust_state


def small_disk() -> DiskPlan:
    sizes = Layout(boot_mib=16, rootfs_mib=8, firmware_mib=8, data_mib=8, table="gpt-hybrid")
    return plan(sizes, seed="disk")


def contents(folder: Path) -> dict[str, Source]:
    rootfs = folder / "rootfs.img"
    rootfs.write_bytes(b"r" * 5 * MIB + bytes(MIB) + b"s" * 4096)
    files: dict[str, bytes | Path] = {
        "boot.scr": b"script",
        "overlays/one.dtbo": b"o" * 9000,
        "kernel": rootfs,
    }
    return {
        "firmware": fat.volume({"boot.scr": b"x"}, size_bytes=8 * MIB, label="FIRMWARE", serial=1),
        "bootstate": bootstate.contents(),
        "boot-a": fat.volume(files, size_bytes=16 * MIB, label="BOOT", serial=2),
        "rootfs-a": rootfs,
    }


def written(folder: Path) -> tuple[Path, DiskPlan]:
    path, disk = folder / "disk.img", small_disk()
    write_disk(path, disk, contents(folder))
    return path, disk


def stored(path: Path, disk: DiskPlan, name: str) -> bytes:
    part = disk.partition(name)
    return path.read_bytes()[part.offset_bytes : part.offset_bytes + part.size_bytes]


def test_contents_lie_in_their_partitions(tmp_path: Path) -> None:
    path, disk = written(tmp_path)

    rootfs = (tmp_path / "rootfs.img").read_bytes()
    assert stored(path, disk, "rootfs-a") == rootfs.ljust(8 * MIB, b"\0")
    assert stored(path, disk, "bootstate")[MIB:][:4096] == boot_state.factory_copies()[1]
    assert not any(stored(path, disk, "bootstate")[2 * MIB :])
    assert not any(stored(path, disk, "rootfs-b"))
    assert path.stat().st_size == disk.size_bytes
    with path.open("rb") as stream:
        assert gpt.read(stream, disk_bytes=disk.size_bytes) == disk


def test_the_image_is_sparse_and_the_same_again(tmp_path: Path) -> None:
    path, disk = written(tmp_path)
    again = tmp_path / "again.img"

    write_disk(again, disk, contents(tmp_path))

    assert again.read_bytes() == path.read_bytes()
    assert bmap_path(again).read_bytes() == bmap_path(path).read_bytes()
    assert path.stat().st_blocks * 512 < 13 * MIB


def test_the_block_map_has_all_that_must_be_zero_but_no_empty_slot(tmp_path: Path) -> None:
    path, disk = written(tmp_path)

    mapped: set[int] = set()
    for item in ElementTree.parse(bmap_path(path)).iter("Range"):
        first, _dash, last = (item.text or "").strip().partition("-")
        mapped.update(range(int(first), int(last or first) + 1))

    def blocks(name: str, length_bytes: int) -> set[int]:
        start = disk.partition(name).offset_bytes // 4096
        return set(range(start, start + length_bytes // 4096))

    assert blocks("rootfs-a", 6 * MIB + 4096) <= mapped
    assert blocks("data", MIB) <= mapped
    start = disk.partition("bootstate").offset_bytes // 4096
    for at in (*boot_state.COPY_OFFSETS_BYTES, *trust_state.COPY_OFFSETS_BYTES):
        assert start + at // 4096 in mapped  # a used card keeps no state of another life
    assert not blocks("rootfs-b", 8 * MIB) & mapped
    assert not blocks("boot-b", 16 * MIB) & mapped
    assert {0, disk.size_bytes // 4096 - 1} <= mapped


def test_contents_that_do_not_fit_leave_the_old_image(tmp_path: Path) -> None:
    path, disk = written(tmp_path)
    before = path.read_bytes()

    with pytest.raises(InputError, match=r"rootfs-b: .* \(1 bytes\) too much"):
        write_disk(path, disk, {"rootfs-b": bytes(8 * MIB + 1)})

    assert path.read_bytes() == before
    assert bmap_path(path).exists()


def test_a_file_that_is_gone_leaves_the_old_image_and_no_map(tmp_path: Path) -> None:
    path, disk = written(tmp_path)
    before = path.read_bytes()
    gone = Contents(9, (Extent(0, tmp_path / "gone", 9),))

    with pytest.raises(EdgeError, match="gone: No such file"):
        write_disk(path, disk, {"rootfs-a": gone})

    assert path.read_bytes() == before
    assert not bmap_path(path).exists()
    assert not list(tmp_path.glob(".disk*"))


def test_a_full_disk_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(EdgeError, match=r"disk\.img: No space left on device"):
        write_disk(tmp_path / "disk.img", small_disk(), {})

    assert list(tmp_path.iterdir()) == []


def test_contents_for_an_unknown_partition_are_a_mistake_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such partition: rootfs-c"):
        write_disk(tmp_path / "disk.img", small_disk(), {"rootfs-c": b""})


@pytest.mark.parametrize(
    ("name", "offset_bytes", "data"),
    [
        pytest.param("rootfs-a", 5 * MIB - 1, b"x", id="in a mapped range"),
        pytest.param("rootfs-b", 4 * MIB, b"x", id="in a hole"),
        pytest.param("data", 8 * MIB - 1, b"x", id="at the end of the last hole"),
        pytest.param("rootfs-b", 4 * MIB, b"", id="nothing"),
    ],
)
def test_a_change_anywhere_is_seen_against_the_block_map(
    tmp_path: Path, name: str, offset_bytes: int, data: bytes
) -> None:
    path, disk = written(tmp_path)
    with path.open("r+b") as stream:
        stream.seek(disk.partition(name).offset_bytes + offset_bytes)
        stream.write(data)

    assert disk_check.is_described(path, bmap_path(path)) is not bool(data)


def test_a_disk_of_another_length_is_not_the_one_of_its_map(tmp_path: Path) -> None:
    path, disk = written(tmp_path)
    os.truncate(path, disk.size_bytes + 4096)

    assert not disk_check.is_described(path, bmap_path(path))


def test_a_digest_that_is_known_goes_into_the_map_unread(tmp_path: Path) -> None:
    path, disk = tmp_path / "disk.img", small_disk()
    sources = contents(tmp_path)
    rootfs = tmp_path / "rootfs.img"

    write_disk(path, disk, sources, digests={rootfs: digest.of_file(rootfs)})
    told = bmap_path(path).read_bytes()
    write_disk(path, disk, sources)

    assert told == bmap_path(path).read_bytes()


@pytest.mark.tools
def test_bmaptool_copies_the_whole_image(tool: Callable[..., Completed], tmp_path: Path) -> None:
    path, _disk = written(tmp_path)
    copy = tmp_path / "copy.img"

    tool("bmaptool", "copy", path, copy)

    assert copy.read_bytes() == path.read_bytes()


@pytest.mark.tools
def test_partition_tools_find_no_fault(tool: Callable[..., Completed], tmp_path: Path) -> None:
    path, disk = written(tmp_path)

    assert b"No errors detected" in tool("sfdisk", "--verify", path).stdout
    assert b"No problems found" in tool("sgdisk", "-v", path).stdout
    place = f"{path}@@{disk.partition('boot-a').offset_bytes}"
    assert tool("mtype", "-i", place, "::/overlays/one.dtbo").stdout == b"o" * 9000
