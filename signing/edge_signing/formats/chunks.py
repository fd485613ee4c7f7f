"""The chunk payload: a table of groups, and for each group an index of its chunks.

An image is cut into chunks and these into groups at places that its contents choose, so that a
device finds most of them in whatever it already has. The table is signed through its digest; it
holds the hash of every group's index, and an index the hash of every stored chunk: no decoder sees
a byte that is not covered. Hashes are SHA-256, cut to the lengths below.

The blob holds for each group its index, then its stored chunks, without gaps. How a stored chunk
is coded follows from its length: 0 is zeros, the length of the chunk is the chunk itself, anything
between is a Zstandard frame without its magic number.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

from construct import (
    Bytes,
    Const,
    ExprAdapter,
    GreedyRange,
    Int8ul,
    Int16ul,
    Int24ul,
    Int32ul,
    Int64ul,
    PrefixedArray,
    Struct,
)

from edge_signing.errors import FormatError, TrustError
from edge_signing.formats.record import Record

MAGIC: Final = b"EDGECHK1"
HASH_BYTES: Final = 16
LOOKUP_BYTES: Final = 8
ENTRY_BYTES: Final = 28
MOST_CHUNKS: Final = 255
LEAST_CHUNK_BYTES: Final = 64
MOST_CHUNK_BYTES: Final = 0xFFFF
MOST_GROUP_BYTES: Final = 4 << 20
MOST_HISTORY_BYTES: Final = 4 << 20


def hash_of(data: bytes | bytearray) -> bytes:
    """Return the hash of a group, an index or a stored chunk."""
    return hashlib.sha256(data).digest()[:HASH_BYTES]


def lookup_of(chunk: bytes | bytearray) -> bytes:
    """Return the short hash by which a chunk is looked up; the group's hash decides later."""
    return hashlib.sha256(chunk).digest()[:LOOKUP_BYTES]


@dataclass(frozen=True, slots=True)
class Cutting(Record):
    """Where chunks and groups end; device and host cut with the same numbers.

    Attributes:
        least_bytes: No chunk but the last of an image is shorter.
        most_bytes: No chunk is longer.
        chunk_bits: One place in 2**(8 + `chunk_bits`) may end a chunk.
        group_bits: One such place in 2**`group_bits` may end a group.
        group_chunks: A group that ends at such a place has at least so many chunks.
        group_bytes: A group ends with the chunk that makes it so long.
        history_bytes: So much of its group before a chunk is known to its decoder.
    """

    LAYOUT: ClassVar[Any] = Struct(
        "least_bytes" / Int16ul,
        "most_bytes" / Int16ul,
        "chunk_bits" / Int8ul,
        "group_bits" / Int8ul,
        "group_chunks" / Int8ul,
        "group_bytes" / Int32ul,
        "history_bytes" / Int32ul,
    )

    least_bytes: int = 2048
    most_bytes: int = MOST_CHUNK_BYTES
    chunk_bits: int = 4
    group_bits: int = 5
    group_chunks: int = 8
    group_bytes: int = 1 << 20
    history_bytes: int = 128 << 10

    def __post_init__(self) -> None:
        if not LEAST_CHUNK_BYTES <= self.least_bytes <= self.most_bytes <= MOST_CHUNK_BYTES:
            raise FormatError(f"chunks of {self.least_bytes} to {self.most_bytes} bytes")
        if self.chunk_bits > 16 or self.group_bits > 16 or self.group_chunks == 0:
            raise FormatError(f"cutting by {self.chunk_bits} and {self.group_bits} bits")
        if not 1 <= self.group_bytes <= MOST_GROUP_BYTES:
            raise FormatError(f"groups of {self.group_bytes} bytes")
        if self.history_bytes > MOST_HISTORY_BYTES:
            raise FormatError(f"history of {self.history_bytes} bytes")


@dataclass(frozen=True, slots=True)
class Group:
    """One row of the table.

    Attributes:
        raw_hash: That of the bytes of the group.
        raw_bytes: The length of the group in the image.
        chunks: How many it has; 0 says that all of its bytes are zero, and nothing is stored.
        index_hash: That of its index; zeros where nothing is stored.
        stored_bytes: The length of its stored chunks together.
    """

    raw_hash: bytes
    raw_bytes: int
    chunks: int
    index_hash: bytes
    stored_bytes: int

    @property
    def index_bytes(self) -> int:
        """The length of the index."""
        return self.chunks * ENTRY_BYTES


@dataclass(frozen=True, slots=True)
class Chunk:
    """One row of an index.

    Attributes:
        lookup: The short hash of the chunk.
        raw_bytes: Its length.
        stored_bytes: Its length in the blob, which tells its coding.
        stored_hash: That of its bytes in the blob; zeros where nothing is stored.
    """

    lookup: bytes
    raw_bytes: int
    stored_bytes: int
    stored_hash: bytes


