"""The trust state: its bytes are on devices, and a damaged copy is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_signing.errors import FormatError
from edge_signing.formats import trust_state
from edge_signing.formats.trust_state import COPY_BYTES, TrustState
from tests.source_tree import PROJECT

VECTOR = PROJECT / "tests" / "vectors" / "trust_state.bin"
STATE = TrustState(3, 17, 5, 1_793_491_200, bytes(range(32)))

states = st.builds(
    TrustState,
    seq=st.integers(1, 0xFFFF_FFFF),
    targets_version=st.integers(0, 0xFFFF_FFFF),
    counter=st.integers(0, (1 << 64) - 1),
    floor_s=st.integers(0, (1 << 64) - 1),
    armed=st.binary(min_size=32, max_size=32),
)


def test_the_bytes_are_those_of_devices_in_the_field() -> None:
    golden = VECTOR.read_bytes()

    assert STATE.pack() == golden
    assert TrustState.unpack(golden) == STATE
    assert golden[:40].hex() == (
        "635a7de3"  # CRC-32
        "4544474554525531"  # EDGETRU1
        "03000000"  # number of the write
        "11000000"  # version of targets.json
        "0500000000000000"  # rollback counter
        "0081e66a00000000"  # time
        "00010203"  # of what was armed
    )


@given(states)
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
