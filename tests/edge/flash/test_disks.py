"""Which disks may be written, on machines as they are: nothing that holds data is ever offered."""

from pathlib import Path
from typing import Any

import pytest

from edge.errors import InputError, RefusedError, ThingNotFoundError
from edge.flash.disks import choice, sysfs
from edge.flash.disks.choice import Limits
from edge.flash.disks.disk import Disk, Transport
from tests.fakes.host_disks import GB, HostDisks


@pytest.fixture
def host(tmp_path: Path) -> HostDisks:
    return HostDisks(tmp_path / "root")


def _disks(host: HostDisks) -> tuple[Disk, ...]:
    return sysfs.disks(host.root)


def _offered(host: HostDisks, **limits: Any) -> list[str]:
    return [disk.name for disk in choice.candidates(_disks(host), Limits(**limits))]


def _refusal(host: HostDisks, name: str, **limits: Any) -> str:
    disks = _disks(host)
    disk = choice.by_path(disks, f"/dev/{name}")
    with pytest.raises(RefusedError) as caught:
        choice.require_allowed(disk, disks, Limits(**limits))
    return f"{caught.value} [{caught.value.hint}]"


def test_a_laptop_with_a_card_in_its_reader_offers_the_card_alone(host: HostDisks) -> None:
    host.nvme("nvme0n1", parts={"nvme0n1p1": "/boot/efi", "nvme0n1p2": "=crypto_LUKS"})
    host.built("dm-0", "nvme0n1p2")
    host.built("dm-1", "dm-0", mount="/")
    host.sd("mmcblk0")

    assert _offered(host) == ["mmcblk0"]


def test_an_internal_reader_on_usb_is_offered_though_it_is_built_in(host: HostDisks) -> None:
    host.sata("sda", parts={"sda1": "/"})
    host.usb("sdb", port="2-3", removable=False)

    assert _offered(host) == ["sdb"]


def test_the_system_is_found_through_encryption_and_volume_groups(host: HostDisks) -> None:
    host.usb("sda", serial="SN1", parts={"sda1": "=crypto_LUKS"})
    host.built("dm-0", "sda1")
    host.built("dm-1", "dm-0", mount="/")

    assert "the running system is on it (/)" in _refusal(host, "sda", forced="SN1")


def test_the_system_is_found_on_a_raid_of_two(host: HostDisks) -> None:
    for name in ("sda", "sdb"):
        host.sata(name, serial=f"SN-{name}", parts={f"{name}1": "=linux_raid_member"})
    host.built("md0", "sda1", "sdb1", mount="/")

    for name in ("sda", "sdb"):
        assert "the running system" in _refusal(host, name, forced=f"SN-{name}")
    assert _offered(host) == []


def test_a_board_does_not_overwrite_the_card_that_it_runs_from(host: HostDisks) -> None:
    host.sd("mmcblk0", parts={"mmcblk0p1": "/boot/firmware", "mmcblk0p2": "/"})
    host.usb("sda")

    assert _offered(host) == ["sda"]
    assert "(/, /boot/firmware)" in _refusal(host, "mmcblk0", forced="0x1a2b3c4d")


def test_a_disk_that_is_swapped_to_is_the_system(host: HostDisks) -> None:
    host.usb("sda", serial="SN1", parts={"sda1": "swap"})

    assert "(swap)" in _refusal(host, "sda", forced="SN1")


def test_swap_on_a_volume_group_is_the_system(host: HostDisks) -> None:
    host.usb("sda", serial="SN1", parts={"sda1": "=LVM2_member"})
    host.built("dm-3", "sda1", swap=True)

    assert "(swap)" in _refusal(host, "sda", forced="SN1")


@pytest.mark.parametrize("whole", [False, True], ids=["a partition", "the whole disk"])
def test_a_mounted_stick_is_refused_even_when_it_is_forced(host: HostDisks, whole: bool) -> None:
    place = "/media/me/MY STICK"
    if whole:
        host.usb("sda", serial="SN1", mount=place)
    else:
        host.usb("sda", serial="SN1", parts={"sda1": place})

    refusal = _refusal(host, "sda", forced="SN1")

    assert f"at {place}" in refusal
    assert "umount" in refusal
    assert _offered(host) == []


def test_a_stick_mounted_by_its_path_alone_is_seen(host: HostDisks) -> None:
    host.usb("sda", parts={"sda1": ""})
    host.mount("0:45", "/mnt/data", source="/dev/sda1")  # btrfs has device numbers of its own

    assert "sda1 at /mnt/data" in _refusal(host, "sda")


def test_a_stick_whose_encryption_is_open_is_in_use(host: HostDisks) -> None:
    host.usb("sda", parts={"sda1": "=crypto_LUKS"})
    host.built("dm-7", "sda1")

    assert "it is in use by dm-7" in _refusal(host, "sda")


@pytest.mark.parametrize(
    "content", ["LVM2_member", "linux_raid_member", "crypto_LUKS", "zfs_member", "BitLocker"]
)
def test_a_closed_member_is_written_only_by_its_serial_number(
    host: HostDisks, content: str
) -> None:
    host.usb("sda", serial="SN1", parts={"sda1": f"={content}"})

    assert "sda1 is" in _refusal(host, "sda")
    assert _offered(host) == []
    _require_allowed(host, "sda", forced="SN1")


