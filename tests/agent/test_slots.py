"""Partitions of slots: the running one is only read, and reading back means the medium."""

import os
from pathlib import Path

import pytest

from edge_agent.errors import SlotError
from edge_agent.slots import DeviceSlots, DeviceVolume

LENGTH = 64 << 10


@pytest.fixture
def slots(tmp_path: Path) -> DeviceSlots:
    for name in ("boot-a", "boot-b", "rootfs-a", "rootfs-b"):
        (tmp_path / name).write_bytes(name.encode().ljust(LENGTH, b"\0"))
    return DeviceSlots("a", tmp_path)


def test_the_slot_that_runs_is_read_and_refuses_to_be_written(slots: DeviceSlots) -> None:
    volume = slots.running("boot")

    assert volume.pread(6, 0) == b"boot-a"
    with pytest.raises(SlotError, match="the slot that runs is not written"):
        volume.pwrite(b"x", 0)
    assert (slots.folder / "boot-a").read_bytes()[:6] == b"boot-a"


def test_the_other_slot_is_written_and_read_back(slots: DeviceSlots) -> None:
    volume = slots.written("rootfs")

    volume.pwrite(b"new" * 5000, 4096)
    volume.flush()

    assert slots.target == "b"
    assert volume.read_back(15000, 4096) == b"new" * 5000
    assert volume.read_back(8192, LENGTH - 4096) == bytes(4096)
    assert (slots.folder / "rootfs-b").read_bytes()[4096:4099] == b"new"


@pytest.mark.parametrize(("length", "offset"), [(1, 0), (4097, 4096), (LENGTH, 0), (100, 7)])
def test_reading_back_gives_any_part(slots: DeviceSlots, length: int, offset: int) -> None:
    data = os.urandom(LENGTH)
    volume = slots.written("boot")
    volume.pwrite(data, 0)
    volume.flush()

    assert volume.read_back(length, offset) == data[offset : offset + length]


def test_what_does_not_fit_is_refused(slots: DeviceSlots) -> None:
    with pytest.raises(SlotError, match=f"{LENGTH + 1} bytes do not fit"):
        slots.written("boot").pwrite(b"xx", LENGTH - 1)

    assert slots.written("boot").length_bytes() == LENGTH


def test_a_partition_that_is_not_there_is_told(tmp_path: Path) -> None:
    volume = DeviceVolume(tmp_path / "boot-b", is_writable=True)

    with pytest.raises(SlotError, match="boot-b: No such file or directory at byte 4096"):
        volume.pread(1, 4096)


def test_a_volume_that_was_closed_opens_again(slots: DeviceSlots) -> None:
    volume = slots.written("boot")
    volume.read_back(4096, 0)
    volume.close()

    assert volume.pread(6, 0) == b"boot-b"
    volume.close()


def test_a_medium_that_takes_nothing_is_told() -> None:
    volume = DeviceVolume(Path("/dev/full"), is_writable=True)
    volume.length_bytes = lambda: LENGTH  # type: ignore[method-assign]

    with pytest.raises(SlotError, match="/dev/full: No space left on device at byte 0"):
        volume.pwrite(b"x" * 512, 0)
