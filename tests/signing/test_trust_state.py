"""The trust state: its bytes are on devices, and a damaged copy is none."""

import dataclasses
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_signing.errors import FormatError
from edge_signing.formats import trust_state
from edge_signing.formats.trust_state import COPY_BYTES, TrustState
from edge_signing.trust.sighting import KEYS_MOST, MARK_BYTES
from tests.source_tree import PROJECT

VECTOR = PROJECT / "tests" / "vectors" / "trust_state.bin"
STATE = TrustState(
    seq=3,
    targets_version=17,
    root_version=4,
    counter=5,
    floor_s=1_793_491_200,
    armed=bytes(range(32)),
    targets_threshold=2,
    targets_keys=tuple(bytes([number]) * MARK_BYTES for number in (0x11, 0x22, 0x33)),
)
EARLIER_FORMAT = "635a7de34544474554525531030000001100000005000000000000000081e66a00000000"

marks = st.binary(min_size=MARK_BYTES, max_size=MARK_BYTES)


@st.composite
def states(draw: st.DrawFn) -> TrustState:
    keys = tuple(sorted(draw(st.sets(marks, max_size=KEYS_MOST))))
    long = st.integers(1, (1 << 64) - 1)
    return TrustState(
        seq=draw(st.integers(1, 0xFFFF_FFFF)),
        targets_version=draw(long) if keys else 0,
        root_version=draw(long) if keys else 0,
        counter=draw(st.integers(0, (1 << 64) - 1)),
        floor_s=draw(st.integers(0, (1 << 64) - 1)),
        armed=draw(st.binary(min_size=32, max_size=32)),
        targets_threshold=draw(st.integers(1, len(keys))) if keys else 0,
        targets_keys=keys,
    )


def test_the_bytes_are_those_of_devices_in_the_field() -> None:
    golden = VECTOR.read_bytes()

    assert STATE.pack() == golden
    assert TrustState.unpack(golden) == STATE
    assert golden[:144].hex() == (
        "66f3aa18"  # CRC-32
        "4544474554525532"  # EDGETRU2
        "03000000"  # number of the write
        "1100000000000000"  # version of targets.json
        "0400000000000000"  # version of root
        "0500000000000000"  # rollback counter
        "0081e66a00000000"  # time
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"  # what was armed
        "02000000"  # so many keys of targets had to sign
        "03000000"  # of so many
        "11111111111111111111111111111111"
        "22222222222222222222222222222222"
        "33333333333333333333333333333333"
        "0000000000000000"  # and so on
    )


@given(states())
def test_what_is_read_is_what_was_written(state: TrustState) -> None:
    packed = state.pack()

    assert len(packed) == COPY_BYTES
    assert TrustState.unpack(packed) == state


def test_a_copy_damaged_at_any_byte_is_refused() -> None:
    packed = STATE.pack()

    for at in range(len(packed)):
        damaged = packed[:at] + bytes([packed[at] ^ 1]) + packed[at + 1 :]
        with pytest.raises(FormatError):
            TrustState.unpack(damaged)


def with_crc(body: bytes) -> bytes:
    return zlib.crc32(body).to_bytes(4, "little") + body


def test_a_copy_of_an_earlier_format_is_a_damaged_one() -> None:
    earlier = bytes.fromhex(EARLIER_FORMAT).ljust(68, b"a").ljust(COPY_BYTES, b"\0")[4:]

    with pytest.raises(FormatError):
        TrustState.unpack(with_crc(earlier))

    assert trust_state.newest_index([with_crc(earlier)] * 2) is None
    assert trust_state.newest_index([with_crc(earlier), TrustState(1).pack()]) == 1


def _changed(**facts: object) -> bytes:
    """Return a whole copy with values that no device writes."""
    fields = {field.name: getattr(STATE, field.name) for field in dataclasses.fields(STATE)}
    return bytes(TrustState.LAYOUT.build(fields | facts))


@pytest.mark.parametrize(
    "copy",
    [
        pytest.param(_changed(seq=0), id="no number"),
        pytest.param(_changed(targets_version=0), id="keys without a version"),
        pytest.param(_changed(root_version=0), id="no root"),
        pytest.param(_changed(targets_keys=()), id="a version without keys"),
        pytest.param(_changed(targets_threshold=0), id="no threshold"),
        pytest.param(_changed(targets_threshold=4), id="threshold out of reach"),
        pytest.param(_changed(targets_keys=STATE.targets_keys[::-1]), id="out of order"),
        pytest.param(_changed(targets_keys=STATE.targets_keys[:1] * 2), id="one key twice"),
        pytest.param(with_crc(STATE.pack()[4:84] + b"\x21" + STATE.pack()[85:]), id="33 keys"),
        pytest.param(with_crc(STATE.pack()[4:-1] + b"\1"), id="not zero at the end"),
        pytest.param(with_crc(STATE.pack()[4:-1]), id="too short"),
        pytest.param(with_crc(STATE.pack()[4:] + b"\0"), id="too long"),
    ],
)
def test_a_whole_copy_that_no_device_writes_is_refused(copy: bytes) -> None:
    with pytest.raises(FormatError):
        TrustState.unpack(copy)


def test_more_keys_than_there_is_room_for_are_refused() -> None:
    keys = tuple(bytes([number]) * MARK_BYTES for number in range(KEYS_MOST + 1))
    most = replace(STATE, targets_keys=keys[:-1])
    assert TrustState.unpack(most.pack()) == most

    with pytest.raises(FormatError, match="33 keys are not 32 at most"):
        replace(STATE, targets_keys=keys)


def test_the_newer_copy_counts_and_of_equal_ones_the_first() -> None:
    old, new = TrustState(1).pack(), TrustState(2).pack()

    assert trust_state.newest_index([old, new]) == 1
    assert trust_state.newest_index([new, old]) == 0
    assert trust_state.newest_index([new, new]) == 0
    assert trust_state.newest_index([bytes(COPY_BYTES), old]) == 1
    assert trust_state.newest_index([bytes(COPY_BYTES)] * 2) is None


@pytest.mark.parametrize(
    ("copies", "blank"),
    [
        pytest.param([bytes(COPY_BYTES)] * 2, True, id="zeros"),
        pytest.param([b"\xff" * COPY_BYTES] * 2, True, id="erased flash"),
        pytest.param([bytes(COPY_BYTES), b"\x5a" * COPY_BYTES], False, id="noise"),
        pytest.param([b"", b""], False, id="nothing to read"),
    ],
)
def test_only_what_was_never_written_is_blank(copies: list[bytes], blank: bool) -> None:
    assert trust_state.is_blank(copies) is blank
