"""The partitions of a disk."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import InputError
from edge.image.plan import MIB, DiskPlan, Layout, plan, require_fit

LAYOUT = Layout(boot_mib=64, rootfs_mib=128, firmware_mib=16, data_mib=32)
NAMES = ["firmware", "bootstate", "boot-a", "boot-b", "rootfs-a", "rootfs-b", "data"]

layouts = st.builds(
    Layout,
    boot_mib=st.integers(1, 5000),
    rootfs_mib=st.integers(1, 100_000),
    firmware_mib=st.integers(1, 5000),
    data_mib=st.integers(1, 5_000_000),
    table=st.sampled_from(["gpt", "gpt-hybrid"]),
    start_mib=st.integers(1, 64),
)


def disk() -> DiskPlan:
    return plan(LAYOUT, seed="test")


def test_the_partitions_stand_in_order_at_golden_places() -> None:
    rows = [
        (part.name, part.offset_bytes // MIB, part.size_bytes // MIB) for part in disk().partitions
    ]

    assert rows == [
        ("firmware", 1, 16),
        ("bootstate", 17, 4),
        ("boot-a", 21, 64),
        ("boot-b", 85, 64),
        ("rootfs-a", 149, 128),
        ("rootfs-b", 277, 128),
        ("data", 405, 32),
    ]
    assert disk().size_bytes == 438 * MIB


@given(layouts)
def test_partitions_fill_the_disk_without_gap_or_overlap(layout: Layout) -> None:
    made = plan(layout, seed="any")

    ends = [part.offset_bytes + part.size_bytes for part in made.partitions]
    assert [part.name for part in made.partitions] == NAMES
    starts = [part.offset_bytes for part in made.partitions]
    assert starts == [layout.start_mib * MIB, *ends[:-1]]
    assert made.size_bytes == ends[-1] + MIB
    assert all(part.offset_bytes % MIB == 0 for part in made.partitions)


def test_guids_are_golden_and_differ_by_name_and_by_seed() -> None:
    guids = {part.guid for part in disk().partitions} | {disk().guid}

    assert str(disk().guid) == "86762c95-c66e-51be-be59-8832b770d26d"
    assert len(guids) == 8
    assert not guids & {part.guid for part in plan(LAYOUT, seed="other").partitions}


def test_only_the_firmware_partition_is_bootable_and_in_a_hybrid_mbr() -> None:
    made = plan(replace(LAYOUT, table="gpt-hybrid"), seed="test")

    assert [part.name for part in made.partitions if part.attributes == 4] == ["firmware"]
    assert [part.name for part in made.partitions if part.mbr_type == 0x0C] == ["firmware"]
    assert not any(part.mbr_type for part in disk().partitions)


@pytest.mark.parametrize("field", ["boot_mib", "rootfs_mib", "firmware_mib", "data_mib"])
def test_a_partition_without_size_is_refused(field: str) -> None:
    sizes = {"boot_mib": 1, "rootfs_mib": 1, "firmware_mib": 1, "data_mib": 1, field: 0}
    layout = Layout(
        boot_mib=sizes["boot_mib"],
        rootfs_mib=sizes["rootfs_mib"],
        firmware_mib=sizes["firmware_mib"],
        data_mib=sizes["data_mib"],
    )

    with pytest.raises(InputError, match="0 MiB is no size"):
        plan(layout, seed="test")


def test_what_fits_exactly_is_taken() -> None:
    require_fit(disk().partition("rootfs-a"), 128 * MIB)


def test_contents_that_are_too_large_name_the_three_largest_services() -> None:
    services = {"log": 5 * MIB, "agent": 30 * MIB, "time": MIB, "network": 7 * MIB}

    with pytest.raises(InputError) as caught:
        require_fit(disk().partition("rootfs-a"), 130 * MIB + 4096, services=services)

    assert str(caught.value) == (
        "rootfs-a: the contents need 130.00 MiB, the partition has 128 MiB:"
        " 2.00 MiB (2101248 bytes) too much;"
        " largest services: agent 30.0 MiB, network 7.0 MiB, log 5.0 MiB"
    )
    assert caught.value.hint == (
        "make slots.rootfs_mib at least 131 in the board file, or take something out"
    )


def test_without_services_none_are_named() -> None:
    with pytest.raises(InputError, match=r"\(1 bytes\) too much$"):
        require_fit(disk().partition("boot-a"), 64 * MIB + 1)
