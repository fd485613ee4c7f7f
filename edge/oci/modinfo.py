"""What a kernel module says about itself: its `.modinfo` section.

Source: elf(5), 64-bit little-endian; the section holds `key=value` strings that end with NUL.
"""

import lzma
from collections.abc import Mapping
from typing import Any, cast

import construct

from edge.errors import InputError

ModInfo = Mapping[str, tuple[str, ...]]

_FILE = construct.Struct(
    "magic" / construct.Const(b"\x7fELF\x02\x01"),
    construct.Padding(34),
    "sections_offset" / construct.Int64ul,
    construct.Padding(10),
    "section_bytes" / construct.Int16ul,
    "sections" / construct.Int16ul,
    "names_section" / construct.Int16ul,
)
_SECTION = construct.Struct(
    "name" / construct.Int32ul,
    construct.Padding(20),
    "offset" / construct.Int64ul,
    "size_bytes" / construct.Int64ul,
    construct.Padding(24),
)


def decompress(name: str, data: bytes) -> bytes:
    """Return a module as the kernel loads it from a `.ko`, `.ko.xz` or `.ko.zst` file's bytes.

    Raises:
        InputError: It is damaged, or packed in a way that is not supported.
    """
    if name.endswith(".ko"):
        return data
    if not name.endswith(".ko.xz"):
        raise InputError(f"{name}: this compression of kernel modules is not supported")
    try:
        return lzma.decompress(data)
    except lzma.LZMAError as error:
        raise InputError(f"{name}: {error}") from error


def modinfo(data: bytes) -> ModInfo:
    """Return the values of each key in the `.modinfo` section of a module.

    Raises:
        InputError: It is no module.
    """
    try:
        return parse(_section(data, b".modinfo"))
    except (construct.ConstructError, UnicodeDecodeError) as error:
        raise InputError(f"not a kernel module: {error}") from error


def parse(section: bytes) -> ModInfo:
    """Return the values of each key of `key=value` strings that end with NUL."""
    values: dict[str, tuple[str, ...]] = {}
    for item in section.decode("utf-8", "replace").split("\0"):
        key, sign, value = item.partition("=")
        if sign:
            values[key] = (*values.get(key, ()), value)
    return values


def _section(data: bytes, wanted: bytes) -> bytes:
    header = cast("Any", _FILE.parse(data))
    table = data[header.sections_offset :]
    sections = [
        cast("Any", _SECTION.parse(table[number * header.section_bytes :]))
        for number in range(header.sections)
    ]
    if header.names_section >= len(sections):
        raise InputError("not a kernel module: no section names")
    names = _bytes_of(sections[header.names_section], data)
    for section in sections:
        if names[section.name :].split(b"\0", 1)[0] == wanted:
            return _bytes_of(section, data)
    raise InputError("not a kernel module: no .modinfo section")


def _bytes_of(section: Any, data: bytes) -> bytes:
    return data[section.offset : section.offset + section.size_bytes]
