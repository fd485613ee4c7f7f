"""The program that grows the data partition, run as the device runs it: arm64 code on a disk."""

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from edge import digest, paths, process, toolbox
from edge.errors import InputError, ToolError
from edge.image import gpt
from edge.image.plan import MIB, SECTOR_BYTES, DiskPlan, Layout, TableKind, plan
from edge.process import Completed

pytestmark = pytest.mark.tools

Tool = Callable[..., Completed]
SOURCE = paths.PROJECT / "device-agent" / "init" / "src" / "growdata.c"
DISK_BYTES = 24 * MIB
WRITE = re.compile(r"pwrite64\(3,0x\w+,(\d+),(\d+)\) = \1|(fsync)\(3\) = 0")


@dataclass(frozen=True)
class Grow:
    """The program, and what it writes."""

    program: Path

    def __call__(self, disk: Path) -> str:
        """Run it and return what it says."""
        done = process.run([*toolbox.tool("qemu-aarch64"), self.program, disk], timeout_s=60)
        return done.stdout.decode()

    def traced(self, disk: Path) -> list[tuple[int, int] | None]:
        """Run it and return its writes as (offset, length) in bytes; None is a sync."""
        words = [*toolbox.tool("qemu-aarch64"), "-strace", str(self.program), str(disk)]
        found = WRITE.finditer(process.run(words, timeout_s=60).stderr)
        return [None if one[3] else (int(one[2]), int(one[1])) for one in found]


@pytest.fixture(scope="session")
def grow(tmp_path_factory: pytest.TempPathFactory) -> Grow:
    program = tmp_path_factory.mktemp("growdata") / "edge-growdata"
    toolbox.compile_c([SOURCE], program, flags=["-Wall", "-Wextra", "-Werror"])
    return Grow(program)


def layout(table: TableKind = "gpt") -> DiskPlan:
    return plan(
        Layout(boot_mib=2, rootfs_mib=2, firmware_mib=2, data_mib=2, table=table), seed="card"
    )


def card(disk: DiskPlan, path: Path, *, size_bytes: int = DISK_BYTES) -> Path:
    """Write an image with this table to a card that is larger."""
    with path.open("wb") as stream:
        stream.write(gpt.primary(disk))
        stream.seek(disk.size_bytes - gpt.BACKUP_SECTORS * SECTOR_BYTES)
        stream.write(gpt.backup(disk))
        stream.truncate(size_bytes)
    return path


def table_of(disk: Path | bytearray) -> DiskPlan:
    data = bytes(disk) if isinstance(disk, bytearray) else disk.read_bytes()
    return gpt.read(io.BytesIO(data), disk_bytes=len(data))


@pytest.mark.parametrize("table", ["gpt", "gpt-hybrid"])
def test_the_data_partition_reaches_the_end_and_nothing_else_changes(
    grow: Grow, tool: Tool, tmp_path: Path, table: TableKind
) -> None:
    old = layout(table)
    disk = card(old, tmp_path / "disk.img")
    before = disk.read_bytes()

    said = grow(disk)

    new, after = table_of(disk), disk.read_bytes()
    data = new.partition("data")
    assert said == f"data partition grown to {data.size_bytes // MIB} MiB\n"
    assert data.offset_bytes + data.size_bytes == DISK_BYTES - MIB
    assert new.partitions[:-1] == old.partitions[:-1]
    assert replace(data, sectors=old.partitions[-1].sectors) == old.partitions[-1]
    assert (new.guid, new.size_bytes) == (old.guid, DISK_BYTES)
    assert after[:SECTOR_BYTES] == before[:SECTOR_BYTES]  # the MBR, hybrid or not
    backup_bytes = gpt.BACKUP_SECTORS * SECTOR_BYTES
    kept = slice(gpt.PRIMARY_SECTORS * SECTOR_BYTES, -backup_bytes)
    assert digest.of_bytes(after[kept]) == digest.of_bytes(before[kept])
    assert b"No errors detected" in tool("sfdisk", "--verify", disk).stdout
    assert b"No problems found" in tool("sgdisk", "-v", disk).stdout


def test_the_backup_that_it_writes_is_whole_by_itself(grow: Grow, tmp_path: Path) -> None:
    disk = card(layout(), tmp_path / "disk.img")
    grow(disk)
    new, after = table_of(disk), bytearray(disk.read_bytes())

    after[SECTOR_BYTES : 34 * SECTOR_BYTES] = bytes(33 * SECTOR_BYTES)

    assert table_of(after) == new


def test_a_second_run_changes_nothing(grow: Grow, tmp_path: Path) -> None:
    disk = card(layout(), tmp_path / "disk.img")
    grow(disk)
    before = digest.of_file(disk)

    said = grow(disk)

    assert said == "data partition fills the disk\n"
    assert digest.of_file(disk) == before


def test_a_card_as_small_as_the_image_is_left_as_it_is(grow: Grow, tmp_path: Path) -> None:
    old = layout()
    disk = card(old, tmp_path / "disk.img", size_bytes=old.size_bytes)
    before = digest.of_file(disk)

    assert grow(disk) == "data partition fills the disk\n"
    assert digest.of_file(disk) == before


