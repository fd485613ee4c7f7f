"""Boot control over the menu of systemd-boot."""

from collections.abc import Callable

import pytest

from edge.image import fat
from edge_agent.boot.control import BootControl
from edge_agent.boot.efi import FILES, HOMES, EfiControl, Menu, Name
from edge_agent.boot.fat import Volume
from edge_agent.errors import BootStateError
from edge_signing.formats.boot_state import BootState, Slot
from tests.fakes import systemd_boot
from tests.fakes.efi_menu import (
    BOOT,
    MENU,
    ROOM,
    boot_volume,
    bytes_of,
    control,
    names,
    new_device,
    settled,
    started,
)
from tests.fakes.systemd_boot import MenuDevice, NothingStartsError

Change = Callable[[EfiControl], None]


def arm_b(driver: EfiControl) -> None:
    driver.arm("b", 3)


def commit(driver: EfiControl) -> None:
    driver.commit()


def disarm(driver: EfiControl) -> None:
    driver.disarm()


def test_a_new_disk_starts_slot_a_and_has_nothing_else() -> None:
    device = new_device()
    driver: BootControl = control(device)

    assert (driver.current(), driver.other()) == ("a", "b")
    assert driver.state() == BootState(1, ("a",), {"a": 9, "b": 0})
    assert started(device) == "a"
    assert names(device) == {"9a.conf", "b.off"}


def test_an_armed_slot_is_tried_first_with_the_files_of_its_boot_partition() -> None:
    device = new_device()

    control(device).arm("b", 3)

    assert control(device).state() == BootState(1, ("b", "a"), {"a": 9, "b": 3})
    assert names(device) == {"5a.conf", "9b+3.conf"}
    assert started(device) == "b"
    assert control(device).state().left == {"a": 9, "b": 2}
    menu = Menu(device)
    entry = next(one.entry for one in menu.named() if one.name.slot == "b")
    assert b"options quiet panic=5 edge.slot=b\n" in b"".join(menu.volume.read(entry))


def test_a_slot_that_is_never_committed_is_left_after_its_tries() -> None:
    device = new_device()
    control(device).arm("b", 3)

    assert [started(device) for _start in range(5)] == ["b", "b", "b", "a", "a"]
    assert control(device).state() == BootState(1, ("a", "b"), {"a": 9, "b": 0})


def test_a_committed_slot_is_first_for_good_and_the_other_stays_second() -> None:
    device = new_device()
    control(device).arm("b", 3)
    assert started(device) == "b"

    control(device, "b").commit()

    assert control(device, "b").state() == BootState(1, ("b", "a"), {"a": 9, "b": 9})
    assert names(device) == {"5a.conf", "9b.conf"}
    assert [started(device) for _start in range(4)] == ["b"] * 4


def test_back_and_forth_between_slots_over_and_over() -> None:
    device = new_device()
    slot: Slot = "a"

    for _round in range(6):
        driver = control(device, slot)
        driver.disarm()
        driver.arm(driver.other())
        slot = started(device)
        assert slot == driver.other()
        control(device, slot).commit()

    assert control(device, slot).state().left == {"a": 9, "b": 9}


def test_going_back_to_a_slot_that_was_committed_needs_no_copy() -> None:
    device = new_device()
    control(device).arm("b")
    assert started(device) == "b"
    control(device, "b").commit()
    before = len(device.writes)

    control(device, "b").arm("a", 9)

    assert len(device.writes) - before == 4  # two names that change, each at a new place
    assert control(device, "b").state().order == ("a", "b")
    assert started(device) == "a"


def test_a_disarmed_slot_is_not_even_the_last_resort() -> None:
    device = new_device()
    control(device).arm("b")

    control(device).disarm()

    assert control(device).state() == BootState(1, ("a",), {"a": 9, "b": 0})
    assert {started(device) for _start in range(12)} == {"a"}


@pytest.mark.parametrize("change", [arm_b, commit, disarm])
def test_a_change_that_is_made_again_writes_nothing(change: Change) -> None:
    device = new_device()
    change(control(device))
    device.writes.clear()

    change(control(device))

    assert device.writes == []


@pytest.mark.parametrize("tries", [0, 10, -1])
def test_arming_for_an_impossible_number_of_starts_is_refused(tries: int) -> None:
    device = new_device()

    with pytest.raises(BootStateError, match="cannot arm"):
        control(device).arm("b", tries)

    assert device.writes == []


