"""Tables of payloads."""

import hashlib
from pathlib import Path

import pytest

from edge_signing.errors import FormatError
from edge_signing.formats.payload_table import (
    HEADER_BYTES,
    ROW_BYTES,
    UNIT_BYTES,
    Coding,
    PayloadTable,
    Row,
)

VECTOR = Path(__file__).parent.parent / "vectors" / "payload_table.bin"
ZEROS = hashlib.sha256(bytes(UNIT_BYTES)).digest()
TABLE = PayloadTable(
    2 * UNIT_BYTES + 4096,
    (
        Row(Coding.ZERO, 0, bytes(32), ZEROS),
        Row(Coding.LZMA, 700, b"\x01" * 32, b"\x02" * 32),
        Row(Coding.STORED, 4096, b"\x03" * 32, b"\x03" * 32),
    ),
)
CODING_AT, STORED_AT = HEADER_BYTES, HEADER_BYTES + 1


def test_a_table_is_golden() -> None:
    assert TABLE.pack() == VECTOR.read_bytes()
    assert PayloadTable.unpack(VECTOR.read_bytes()) == TABLE
    assert len(TABLE.pack()) == HEADER_BYTES + 3 * ROW_BYTES
    assert TABLE.blob_bytes == 4796


@pytest.mark.parametrize(
    ("at", "value", "reason"),
    [
        pytest.param(0, b"X", "EDPT", id="magic"),
        pytest.param(4, b"\x02", "1", id="version"),
        pytest.param(5, b"\x01", "parsed", id="reserved"),
        pytest.param(10, b"\x10", "units are not", id="more units than rows"),
        pytest.param(16, b"\x04", "stream read", id="more rows than there are"),
        pytest.param(16, b"\x02", "too many", id="fewer rows than there are"),
        pytest.param(16, b"\xff\xff\xff\xff", "stream read", id="endless rows"),
        pytest.param(CODING_AT, b"\x09", "coding 9 is not known", id="unknown coding"),
        pytest.param(CODING_AT, b"\x01", "nothing stored", id="stored without bytes"),
        pytest.param(CODING_AT + ROW_BYTES, b"\x00", "nothing stored", id="zeros with bytes"),
        pytest.param(CODING_AT + ROW_BYTES, b"\x04", "among others", id="one patch unit"),
        pytest.param(STORED_AT + ROW_BYTES + 2, b"\xff", "is a lie", id="stored length"),
    ],
)
def test_a_wrong_table_is_refused(at: int, value: bytes, reason: str) -> None:
    packed = bytearray(TABLE.pack())
    packed[at : at + len(value)] = value

    with pytest.raises(FormatError, match=reason):
        PayloadTable.unpack(bytes(packed))


@pytest.mark.parametrize("length", range(0, len(TABLE.pack()), 7))
def test_a_table_that_is_cut_short_is_refused(length: int) -> None:
    with pytest.raises(FormatError):
        PayloadTable.unpack(TABLE.pack()[:length])


def test_bytes_after_a_table_are_refused() -> None:
    with pytest.raises(FormatError, match="too many"):
        PayloadTable.unpack(TABLE.pack() + b"\0")