def test_a_disk_that_is_built_in_is_written_only_by_its_serial_number(host: HostDisks) -> None:
    host.nvme("nvme0n1", serial="S4EWNX0R")
    host.sd("mmcblk0", kind="MMC", serial="0xdeadbeef")
    host.virtio("vdb")

    assert "not removable (nvme)" in _refusal(host, "nvme0n1")
    assert "--force 0xdeadbeef" in _refusal(host, "mmcblk0")
    assert "no serial number" in _refusal(host, "vdb")
    assert _offered(host) == []
    _require_allowed(host, "nvme0n1", forced="S4EWNX0R")


def test_the_serial_number_of_another_disk_forces_nothing(host: HostDisks) -> None:
    host.nvme("nvme0n1", serial="S4EWNX0R")

    assert "not removable" in _refusal(host, "nvme0n1", forced="S4EWNX0")


def test_a_raid_box_on_usb_is_larger_than_any_card(host: HostDisks) -> None:
    host.usb("sda", serial="BOX", size_bytes=12_000 * GB)

    assert "12000 GB, not at most 256 GB" in _refusal(host, "sda")
    assert _offered(host) == []
    _require_allowed(host, "sda", forced="BOX")


def test_two_sticks_with_one_serial_number_can_not_be_forced(host: HostDisks) -> None:
    host.usb("sda", port="1-1.1", serial="0123456789", size_bytes=512 * GB)
    host.usb("sdb", port="1-1.2", serial="0123456789")

    assert "have the same serial number" in _refusal(host, "sda", forced="0123456789")
    assert "unplug it first" in _refusal(host, "sda")


def test_two_sticks_at_a_hub_are_told_apart_by_their_ports(host: HostDisks) -> None:
    host.usb("sda", port="1-1.1", serial="0123456789")
    host.usb("sdb", port="1-1.2", serial="0123456789")
    disks = _disks(host)

    with pytest.raises(RefusedError, match=r"2 disks could be meant.*1-1\.1.*1-1\.2"):
        choice.only_one(disks, Limits())
    assert choice.by_port(disks, "1-1.2").name == "sdb"
    assert [one.name for one in sysfs.disks(host.root, port="1-1.2")] == ["sdb"]
    assert not sysfs.disks(host.root, port="1-1")


def test_a_reader_without_a_card_is_passed_over(host: HostDisks) -> None:
    host.usb("sda", port="1-2", size_bytes=0)
    host.usb("sdb", port="1-2", size_bytes=8 * GB)

    assert _offered(host) == ["sdb"]
    assert "no medium" in _refusal(host, "sda")
    assert choice.by_port(_disks(host), "1-2").name == "sdb"


def test_a_card_with_its_switch_on_is_named_so(host: HostDisks) -> None:
    host.usb("sda", read_only=True)

    assert "read-only" in _refusal(host, "sda")


def test_a_card_smaller_than_the_image_is_refused(host: HostDisks) -> None:
    host.usb("sda", size_bytes=2 * GB)

    assert _offered(host, image_bytes=4 * GB) == []
    assert "4000000000 bytes, the disk 2000000256"[:20] in _refusal(host, "sda", image_bytes=4 * GB)


def test_the_disk_that_the_image_lies_on_is_refused(host: HostDisks) -> None:
    host.usb("sda", parts={"sda1": ""})

    assert "the image itself" in _refusal(host, "sda", holds=("sda1",))


def test_loop_devices_are_written_when_they_are_named_and_never_offered(host: HostDisks) -> None:
    host.loop("loop0", "/tmp/card.img")
    host.loop("loop1", None)

    assert [disk.name for disk in _disks(host)] == ["loop0"]
    assert _offered(host) == []
    _require_allowed(host, "loop0")


def test_a_loop_device_in_use_is_refused(host: HostDisks) -> None:
    host.loop("loop0", "/tmp/card.img")
    host.mount("8:1", "/mnt", source="/dev/loop0")

    assert "mounted" in _refusal(host, "loop0")


def test_boot_areas_of_an_emmc_and_ram_disks_are_no_disks(host: HostDisks) -> None:
    host.sd("mmcblk0", kind="MMC")
    host.virtio("mmcblk0boot0")
    host.virtio("ram0")
    host.virtio("zram0")

    assert [(disk.name, disk.transport) for disk in _disks(host)] == [("mmcblk0", Transport.EMMC)]


def test_a_partition_is_no_target(host: HostDisks) -> None:
    host.usb("sda", parts={"sda1": ""})

    with pytest.raises(InputError, match="is a partition") as caught:
        choice.by_path(_disks(host), "/dev/sda1")
    assert caught.value.hint == "--to /dev/sda"


def test_without_any_card_the_hint_says_what_was_seen(host: HostDisks) -> None:
    host.nvme("nvme0n1", parts={"nvme0n1p1": "/"})

    with pytest.raises(ThingNotFoundError) as caught:
        choice.only_one(_disks(host), Limits())
    assert "/dev/nvme0n1 (SanDisk Ultra): the running system" in str(caught.value.hint)


def test_serial_numbers_come_from_the_usb_device_or_from_udev(host: HostDisks) -> None:
    host.usb("sda", serial="4C530001")
    host.sata("sdb", serial="WD-123")

    assert {disk.name: disk.serial for disk in _disks(host)} == {"sda": "4C530001", "sdb": "WD-123"}


def _require_allowed(host: HostDisks, name: str, **limits: Any) -> None:
    disks = _disks(host)
    choice.require_allowed(
        choice.by_path(disks, f"/dev/{name}"),
        disks,
        Limits(**limits),
    )