def test_files_are_written_only_while_no_entry_shows_them() -> None:
    device = settled()
    other = {**BOOT, "a": boot_volume(b"kernel a 2", b"ramdisk a 2")}
    shown: list[set[str]] = []
    spans = [
        span
        for name in FILES
        for span in Volume(device).spans(Volume(device).find(f"edge/a/{name}"))
    ]

    class Watched(MenuDevice):
        def write(self, offset_bytes: int, data: bytes) -> None:
            if any(start <= offset_bytes < start + length for start, length in spans):
                shown.append(names(self))
            super().write(offset_bytes, data)

    watched = Watched(device.base, dict(device.written))
    control(watched, "b", other).arm("a")

    assert shown == [{"a.off", "9b.conf"}] * 2
    assert systemd_boot.start(watched).kernel == b"kernel a 2"


def test_a_kernel_that_is_too_large_is_refused_and_nothing_of_it_shown() -> None:
    device = new_device()
    large = {**BOOT, "b": boot_volume(b"k" * (ROOM + 1), b"ramdisk")}

    with pytest.raises(BootStateError, match="Image: 4096 bytes are not enough"):
        control(device, "a", large).arm("b")

    assert control(device).state().order == ("a",)
    assert started(device) == "a"


@pytest.mark.parametrize("missing", ["Image", "initrd.img", "slot.env"])
def test_a_slot_without_one_of_its_files_is_not_armed(missing: str) -> None:
    files = {"Image": b"k", "initrd.img": b"r", "slot.env": b"edge_cmdline=quiet\n"}
    del files[missing]
    lacking = bytes_of(fat.volume({**files}, size_bytes=17 << 20, label="BOOT", serial=1))
    device = new_device()

    with pytest.raises(BootStateError, match=f"there is no {missing}"):
        control(device, "a", {**BOOT, "b": lacking}).arm("b")

    assert control(device).state().order == ("a",)


def test_a_command_line_alone_is_an_update_too() -> None:
    device = settled()
    line = {**BOOT, "a": boot_volume(b"kernel a", b"ramdisk a", "quiet other=1")}

    control(device, "b", line).arm("a")

    menu = Menu(device)
    entry = next(one.entry for one in menu.named() if one.name.slot == "a")
    assert b"options quiet other=1 edge.slot=a\n" in b"".join(menu.volume.read(entry))


def test_a_medium_that_does_not_keep_what_is_written_is_told() -> None:
    class Deaf(MenuDevice):
        def write(self, offset_bytes: int, data: bytes) -> None:
            del offset_bytes, data

    with pytest.raises(BootStateError, match="does not read back"):
        control(Deaf(MENU)).arm("b")


def test_a_menu_that_shows_no_slot_is_told() -> None:
    device = new_device()
    Menu(device).rename(Name("a", 0))

    with pytest.raises(BootStateError, match="shows no slot"):
        control(device).state()
    with pytest.raises(BootStateError, match="slot a runs, and has no entry"):
        control(device).disarm()
    with pytest.raises(NothingStartsError):
        started(device)


def test_something_else_than_a_volume_is_told() -> None:
    for data in (bytes(1 << 20), b"\xff" * (1 << 20), b""):
        with pytest.raises(BootStateError, match="FAT"):
            control(MenuDevice(data)).state()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("9a.conf", Name("a", 9)),
        ("5b.conf", Name("b", 5)),
        ("9b+3.conf", Name("b", 9, 3)),
        ("9b+2-1.conf", Name("b", 9, 2)),
        ("5a+0-3.conf", Name("a", 5, 0)),
        ("b.off", Name("b", 0)),
        ("c.off", None),
        ("7a.conf", None),
        ("9a.conf.bak", None),
        ("other.conf", None),
        ("9b+.conf", None),
    ],
)
def test_the_name_of_an_entry_is_its_state(text: str, name: Name | None) -> None:
    assert Name.of(text) == name


def test_the_two_homes_of_a_slot_are_sectors_of_their_own() -> None:
    sectors = [sector for pair in HOMES.values() for sector in pair]

    assert len(set(sectors)) == 4
    assert 0 not in sectors
