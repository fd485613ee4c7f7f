"""What a device must never go below is never lowered, whatever happens to the partition."""

import zlib
from dataclasses import dataclass, replace

import pytest

from edge_agent.counters import Floor, StoredCounters
from edge_agent.errors import BootStateError, CountersError
from edge_signing.formats import trust_state
from tests.fakes.block_device import BlockDevice, PowerCutError
from tests.fakes.sightings import sighting

SECTORS = trust_state.COPY_BYTES // 512
RUNNING = Floor(counter=2, floor_s=1000)
HIGH = Floor(counter=7, targets=sighting(4), floor_s=2000)


def device() -> BlockDevice:
    return BlockDevice(bytearray(4 << 20))


def counters(storage: BlockDevice) -> StoredCounters:
    return StoredCounters(storage, running=RUNNING)


def test_a_new_device_has_the_floor_of_what_runs() -> None:
    found = counters(device())

    assert (found.floor(), found.complaint()) == (RUNNING, "")


def test_a_new_device_is_blank_until_it_was_started() -> None:
    storage = device()
    assert counters(storage).is_blank()

    counters(storage).begin()

    assert not counters(storage).is_blank()
    assert (counters(storage).floor(), counters(storage).complaint()) == (RUNNING, "")
    assert StoredCounters(storage, running=Floor()).floor() == Floor()


def test_noise_is_not_a_new_device() -> None:
    storage = device()
    storage.write(0x20_0000, b"noise".ljust(trust_state.COPY_BYTES, b"\0"))

    assert not counters(storage).is_blank()


def test_what_was_raised_stays() -> None:
    storage = device()
    counters(storage).raise_to(HIGH)

    counters(storage).raise_to(Floor(counter=3, targets=sighting(9, root=2)))

    assert counters(storage).floor() == Floor(7, sighting(9, root=2), 2000)
    assert StoredCounters(storage, running=Floor()).floor() == Floor(7, sighting(9, root=2), 2000)


def test_a_version_of_keys_that_were_replaced_is_lowered_and_nothing_else() -> None:
    storage = device()
    counters(storage).raise_to(HIGH)
    after = sighting(1, root=2, keys="b")

    counters(storage).raise_to(Floor(targets=after))

    assert counters(storage).floor() == replace(HIGH, targets=after)


def test_what_was_seen_before_the_keys_were_replaced_comes_too_late() -> None:
    storage = device()
    after = Floor(7, sighting(1, root=2, keys="b"))
    counters(storage).raise_to(after)

    counters(storage).raise_to(HIGH)

    assert counters(storage).floor() == replace(HIGH, targets=after.targets)


def test_a_state_of_an_earlier_format_is_told_and_written_anew() -> None:
    storage = device()
    for number, at in enumerate(trust_state.COPY_OFFSETS_BYTES):
        body = b"EDGETRU1" + bytes([number + 1, 0, 0, 0]) + b"\xff" * 20
        body = body.ljust(trust_state.COPY_BYTES - 4, b"\0")
        storage.medium[at : at + 4096] = zlib.crc32(body).to_bytes(4, "little") + body

    found = counters(storage)

    assert (found.floor(), "no copy is valid" in found.complaint()) == (RUNNING, True)
    found.raise_to(HIGH)
    assert (found.floor(), found.complaint()) == (HIGH, "")


def test_a_floor_that_is_reached_is_not_written_again() -> None:
    storage = device()
    counters(storage).raise_to(HIGH)
    storage.writes.clear()

    counters(storage).raise_to(HIGH)

    assert storage.writes == []


def test_the_copies_are_written_in_turn_and_outside_the_boot_state() -> None:
    storage = device()

    for counter in (5, 6, 7):
        counters(storage).raise_to(Floor(counter=counter))

    assert storage.writes == [0x20_0000, 0x30_0000, 0x20_0000]


def test_the_mark_of_what_was_armed_leaves_the_floor_as_it_is() -> None:
    storage = device()
    counters(storage).raise_to(HIGH)

    counters(storage).set_armed(b"m" * 32)

    assert counters(storage).armed() == b"m" * 32
    assert counters(storage).floor() == HIGH


@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("torn_bytes", [0, 1, 511], ids="torn at {}".format)
def test_a_power_cut_at_any_sector_leaves_the_old_floor_or_the_new(
    torn_bytes: int, backwards: bool
) -> None:
    start = device()
    counters(start).raise_to(HIGH)
    higher = Floor(9, sighting(1, root=2, keys="b"), 9000)

    for sectors in range(SECTORS):
        cut = BlockDevice(bytearray(start.medium), sectors, torn_bytes, backwards)
        with pytest.raises(PowerCutError):
            counters(cut).raise_to(higher)
        restarted = counters(BlockDevice(cut.medium))

        assert restarted.floor() in (HIGH, higher)
        restarted.raise_to(higher)
        assert restarted.floor() == higher


def test_noise_is_told_and_the_floor_of_what_runs_counts() -> None:
    storage = device()
    for at in trust_state.COPY_OFFSETS_BYTES:
        storage.medium[at : at + 4096] = b"\x5a" * 4096

    found = counters(storage)

    assert found.floor() == RUNNING
    assert "no copy is valid" in found.complaint()
    found.raise_to(HIGH)
    assert (found.floor(), found.complaint()) == (HIGH, "")


@dataclass
class Forgetful(BlockDevice):
    """Takes writes and keeps none."""

    def write(self, offset_bytes: int, data: bytes) -> None:
        self.writes.append(offset_bytes)


def test_a_write_that_does_not_read_back_is_an_error() -> None:
    with pytest.raises(CountersError, match="copy 1 does not read back as written"):
        counters(Forgetful(bytearray(4 << 20))).raise_to(HIGH)


class Broken(BlockDevice):
    """Cannot be read."""

    def read(self, offset_bytes: int, length_bytes: int) -> bytes:
        raise BootStateError(f"bootstate: Input/output error ({offset_bytes}, {length_bytes})")


def test_a_partition_that_cannot_be_read_is_told() -> None:
    found = counters(Broken(bytearray()))

    assert found.floor() == RUNNING
    assert found.armed() == trust_state.NOTHING_ARMED
    assert "Input/output error" in found.complaint()
    with pytest.raises(CountersError):
        found.raise_to(HIGH)
