"""What a power cut, and damage, leave of the menu of systemd-boot."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.boot.efi import FOLDER, EfiControl
from edge_agent.boot.fat import Entry, Volume
from edge_agent.errors import BootStateError
from edge_signing.formats.boot_state import Slot
from tests.agent.test_efi_control import Change, arm_b, commit, disarm
from tests.fakes.block_device import PowerCutError
from tests.fakes.efi_menu import MENU, armed, control, new_device, settled, started, tried
from tests.fakes.systemd_boot import MenuDevice


def sectors_of(change: Change, device: MenuDevice, slot: Slot) -> int:
    whole = device.again()
    change(control(whole, slot))
    counting = device.again(sectors=10_000)
    change(control(counting, slot))
    return 10_000 - counting.sectors_before_cut


def go_back(driver: EfiControl) -> None:
    driver.arm("a", 9)


@pytest.mark.parametrize(
    ("make", "slot", "change"),
    [
        pytest.param(new_device, "a", arm_b, id="arm"),
        pytest.param(tried, "b", commit, id="commit"),
        pytest.param(armed, "a", commit, id="commit before the restart"),
        pytest.param(armed, "a", disarm, id="disarm"),
        pytest.param(settled, "b", go_back, id="back"),
        pytest.param(settled, "b", disarm, id="disarm a committed one"),
    ],
)
@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("torn_bytes", [0, 33, 511], ids="torn at {}".format)
def test_a_power_cut_at_any_sector_leaves_the_old_state_or_the_new(
    make: Callable[[], MenuDevice], slot: Slot, change: Change, torn_bytes: int, backwards: bool
) -> None:
    before = make()
    old = control(before, slot).state()
    after = before.again()
    change(control(after, slot))
    new = control(after, slot).state()

    for sectors in range(sectors_of(change, before, slot)):
        device = before.again(sectors, torn_bytes, backwards=backwards)
        with pytest.raises(PowerCutError):
            change(control(device, slot))

        restarted = device.again()
        assert control(restarted, slot).state() in (old, new)
        assert started(device.again()) in {*old.order, *new.order}

        change(control(restarted, slot))
        assert control(restarted, slot).state() == new


@pytest.mark.parametrize("torn_bytes", [0, 7, 40, 511], ids="torn at {}".format)
@pytest.mark.parametrize("make", [armed, tried])
def test_a_power_cut_while_the_try_is_counted_loses_no_committed_slot(
    make: Callable[[], MenuDevice], torn_bytes: int
) -> None:
    before = make()

    for sectors in range(3):
        device = before.again(sectors, torn_bytes)
        with pytest.raises(PowerCutError):
            started(device)

        restarted = device.again()
        slot = started(restarted)
        driver = control(restarted, slot)
        driver.commit()
        assert driver.state().order[0] == slot
        driver.disarm()
        driver.arm(driver.other())
        assert started(restarted) == driver.other()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(["arm", "commit", "disarm", "start"]), max_size=10),
    st.integers(0, 120),
    st.sampled_from([0, 40, 511]),
)
def test_whatever_happens_a_slot_that_is_whole_is_started(
    steps: list[str], sectors: int, torn_bytes: int
) -> None:
    device = new_device().again(sectors, torn_bytes)
    slot: Slot = "a"

    try:
        for step in steps:
            driver = control(device, slot)
            if step == "arm":
                driver.arm(driver.other())
            elif step == "commit":
                driver.commit()
            elif step == "disarm":
                driver.disarm()
            else:
                slot = started(device)
    except PowerCutError:
        pass

    assert started(device.again()) in {"a", "b"}


def damaged(places: list[tuple[int, int]]) -> Iterator[MenuDevice]:
    start = Volume(new_device()).spans(Volume(new_device()).find(FOLDER))[0][0]
    for base in (0, 8 * 512, start):
        data = bytearray(MENU)
        for at, value in places:
            data[base + at] = value
        yield MenuDevice(bytes(data))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2600), st.integers(0, 255)), min_size=1, max_size=20))
def test_no_damage_raises_anything_but_an_error_of_ours(places: list[tuple[int, int]]) -> None:
    for device in damaged(places):
        for change in (arm_b, commit, disarm):
            try:
                control(device.again()).state()
                change(control(device.again()))
            except BootStateError:
                pass


def test_a_chain_without_an_end_is_told() -> None:
    device = new_device()
    volume = Volume(device)
    entry = volume.find("edge/a/Image")
    table = bytearray(MENU)
    at = MENU.index(b"\xf8\xff\xff\xff")  # the first two entries of the table
    at += 2 * entry.cluster
    table[at : at + 2] = entry.cluster.to_bytes(2, "little")
    broken = Volume(MenuDevice(bytes(table)))

    with pytest.raises(BootStateError, match="has no end"):
        broken.spans(broken.find("edge/a/Image"))
    with pytest.raises(BootStateError, match="leads to cluster 1"):
        broken.spans(Entry("x", 1, 9, is_folder=False, offsets_bytes=()))
