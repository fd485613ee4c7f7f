"""Records: construct layouts with typed fields."""

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from construct import Bytes, Int8ul, Int16ul, Struct

from edge_signing.errors import FormatError
from edge_signing.formats.record import Record, crc32_sealed


@dataclass(frozen=True, slots=True)
class Pair(Record):
    LAYOUT: ClassVar[Any] = crc32_sealed(Struct("small" / Int8ul, "large" / Int16ul))

    small: int
    large: int


@dataclass(frozen=True, slots=True)
class Plain(Record):
    LAYOUT: ClassVar[Any] = Struct("word" / Bytes(2))

    word: bytes


def test_a_sealed_record_is_its_sum_and_its_fields() -> None:
    packed = Pair(1, 0x0203).pack()

    assert packed.hex() == "ca81a03b010302"
    assert Pair.unpack(packed) == Pair(1, 0x0203)


@pytest.mark.parametrize("position", range(7))
def test_any_damaged_byte_is_refused(position: int) -> None:
    damaged = bytearray(Pair(1, 0x0203).pack())
    damaged[position] ^= 0x40

    with pytest.raises(FormatError, match="CRC is"):
        Pair.unpack(bytes(damaged))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(b"", "Plain: stream read less", id="nothing"),
        pytest.param(b"a", "Plain: stream read less", id="too short"),
        pytest.param(b"abc", "Plain: 1 bytes too many", id="too long"),
    ],
)
def test_a_wrong_length_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(FormatError, match=words):
        Plain.unpack(data)


def test_a_value_that_does_not_fit_is_refused() -> None:
    with pytest.raises(FormatError, match="Pair"):
        Pair(256, 0).pack()