def test_the_backup_is_on_the_disk_before_the_primary_is_touched(
    grow: Grow, tmp_path: Path
) -> None:
    disk = card(layout(), tmp_path / "disk.img")

    writes = grow.traced(disk)

    end = DISK_BYTES - SECTOR_BYTES
    entries = gpt.ENTRIES_SECTORS * SECTOR_BYTES
    assert writes == [
        (end - entries, entries),
        (end, SECTOR_BYTES),
        None,
        (2 * SECTOR_BYTES, entries),
        (SECTOR_BYTES, SECTOR_BYTES),
        None,
    ]


def cut_short(before: bytes, after: bytes, writes: list[tuple[int, int]]) -> Iterator[bytearray]:
    """Give the disk after each sector in the order of the writes, and with each sector torn."""
    now = bytearray(before)
    for offset_bytes, length_bytes in writes:
        for at in range(offset_bytes, offset_bytes + length_bytes, SECTOR_BYTES):
            now[at : at + SECTOR_BYTES] = after[at : at + 60].ljust(SECTOR_BYTES, b"\xa5")
            yield now
            now[at : at + SECTOR_BYTES] = after[at : at + SECTOR_BYTES]
            yield now


def test_a_power_cut_anywhere_leaves_a_whole_table_and_the_next_run_finishes(
    grow: Grow, tmp_path: Path
) -> None:
    disk = card(layout(), tmp_path / "disk.img")
    old, before = layout().partitions, disk.read_bytes()
    writes = [write for write in grow.traced(disk) if write is not None]
    new, after = table_of(disk).partitions, disk.read_bytes()
    whole = digest.of_file(disk)
    seen = []

    for number, cut in enumerate(cut_short(before, after, writes)):
        seen.append(table_of(cut).partitions)
        if number % 24 in {0, 1} or number > 129:
            disk.write_bytes(cut)
            grow(disk)
            assert digest.of_file(disk) == whole

    assert all(partitions in (old, new) for partitions in seen)
    assert seen[-1] == new


def damage(disk: Path, *positions: int) -> None:
    with disk.open("r+b") as stream:
        for position in positions:
            stream.seek(position)
            byte = stream.read(1)[0]
            stream.seek(position)
            stream.write(bytes([byte ^ 1]))


@pytest.mark.parametrize(
    "position", [512, 520, 524, 528, 536, 544, 568, 600, 1024, 1056, 17407], ids="byte {}".format
)
def test_a_damaged_table_without_a_backup_at_the_end_is_refused(
    grow: Grow, tmp_path: Path, position: int
) -> None:
    disk = card(layout(), tmp_path / "disk.img")
    damage(disk, position)
    before = digest.of_file(disk)

    with pytest.raises(ToolError, match="edge-growdata: partition table"):
        grow(disk)

    assert digest.of_file(disk) == before


def test_a_damaged_primary_is_made_anew_from_the_backup(grow: Grow, tmp_path: Path) -> None:
    disk = card(layout(), tmp_path / "disk.img")
    grow(disk)
    whole = digest.of_file(disk)
    damage(disk, 520, 1056)

    said = grow(disk)

    assert said == "partition table made anew from its backup\n"
    assert digest.of_file(disk) == whole


def test_two_damaged_tables_are_refused(grow: Grow, tmp_path: Path) -> None:
    disk = card(layout(), tmp_path / "disk.img")
    grow(disk)
    damage(disk, 520, DISK_BYTES - SECTOR_BYTES + 24)

    with pytest.raises(ToolError, match="partition table"):
        grow(disk)
    with pytest.raises(InputError, match="no valid partition table"):
        table_of(disk)


@pytest.mark.parametrize("name", ["rootfs-c", "dat", "data2", ""])
def test_a_last_partition_of_another_name_is_not_touched(
    grow: Grow, tmp_path: Path, name: str
) -> None:
    old = layout()
    named = replace(old.partitions[-1], name=name)
    disk = card(replace(old, partitions=(*old.partitions[:-1], named)), tmp_path / "disk.img")
    before = digest.of_file(disk)

    with pytest.raises(ToolError, match="last partition is not `data`"):
        grow(disk)

    assert digest.of_file(disk) == before


def test_the_last_partition_is_that_at_the_end_and_not_in_the_table(
    grow: Grow, tmp_path: Path
) -> None:
    old = layout()
    swapped = replace(old, partitions=(old.partitions[-1], *old.partitions[:-1]))
    disk = card(swapped, tmp_path / "disk.img")

    grow(disk)

    assert table_of(disk).partition("data").sectors > old.partition("data").sectors


@pytest.mark.parametrize("size_bytes", [0, 511, 513, 20_000, MIB], ids="{} bytes".format)
def test_what_is_no_gpt_is_refused(grow: Grow, tmp_path: Path, size_bytes: int) -> None:
    disk = tmp_path / "disk.img"
    disk.write_bytes(bytes(size_bytes))

    with pytest.raises(ToolError, match="partition table"):
        grow(disk)

    assert not any(disk.read_bytes())
    assert disk.stat().st_size == size_bytes


def test_a_disk_that_is_not_there_is_told(grow: Grow, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="gone: No such file"):
        grow(tmp_path / "gone")
