"""The table of a payload of kind `full` or `patch`: one row for each stored unit of its blob.

The units lie in the blob one after the other, in the order of the rows, without gaps. A row tells
the hash of the stored bytes, so that no decoder sees a byte that was not signed, and that of what
the decoder makes of them.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar, Final

from construct import Array, Bytes, Const, Int8ul, Int32ul, Int64ul, Struct, this

from edge_signing.errors import FormatError
from edge_signing.formats.record import Record

MAGIC: Final = b"EDPT"
UNIT_BYTES: Final = 1 << 20
STORED_MOST_BYTES: Final = 2 * UNIT_BYTES
UNITS_MOST: Final = 1 << 21
HEADER_BYTES: Final = 20
ROW_BYTES: Final = 69


class Coding(IntEnum):
    """How the bytes of a unit become what it stands for."""

    ZERO = 0  # nothing is stored: zeros
    STORED = 1  # as they are
    LZMA = 2  # raw LZMA2, dictionary of 1 MiB
    ZSTD = 3  # one zstd frame, window of at most 1 MiB
    PATCH = 4  # a unit of a patch


_ROW: Final = Struct(
    "coding" / Int8ul,
    "stored_bytes" / Int32ul,
    "stored_sha256" / Bytes(32),
    "result_sha256" / Bytes(32),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One stored unit."""

    coding: Coding
    stored_bytes: int
    stored_sha256: bytes
    result_sha256: bytes


@dataclass(frozen=True, slots=True)
class _Layout(Record):
    LAYOUT: ClassVar[Any] = Struct(
        Const(MAGIC),
        Const(1, Int8ul),
        Const(bytes(3)),
        "image_bytes" / Int64ul,
        "count" / Int32ul,
        "rows" / Array(this.count, _ROW),
    )

    image_bytes: int
    count: int
    rows: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class PayloadTable:
    """The units of a payload.

    Attributes:
        image_bytes: Length of the image that they make.
        rows: In the order of the blob.
    """

    image_bytes: int
    rows: tuple[Row, ...]

    def __post_init__(self) -> None:
        for index, row in enumerate(self.rows):
            if row.stored_bytes > STORED_MOST_BYTES:
                raise FormatError(f"payload table: unit {index}: {row.stored_bytes} bytes is a lie")
            if (row.coding is Coding.ZERO) != (row.stored_bytes == 0):
                raise FormatError(f"payload table: unit {index}: only zeros have nothing stored")
        patches = sum(row.coding is Coding.PATCH for row in self.rows)
        if patches not in (0, len(self.rows)):
            raise FormatError("payload table: units of a patch among others")
        if not patches and len(self.rows) != -(-self.image_bytes // UNIT_BYTES):
            raise FormatError(
                f"payload table: {len(self.rows)} units are not {self.image_bytes} bytes"
            )

    @property
    def blob_bytes(self) -> int:
        """Length of the blob."""
        return sum(row.stored_bytes for row in self.rows)

    def pack(self) -> bytes:
        """Return the bytes of the table."""
        rows = tuple(
            {
                "coding": int(row.coding),
                "stored_bytes": row.stored_bytes,
                "stored_sha256": row.stored_sha256,
                "result_sha256": row.result_sha256,
            }
            for row in self.rows
        )
        return _Layout(self.image_bytes, len(rows), rows).pack()

    @classmethod
    def unpack(cls, data: bytes) -> "PayloadTable":
        """Return the table.

        Raises:
            FormatError: The bytes are not one.
        """
        if len(data) > HEADER_BYTES + UNITS_MOST * ROW_BYTES:
            raise FormatError(f"payload table: {len(data)} bytes are more than any has")
        layout = _Layout.unpack(data)
        return cls(layout.image_bytes, tuple(_row(row) for row in layout.rows))


def _row(row: Any) -> Row:
    try:
        coding = Coding(row.coding)
    except ValueError as error:
        raise FormatError(f"payload table: coding {row.coding} is not known") from error
    return Row(coding, row.stored_bytes, row.stored_sha256, row.result_sha256)
