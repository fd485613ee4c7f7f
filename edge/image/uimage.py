"""U-Boot script images (`boot.scr`), byte-equal to `mkimage -T script`.

Source: U-Boot 2025.01, include/image.h `struct legacy_img_hdr` and tools/mkimage.c.
"""

import zlib
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from construct import Const, GreedyBytes, Int8ub, Int32ub, PaddedString, Padding, Rebuild, Struct

from edge_signing.formats.record import Record

_LINUX: Final = 5
_ARM64: Final = 22
_SCRIPT: Final = 6
_UNCOMPRESSED: Final = 0


@dataclass(frozen=True, slots=True)
class Header(Record):
    """The 64 bytes ahead of the data; `header_crc32` is over itself with 0 in its place."""

    LAYOUT: ClassVar[Any] = Struct(
        Const(0x2705_1956, Int32ub),
        "header_crc32" / Int32ub,
        "time_s" / Int32ub,
        "size_bytes" / Int32ub,
        "load_address" / Const(0, Int32ub),
        "entry_address" / Const(0, Int32ub),
        "data_crc32" / Int32ub,
        Const(_LINUX, Int8ub),
        Const(_ARM64, Int8ub),
        Const(_SCRIPT, Int8ub),
        Const(_UNCOMPRESSED, Int8ub),
        "name" / PaddedString(32, "ascii"),
    )

    size_bytes: int
    data_crc32: int
    name: str
    time_s: int = 0
    header_crc32: int = 0


@dataclass(frozen=True, slots=True)
class Script(Record):
    """The data of a script image: a list of one length, and the script."""

    LAYOUT: ClassVar[Any] = Struct(
        "length_bytes" / Rebuild(Int32ub, lambda this: len(this.text)),
        Padding(4),
        "text" / GreedyBytes,
    )

    text: bytes


def script_image(text: bytes, *, name: str = "edge") -> bytes:
    """Return the image of a U-Boot script for arm64, dated 1970.

    Args:
        text: The commands.
        name: Shown by U-Boot and `mkimage -l`; at most 32 characters.
    """
    data = Script(text).pack()
    header = Header(size_bytes=len(data), data_crc32=zlib.crc32(data), name=name)
    return replace(header, header_crc32=zlib.crc32(header.pack())).pack() + data
