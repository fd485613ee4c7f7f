"""The boot script in real U-Boot, in QEMU, against the model of it and the agent's reader."""

import random
import zlib
from collections.abc import Sequence

import pytest

from edge_signing.formats import boot_state
from edge_signing.formats.boot_state import ARMED_LEFT, BootState, Slot
from tests.fakes import uboot
from tests.fakes.boot_machine import BootMachine

pytestmark = pytest.mark.tools

NOTHING = bytes(boot_state.COPY_BYTES)
ALL_LEFT: dict[Slot, int] = {"a": ARMED_LEFT, "b": ARMED_LEFT}


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> BootMachine:
    return BootMachine(tmp_path_factory.mktemp("boot-machine"))


def copy(seq: int, order: str = "a b", a: int = 2, b: int = 3) -> bytes:
    slots: tuple[Slot, ...] = tuple(slot for slot in boot_state.SLOTS if slot in order.split())
    if order.startswith("b"):
        slots = slots[::-1]
    return BootState(seq, slots, {"a": a, "b": b}).pack()


def damaged(whole: bytes) -> bytes:
    return whole[:40] + bytes([whole[40] ^ 1]) + whole[41:]


def sealed(**values: str) -> bytes:
    """Return a copy with a right checksum, whatever is in it."""
    strings = "".join(f"{name}={value}\0" for name, value in sorted(values.items()))
    content = strings.encode().ljust(boot_state.COPY_BYTES - 4, b"\0")
    return zlib.crc32(content).to_bytes(4, "little") + content


def expect_as_the_model(machine: BootMachine, copies: Sequence[bytes]) -> Slot | None:
    """Start the machine once; its choice and both copies must be those of the model."""
    expected, index, state = uboot.chosen(copies)
    wanted = list(copies)
    wanted[index] = state.pack()

    slot = machine.start()

    assert slot == expected
    assert BootState.unpack(machine.copies()[index]) == state
    assert list(machine.copies()) == wanted
    return slot


@pytest.mark.parametrize(
    "copies",
    [
        pytest.param((copy(7), copy(8, "b a")), id="the second is newer"),
        pytest.param((copy(0x10), copy(0xF, "b a")), id="numbers are hex"),
        pytest.param((damaged(copy(9, "b a")), copy(8)), id="the newer one is damaged"),
        pytest.param((copy(9, "b"), damaged(copy(8))), id="the older one is damaged"),
        pytest.param((damaged(copy(9)), damaged(copy(8))), id="both are damaged"),
        pytest.param((NOTHING, NOTHING), id="nothing is there"),
        pytest.param((copy(5, "b a"), copy(5, "a")), id="both have one number"),
        pytest.param((copy(5, "b", a=9, b=0), copy(4)), id="one slot without starts"),
        pytest.param((copy(0xFFFF_FFFE), copy(0xFFFF_FFFD)), id="a huge number"),
    ],
)
def test_one_start_does_what_the_model_does(
    machine: BootMachine, copies: tuple[bytes, bytes]
) -> None:
    machine.make_disk(copies)

    expect_as_the_model(machine, copies)


def test_starts_are_counted_down_and_given_again(machine: BootMachine) -> None:
    machine.make_disk((copy(1, "b a", a=1, b=2), NOTHING))

    slots = [expect_as_the_model(machine, machine.copies()) for _ in range(5)]

    assert slots == ["b", "b", "a", None, "b"]


def test_a_new_disk_starts_slot_a(machine: BootMachine) -> None:
    machine.make_disk(boot_state.factory_copies())

    assert expect_as_the_model(machine, machine.copies()) == "a"


def test_random_states_go_as_in_the_model(machine: BootMachine) -> None:
    chance = random.Random("boot script")

    for _ in range(4):
        seqs = chance.sample(range(1, 1 << chance.randrange(2, 32)), 2)
        order = chance.choice(["a", "b", "a b", "b a"])
        copies = [copy(seq, order, chance.randrange(10), chance.randrange(3)) for seq in seqs]
        if chance.random() < 0.3:
            copies[chance.randrange(2)] = NOTHING
        machine.make_disk(copies)

        expect_as_the_model(machine, copies)


@pytest.mark.parametrize("order", ["c", "", "c; echo edge: slot x"])
def test_an_order_without_a_slot_becomes_the_usual_one(machine: BootMachine, order: str) -> None:
    senseless = sealed(BOOT_SEQ="4", BOOT_ORDER=order, BOOT_A_LEFT="2", BOOT_B_LEFT="2")
    machine.make_disk((senseless, NOTHING))

    slot = machine.start()

    assert slot is None
    assert boot_state.newest(machine.copies()) == BootState(5, ("a", "b"), ALL_LEFT)


def test_a_copy_without_a_number_does_not_count(machine: BootMachine) -> None:
    numberless = sealed(BOOT_ORDER="b", BOOT_A_LEFT="2", BOOT_B_LEFT="2")
    machine.make_disk((numberless, copy(6, "a")))

    slot = machine.start()

    assert slot == "a"
    assert boot_state.newest(machine.copies()).seq == 7


def test_no_variable_but_the_four_is_taken_from_the_disk(machine: BootMachine) -> None:
    values = {"BOOT_SEQ": "4", "BOOT_ORDER": "a", "BOOT_A_LEFT": "2", "BOOT_B_LEFT": "0"}
    machine.make_disk((sealed(**values, candidate="b", devtype="none", at_2="0"), NOTHING))

    slot = machine.start()

    assert slot == "a"
    assert boot_state.newest(machine.copies()) == BootState(5, ("a",), {"a": 1, "b": 0})
