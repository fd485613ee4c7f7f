"""A sector of boot state or trust state wears out: nothing is armed, and no slot is lost.

Each sector of each copy in turn. A worn sector keeps other bytes than were written, or gives an
error when it is written or read; where that hits the copy that is written next, the change is
refused and the other copy holds what held before.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import pytest

from edge_agent.boot.uboot import UbootControl
from edge_agent.counters import Floor, StoredCounters
from edge_agent.errors import BootStateError, CountersError
from edge_signing.formats import boot_state, trust_state
from edge_signing.formats.boot_state import BootState, Slot
from tests.fakes import uboot
from tests.fakes.block_device import BlockDevice
from tests.fakes.sightings import sighting

Wear = Literal["keeps other bytes", "fails on write", "fails on read"]
WEARS: tuple[Wear, ...] = ("keeps other bytes", "fails on write", "fails on read")
SECTOR = 512
RUNNING = Floor(counter=1)


@dataclass
class WornDevice(BlockDevice):
    """The partition `bootstate` with one worn sector, which reads as it was until it is written.

    Args:
        bad_byte: Where the worn sector begins.
        wear: What is wrong with it.
    """

    bad_byte: int = -1
    wear: Wear = "keeps other bytes"
    failures: list[str] = field(default_factory=list)

    def read(self, offset_bytes: int, length_bytes: int) -> bytes:
        if self.wear == "fails on read" and offset_bytes <= self.bad_byte:
            self._fail_within(offset_bytes, length_bytes)
        return super().read(offset_bytes, length_bytes)

    def write(self, offset_bytes: int, data: bytes) -> None:
        is_hit = offset_bytes <= self.bad_byte < offset_bytes + len(data)
        if is_hit and self.wear == "fails on write":
            super().write(offset_bytes, data[: self.bad_byte - offset_bytes])
            self._fail_within(offset_bytes, len(data))
        super().write(offset_bytes, data)
        if is_hit and self.wear == "keeps other bytes":
            self.medium[self.bad_byte] ^= 0x10

    def _fail_within(self, offset_bytes: int, length_bytes: int) -> None:
        if offset_bytes <= self.bad_byte < offset_bytes + length_bytes:
            self.failures.append(self.wear)
            raise BootStateError(f"bootstate: Input/output error at byte {self.bad_byte}")


def bad_bytes(offsets: tuple[int, ...], copy_bytes: int) -> list[int]:
    return [at + sector for at in offsets for sector in range(0, copy_bytes, SECTOR)]


def device(bad_byte: int, wear: Wear) -> WornDevice:
    """Return a device that was armed and committed before, so that each copy was written."""
    first, second = boot_state.factory_copies()
    medium = bytearray(first.ljust(boot_state.COPY_OFFSETS_BYTES[1], b"\0") + second)
    whole = BlockDevice(medium + bytes((4 << 20) - len(medium)))
    for counter in (5, 6):
        counters(whole).raise_to(Floor(counter, sighting(counter)))
    return WornDevice(whole.medium, bad_byte=bad_byte, wear=wear)


def control(storage: BlockDevice) -> UbootControl:
    return UbootControl(storage, command_line="edge.slot=a")


def counters(storage: BlockDevice) -> StoredCounters:
    return StoredCounters(storage, running=RUNNING)


def booted(storage: WornDevice) -> str | None:
    """Return the slot that the boot script would start; it can not read the worn sector either."""
    copies = []
    for at in boot_state.COPY_OFFSETS_BYTES:
        try:
            copies.append(storage.read(at, boot_state.COPY_BYTES))
        except BootStateError:
            copies.append(b"")
    return uboot.chosen(copies)[0]


BOOT_STATE = bad_bytes(boot_state.COPY_OFFSETS_BYTES, boot_state.COPY_BYTES)
TRUST_STATE = bad_bytes(trust_state.COPY_OFFSETS_BYTES, trust_state.COPY_BYTES)
assert (len(BOOT_STATE), len(TRUST_STATE)) == (16, 16)


@pytest.mark.parametrize("wear", WEARS)
@pytest.mark.parametrize("bad_byte", BOOT_STATE, ids="{:#x}".format)
def test_a_worn_boot_state_arms_nothing_and_loses_no_slot(bad_byte: int, wear: Wear) -> None:
    """The copies are written in turn, so that one of two changes comes to the worn one."""
    storage = device(bad_byte, wear)
    assert booted(storage) == "a"
    armed: Slot = "a"

    for tries in (3, 2):
        try:
            control(storage).arm("b", tries)
        except BootStateError:
            break
        armed = "b"
        assert booted(storage) == "b"
    else:
        pytest.fail("both copies took what was written")

    # What an agent does then. Where the error came after all bytes that matter, the copy is whole.
    is_disarmed = _is_done(lambda: control(storage).disarm())
    assert booted(storage) == ("a" if is_disarmed else armed)
    state = control(storage).state()
    assert "a" in state.order
    assert state.left["a"] == boot_state.COMMITTED_LEFT


def _is_done(change: Callable[[], None]) -> bool:
    try:
        change()
    except BootStateError:
        return False
    return True


@pytest.mark.parametrize("bad_byte", BOOT_STATE[8:], ids="{:#x}".format)
def test_a_write_that_gave_an_error_is_taken_back_even_if_it_came_through(bad_byte: int) -> None:
    storage = device(bad_byte, "fails on write")
    with pytest.raises(BootStateError):
        control(storage).arm("b")

    assert _is_done(lambda: control(storage).disarm())

    assert booted(storage) == "a"
    assert control(storage).state().order == ("a",)


@pytest.mark.parametrize("bad_byte", BOOT_STATE, ids="{:#x}".format)
def test_of_a_worn_boot_state_the_other_copy_serves(bad_byte: int) -> None:
    storage = device(bad_byte, "fails on read")
    is_first = bad_byte < boot_state.COPY_OFFSETS_BYTES[1]

    left = {"a": boot_state.COMMITTED_LEFT, "b": boot_state.EMPTY_LEFT}
    assert control(storage).state() == BootState(1 if is_first else 2, ("a",), left)  # type: ignore[arg-type]
    assert storage.failures


@pytest.mark.parametrize("wear", WEARS)
@pytest.mark.parametrize("bad_byte", TRUST_STATE, ids="{:#x}".format)
def test_a_worn_trust_state_is_told_and_lowers_nothing(bad_byte: int, wear: Wear) -> None:
    storage = device(bad_byte, wear)
    is_newer = bad_byte >= trust_state.COPY_OFFSETS_BYTES[1]
    floor = Floor(6, sighting(6))
    if wear == "fails on read" and is_newer:
        floor = Floor(5, sighting(5))
    assert counters(storage).floor() == floor

    for counter in (7, 8):
        higher = Floor(counter, sighting(counter))
        try:
            counters(storage).raise_to(higher)
        except CountersError:
            assert counters(storage).floor() in (floor, higher)
            break
        assert counters(storage).floor() == higher
        floor = higher
    else:
        pytest.fail("both copies took what was written")

    if wear == "fails on read":
        assert "Input/output error" in counters(storage).complaint()


@pytest.mark.parametrize("wear", WEARS)
@pytest.mark.parametrize("bad_byte", TRUST_STATE, ids="{:#x}".format)
def test_a_worn_trust_state_hinders_no_boot_control(bad_byte: int, wear: Wear) -> None:
    storage = device(bad_byte, wear)

    control(storage).arm("b", 3)

    assert booted(storage) == "b"