def _rows(row: type[Group] | type[Chunk], layout: Any) -> Any:
    names = [field.name for field in layout.subcons]

    def opened(parsed: Any, _context: Any) -> Group | Chunk:
        return row(**{name: parsed[name] for name in names})

    def closed(value: Any, _context: Any) -> dict[str, Any]:
        return {name: getattr(value, name) for name in names}

    return ExprAdapter(layout, opened, closed)


_GROUP: Final = _rows(
    Group,
    Struct(
        "raw_hash" / Bytes(HASH_BYTES),
        "raw_bytes" / Int24ul,
        "chunks" / Int8ul,
        "index_hash" / Bytes(HASH_BYTES),
        "stored_bytes" / Int24ul,
    ),
)
_CHUNK: Final = _rows(
    Chunk,
    Struct(
        "lookup" / Bytes(LOOKUP_BYTES),
        "raw_bytes" / Int16ul,
        "stored_bytes" / Int16ul,
        "stored_hash" / Bytes(HASH_BYTES),
    ),
)
_CUTTING: Final = ExprAdapter(
    Cutting.LAYOUT,
    lambda parsed, _context: Cutting(
        **{field.name: parsed[field.name] for field in Cutting.LAYOUT.subcons}
    ),
    lambda value, _context: {
        field.name: getattr(value, field.name) for field in Cutting.LAYOUT.subcons
    },
)


@dataclass(frozen=True, slots=True)
class Table(Record):
    """The groups of an image, in its order; their lengths add up to those of image and blob."""

    LAYOUT: ClassVar[Any] = Struct(
        "magic" / Const(MAGIC),
        "image_bytes" / Int64ul,
        "blob_bytes" / Int64ul,
        "cutting" / _CUTTING,
        "groups" / PrefixedArray(Int32ul, _GROUP),
    )

    image_bytes: int
    blob_bytes: int
    cutting: Cutting
    groups: tuple[Group, ...]

    def __post_init__(self) -> None:
        for number, group in enumerate(self.groups):
            if not _is_possible(group, self.cutting):
                raise FormatError(f"chunk table: the lengths of group {number} are not possible")
        raw_bytes = sum(group.raw_bytes for group in self.groups)
        if raw_bytes != self.image_bytes:
            raise FormatError(f"chunk table: groups have {raw_bytes} of {self.image_bytes} bytes")
        blob_bytes = sum(group.index_bytes + group.stored_bytes for group in self.groups)
        if blob_bytes != self.blob_bytes:
            raise FormatError(f"chunk table: blob has {self.blob_bytes}, not {blob_bytes} bytes")

    def places(self) -> Iterator[tuple[int, int]]:
        """Yield for each group where it begins in the image, and where its index in the blob."""
        image_offset_bytes = blob_offset_bytes = 0
        for group in self.groups:
            yield image_offset_bytes, blob_offset_bytes
            image_offset_bytes += group.raw_bytes
            blob_offset_bytes += group.index_bytes + group.stored_bytes


@dataclass(frozen=True, slots=True)
class Index(Record):
    """The chunks of a group, in the order of the image and of the blob."""

    LAYOUT: ClassVar[Any] = Struct("chunks" / GreedyRange(_CHUNK))

    chunks: tuple[Chunk, ...]

    @classmethod
    def of(cls, group: Group, data: bytes, cutting: Cutting) -> Self:
        """Return the index of `group`, which nothing reads before its hash is compared.

        Raises:
            TrustError: It is not the one that the table names.
            FormatError: Its lengths are not possible or do not add up to those of the group.
        """
        if len(data) != group.index_bytes or hash_of(data) != group.index_hash:
            raise TrustError(f"chunk index: hash is not {group.index_hash.hex()}")
        index = cls.unpack(data)
        for chunk in index.chunks:
            if (
                not 0 < chunk.raw_bytes <= cutting.most_bytes
                or chunk.stored_bytes > chunk.raw_bytes
            ):
                raise FormatError("chunk index: the lengths of a chunk are not possible")
        raw_bytes = sum(chunk.raw_bytes for chunk in index.chunks)
        stored_bytes = sum(chunk.stored_bytes for chunk in index.chunks)
        if (raw_bytes, stored_bytes) != (group.raw_bytes, group.stored_bytes):
            raise FormatError(
                f"chunk index: {raw_bytes}, stored {stored_bytes} bytes are not the group's"
            )
        return index


def _is_possible(group: Group, cutting: Cutting) -> bool:
    """Return whether a group so long may be: this bounds the memory of all who read it."""
    if not 0 < group.raw_bytes < cutting.group_bytes + cutting.most_bytes:
        return False
    if group.chunks == 0:
        return group.stored_bytes == 0 and not any(group.index_hash)
    fits = group.chunks <= group.raw_bytes <= group.chunks * cutting.most_bytes
    return fits and group.stored_bytes <= group.raw_bytes
