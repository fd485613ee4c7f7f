"""The container of a bundle (`.edge`): header, metadata section, payload section.

The header says how long each section is and what the metadata section hashes to, so that damage is
told from forgery; trust comes from the signatures in the metadata alone. Nothing may follow.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from construct import (
    Bytes,
    Const,
    GreedyBytes,
    GreedyRange,
    Int8ul,
    Int16ul,
    Int32ul,
    Int64ul,
    PascalString,
    Prefixed,
    Struct,
    Terminated,
)

from edge_signing.errors import FormatError
from edge_signing.formats.record import Record

MAGIC: Final = b"\x8eEDGE\r\n\x1a"  # not text: a transfer in text mode breaks it
HEADER_BYTES: Final = 64
METADATA_MOST_BYTES: Final = 256 << 20
PAYLOAD_MOST_BYTES: Final = 1 << 44
METADATA, TARGETS, TABLES = "metadata/", "targets/", "tables/"

_NAME: Final = re.compile(
    r"metadata/[A-Za-z0-9._+-]+\.json"
    r"|targets/[A-Za-z0-9._+-]+/[A-Za-z0-9._+-]+/[A-Za-z0-9._+-]+\.json"
    r"|tables/[0-9a-f]{64}"
)


@dataclass(frozen=True, slots=True)
class Header(Record):
    """The first 64 bytes."""

    LAYOUT: ClassVar[Any] = Struct(
        Const(MAGIC),
        Const(1, Int16ul),
        Const(HEADER_BYTES, Int16ul),
        "metadata_bytes" / Int32ul,
        "payload_bytes" / Int64ul,
        "metadata_sha256" / Bytes(32),
        Const(bytes(8)),
    )

    metadata_bytes: int
    payload_bytes: int
    metadata_sha256: bytes

    def __post_init__(self) -> None:
        if self.metadata_bytes > METADATA_MOST_BYTES or self.payload_bytes > PAYLOAD_MOST_BYTES:
            raise FormatError("bundle header: a section is longer than any may be")


@dataclass(frozen=True, slots=True)
class _Entry(Record):
    LAYOUT: ClassVar[Any] = Struct(
        "name" / PascalString(Int8ul, "ascii"), "data" / Prefixed(Int32ul, GreedyBytes)
    )

    name: str
    data: bytes


_SECTION: Final = Struct("entries" / GreedyRange(_Entry.LAYOUT), Terminated)


@dataclass(frozen=True, slots=True)
class MetadataSection(Record):
    """Named documents and tables, sorted by name, each once.

    `metadata/<name>.json` is TUF metadata, `targets/<path>` a document that it names, and
    `tables/<sha256>` a payload table that a document names.
    """

    LAYOUT: ClassVar[Any] = _SECTION

    entries: tuple[Any, ...]

    @classmethod
    def of(cls, files: Mapping[str, bytes]) -> "MetadataSection":
        """Return the section that holds these files."""
        return cls(tuple({"name": name, "data": files[name]} for name in sorted(files)))

    def files(self) -> dict[str, bytes]:
        """Return what it holds, by name.

        Raises:
            FormatError: A name is not allowed, there twice, or out of order.
        """
        names = [entry["name"] for entry in self.entries]
        if sorted(set(names)) != names:
            raise FormatError("bundle metadata: entries are not in order, each once")
        for name in names:
            if not _NAME.fullmatch(name) or "/." in name:
                raise FormatError(f"bundle metadata: {name!r} is not a name of an entry")
        return {entry["name"]: entry["data"] for entry in self.entries}
