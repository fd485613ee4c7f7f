"""The boot state: golden bytes, round trips, and all that must be refused."""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.process import Completed
from edge_signing.errors import FormatError
from edge_signing.formats import boot_state
from edge_signing.formats.boot_state import BootState, Environment, Slot

VECTORS = Path(__file__).parent.parent / "vectors"
ORDERS: tuple[tuple[Slot, ...], ...] = (("a",), ("b",), ("a", "b"), ("b", "a"))
GOOD = ["BOOT_A_LEFT=9", "BOOT_B_LEFT=3", "BOOT_ORDER=b a", "BOOT_SEQ=1f"]

states = st.builds(
    BootState,
    seq=st.integers(1, 0xFFFF_FFFF),
    order=st.sampled_from(ORDERS),
    left=st.fixed_dictionaries({slot: st.integers(0, 9) for slot in get_args(Slot)}),
)


def copy_of(*strings: str) -> bytes:
    return Environment((*strings, "")).pack()


def test_the_bytes_of_a_copy_are_golden() -> None:
    packed = BootState(seq=0x1F, order=("b", "a"), left={"a": 9, "b": 3}).pack()

    assert packed == (VECTORS / "boot_state_armed_b.bin").read_bytes()
    assert len(packed) == 4096
    assert packed[:59].hex() == (
        "6e5df7c1424f4f545f415f4c4546543d3900424f4f545f425f4c4546543d3300"
        "424f4f545f4f524445523d62206100424f4f545f5345513d316600"
    )
    assert not any(packed[59:])


def test_a_new_disk_starts_with_slot_a_alone() -> None:
    first, second = boot_state.factory_copies()

    assert first == (VECTORS / "boot_state_factory_1.bin").read_bytes()
    assert second == (VECTORS / "boot_state_factory_2.bin").read_bytes()
    assert boot_state.newest([first, second]) == BootState(2, ("a",), {"a": 9, "b": 0})


@given(states)
def test_what_is_packed_comes_back(state: BootState) -> None:
    assert BootState.unpack(state.pack()) == state


@given(st.binary(max_size=5000))
def test_foreign_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        BootState.unpack(data)


def test_every_flipped_byte_is_refused() -> None:
    packed = (VECTORS / "boot_state_armed_b.bin").read_bytes()

    for position in range(len(packed)):
        damaged = bytearray(packed)
        damaged[position] ^= 1 << position % 8
        with pytest.raises(FormatError):
            BootState.unpack(bytes(damaged))


@pytest.mark.parametrize(
    "strings",
    [
        pytest.param([], id="no variable"),
        pytest.param(GOOD[:3], id="one missing"),
        pytest.param([*GOOD, "bootdelay=0"], id="an unknown one"),
        pytest.param([*GOOD, GOOD[0]], id="one twice"),
        pytest.param(["BOOT_A_LEFT=10", *GOOD[1:]], id="too many starts"),
        pytest.param(["BOOT_A_LEFT=", *GOOD[1:]], id="no number"),
        pytest.param(["BOOT_A_LEFT=-1", *GOOD[1:]], id="below zero"),
        pytest.param(["BOOT_A_LEFT=٣", *GOOD[1:]], id="a foreign digit"),
        pytest.param([*GOOD[:2], "BOOT_ORDER=", GOOD[3]], id="no order"),
        pytest.param([*GOOD[:2], "BOOT_ORDER=a a", GOOD[3]], id="a slot twice"),
        pytest.param([*GOOD[:2], "BOOT_ORDER=a c", GOOD[3]], id="a third slot"),
        pytest.param([*GOOD[:2], "BOOT_ORDER=a  b", GOOD[3]], id="two spaces"),
        pytest.param([*GOOD[:3], "BOOT_SEQ=0x1f"], id="a prefix"),
        pytest.param([*GOOD[:3], "BOOT_SEQ=1F"], id="capital digits"),
        pytest.param([*GOOD[:3], "BOOT_SEQ=01"], id="a leading zero"),
        pytest.param([*GOOD[:3], "BOOT_SEQ=0"], id="zero"),
        pytest.param([*GOOD[:3], "BOOT_SEQ=100000000"], id="more than 32 bits"),
    ],
)
def test_a_well_sealed_copy_with_wrong_contents_is_refused(strings: list[str]) -> None:
    with pytest.raises(FormatError):
        BootState.unpack(copy_of(*strings))


def test_bytes_after_the_last_variable_are_refused() -> None:
    body = "\0".join([*GOOD, "", "left over"]).encode().ljust(4092, b"\0")

    with pytest.raises(FormatError):
        BootState.unpack(zlib.crc32(body).to_bytes(4, "little") + body)


@pytest.mark.parametrize(
    ("seqs", "index"),
    [
        pytest.param((1, 2), 1, id="second is newer"),
        pytest.param((2, 1), 0, id="first is newer"),
        pytest.param((0xA, 9), 0, id="hex"),
        pytest.param((7, 7), 0, id="equal"),
        pytest.param((None, 1), 1, id="first is damaged"),
        pytest.param((1, None), 0, id="second is damaged"),
    ],
)
def test_the_valid_copy_with_the_higher_number_counts(
    seqs: tuple[int | None, int | None], index: int
) -> None:
    copies = [
        b"" if seq is None else BootState(seq, ("a",), {"a": 9, "b": 0}).pack() for seq in seqs
    ]

    assert boot_state.newest_index(copies) == index
    assert boot_state.newest(copies).seq == seqs[index]


def test_without_a_valid_copy_the_reasons_are_told() -> None:
    with pytest.raises(FormatError, match=r"no copy is valid .*CRC is 00000000.*CRC is ffffffff"):
        boot_state.newest([bytes(4096), b"\xff" * 4096])


@pytest.mark.tools
@pytest.mark.parametrize("index", [0, 1], ids=["first copy", "second copy"])
def test_uboots_own_tool_reads_and_writes_a_copy(
    tool: Callable[..., Completed], tmp_path: Path, index: int
) -> None:
    offset_bytes = boot_state.COPY_OFFSETS_BYTES[index]
    image = tmp_path / "bootstate"
    image.write_bytes(bytes(offset_bytes) + (VECTORS / "boot_state_armed_b.bin").read_bytes())
    config = tmp_path / "fw_env.config"
    config.write_text(f"{image} {offset_bytes:#x} 0x1000\n")

    printed = tool("fw_printenv", "-c", config).stdout.decode()
    tool("fw_setenv", "-c", config, "BOOT_B_LEFT", "2")

    assert sorted(printed.split()) == sorted(" ".join(GOOD).split())
    after = BootState.unpack(image.read_bytes()[offset_bytes:])
    assert after == BootState(seq=0x1F, order=("b", "a"), left={"a": 9, "b": 2})
