"""Boot control over the two copies of the boot state, and what a power cut leaves of it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.boot.control import BootControl, slot_of
from edge_agent.boot.storage import SyncedFile
from edge_agent.boot.uboot import UbootControl
from edge_agent.errors import BootStateError
from edge_signing.formats import boot_state
from edge_signing.formats.boot_state import BootState, Slot
from tests.fakes import uboot
from tests.fakes.block_device import BlockDevice, PowerCutError

COPY_SECTORS = boot_state.COPY_BYTES // 512

Change = Callable[[UbootControl], None]


def new_medium() -> bytearray:
    first, second = boot_state.factory_copies()
    return bytearray(first.ljust(boot_state.COPY_OFFSETS_BYTES[1], b"\0") + second)


def control(device: BlockDevice, slot: Slot = "a") -> UbootControl:
    return UbootControl(device, command_line=f"quiet edge.slot={slot} panic=5")


def arm_b(driver: UbootControl) -> None:
    driver.arm("b", 3)


def commit(driver: UbootControl) -> None:
    driver.commit()


def test_the_kernel_command_line_names_the_slot_that_runs() -> None:
    driver: BootControl = control(BlockDevice(new_medium()), "b")

    assert (driver.current(), driver.other()) == ("b", "a")


@pytest.mark.parametrize("line", ["", "edge.slot=", "edge.slot=c", "edge.slot", "xedge.slot=a"])
def test_a_command_line_without_a_slot_is_refused(line: str) -> None:
    with pytest.raises(BootStateError, match="names no slot"):
        slot_of(line)


def test_the_last_slot_on_the_command_line_counts() -> None:
    assert slot_of("edge.slot=a quiet edge.slot=b\n") == "b"


def test_an_armed_slot_is_tried_first_and_the_other_keeps_its_starts() -> None:
    driver = control(BlockDevice(new_medium()))

    driver.arm("b", 3)

    assert driver.state() == BootState(3, ("b", "a"), {"a": 9, "b": 3})


@pytest.mark.parametrize("tries", [0, 10, -1])
def test_arming_for_an_impossible_number_of_starts_is_refused(tries: int) -> None:
    device = BlockDevice(new_medium())

    with pytest.raises(BootStateError, match="cannot arm"):
        control(device).arm("b", tries)

    assert device.writes == []


def test_a_committed_slot_is_first_and_the_other_stays_second() -> None:
    device = BlockDevice(new_medium())
    control(device).arm("b", 3)
    assert uboot.start(device) == "b"

    control(device, "b").commit()

    assert control(device).state() == BootState(5, ("b", "a"), {"a": 9, "b": 9})


def test_committing_does_not_bring_an_empty_slot_into_the_order() -> None:
    device = BlockDevice(new_medium())
    uboot.start(device)

    control(device).commit()

    assert control(device).state() == BootState(4, ("a",), {"a": 9, "b": 0})


@pytest.mark.parametrize("change", [arm_b, commit])
def test_a_change_that_is_made_again_writes_nothing(change: Change) -> None:
    device = BlockDevice(new_medium())
    change(control(device))
    device.writes.clear()

    change(control(device))

    assert device.writes == []


def test_the_copies_are_written_in_turn() -> None:
    device = BlockDevice(new_medium())

    for tries in (1, 2, 3):
        control(device).arm("b", tries)

    assert device.writes == [0x10_0000, 0, 0x10_0000]


@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("torn_bytes", [0, 1, 100, 511], ids="torn at {}".format)
@pytest.mark.parametrize("change", [arm_b, commit])
def test_a_power_cut_at_any_sector_leaves_the_old_state_or_the_new(
    change: Change, torn_bytes: int, backwards: bool
) -> None:
    start = BlockDevice(new_medium())
    uboot.start(start)
    old = control(start).state()
    whole = BlockDevice(bytearray(start.medium))
    change(control(whole))
    new = control(whole).state()

    for sectors in range(COPY_SECTORS):
        device = BlockDevice(bytearray(start.medium), sectors, torn_bytes, backwards)
        with pytest.raises(PowerCutError):
            change(control(device))

        restarted = BlockDevice(device.medium)
        assert control(restarted).state() in (old, new)

        change(control(restarted))
        assert control(restarted).state() == new


def test_a_power_cut_while_the_boot_script_writes_loses_no_slot() -> None:
    for sectors in range(COPY_SECTORS):
        device = BlockDevice(new_medium(), sectors, torn_bytes=7)
        with pytest.raises(PowerCutError):
            uboot.start(device)

        assert uboot.start(BlockDevice(device.medium)) == "a"


def test_a_slot_that_is_never_committed_is_given_up_after_its_starts() -> None:
    device = BlockDevice(new_medium())
    control(device).arm("b", 3)

    assert [uboot.start(device) for _ in range(5)] == ["b", "b", "b", "a", "a"]


def test_when_no_slot_has_a_start_left_all_in_the_order_are_tried_again() -> None:
    device = BlockDevice(new_medium())

    assert [uboot.start(device) for _ in range(12)] == ["a"] * 12


@given(st.lists(st.sampled_from(["arm", "commit", "start"]), max_size=12), st.integers(0, 100))
def test_whatever_happens_a_known_slot_is_started(steps: list[str], sectors: int) -> None:
    device = BlockDevice(new_medium(), sectors_before_cut=sectors, torn_bytes=40)
    slot: Slot = "a"
    known: set[Slot] = {"a"}

    try:
        for step in steps:
            driver = control(device, slot)
            if step == "arm":
                driver.arm(driver.other())
                known.add(driver.other())
            elif step == "commit":
                driver.commit()
            else:
                slot = uboot.start(device)
    except PowerCutError:
        pass

    assert uboot.start(BlockDevice(device.medium)) in known


STATES = st.builds(
    BootState,
    seq=st.integers(1, 0xFFFF_FFFD),  # two starts follow
    order=st.sampled_from([("a",), ("b",), ("a", "b"), ("b", "a")]),
    left=st.fixed_dictionaries({"a": st.integers(0, 9), "b": st.integers(0, 9)}),
).map(BootState.pack)
DAMAGED = STATES.map(lambda copy: b"\xff" + copy[1:-1] + b"\xff")


@given(st.tuples(STATES | DAMAGED, STATES | DAMAGED))
def test_what_the_boot_script_writes_counts_from_then_on(copies: tuple[bytes, bytes]) -> None:
    slot, index, state = uboot.chosen(copies)
    after = [state.pack() if number == index else copy for number, copy in enumerate(copies)]

    assert boot_state.newest_index(after) == index
    assert boot_state.newest(after) == state
    assert slot is None or slot in state.order
    again, _index, _state = uboot.chosen(after)
    assert slot is not None or again == state.order[0]  # after three more for all


def test_a_state_without_a_valid_copy_is_told(tmp_path: Path) -> None:
    path = tmp_path / "bootstate"
    path.write_bytes(bytes(2 << 20))

    with pytest.raises(BootStateError, match="no copy is valid") as caught:
        UbootControl(SyncedFile(path), command_line="edge.slot=a").state()

    assert caught.value.reason == str(caught.value)


def test_a_partition_that_is_not_there_is_told(tmp_path: Path) -> None:
    driver = UbootControl(SyncedFile(tmp_path / "gone"), command_line="edge.slot=a")

    with pytest.raises(BootStateError, match="gone: No such file"):
        driver.commit()


def test_a_medium_that_does_not_keep_what_is_written_is_told() -> None:
    class Deaf(BlockDevice):
        def write(self, offset_bytes: int, data: bytes) -> None:
            del offset_bytes, data

    with pytest.raises(BootStateError, match="copy 2 does not read back"):
        control(Deaf(new_medium())).arm("b")


def test_a_file_keeps_the_state(tmp_path: Path) -> None:
    path = tmp_path / "bootstate"
    path.write_bytes(new_medium())

    UbootControl(SyncedFile(path), command_line="edge.slot=a").arm("b")

    after = UbootControl(SyncedFile(path), command_line="edge.slot=b").state()
    assert after == BootState(3, ("b", "a"), {"a": 9, "b": 3})
    assert path.stat().st_size == len(new_medium())
