"""Folders of FAT volumes: long names, their short aliases, and the 32-byte entries of both.

A name that is one of DOS but for its case gets the plain short name (boot ROMs read no other) with
the case in the flags that Windows NT, Linux, U-Boot and mtools know; any other gets a long name.

Source: Microsoft FAT specification (August 2005), sections 6 and 7.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from edge.errors import InputError
from edge_agent.boot.fat import UNITS, LongName, ShortName

_READ_ONLY_FOLDER: Final = 0x10
_ARCHIVE: Final = 0x20
_VOLUME_LABEL: Final = 0x08
_LOWER_STEM: Final = 0x08
_LOWER_SUFFIX: Final = 0x10
_MOST_UNITS: Final = 255

_DOS_NAME: Final = re.compile(r"[A-Z0-9!#$%&'()@^_`{}~-]{1,8}(\.[A-Z0-9!#$%&'()@^_`{}~-]{1,3})?")
_NOT_DOS: Final = re.compile(r"[^A-Z0-9!#$%&'()@^_`{}~-]")
_FORBIDDEN: Final = re.compile(r'[\x00-\x1f"*/:<>?\\|]')


@dataclass(frozen=True, slots=True)
class Name:
    """How one name is stored: the 11 bytes of the short one, its case flags, and the long one."""

    short: bytes
    case: int
    long: str | None

    @property
    def entries(self) -> int:
        """How many 32-byte entries it takes."""
        return 1 + (len(_long_pieces(self.long)) if self.long is not None else 0)


def names_of(spelled: Iterable[str]) -> dict[str, Name]:
    """Return how each name of one folder is stored.

    Raises:
        InputError: A name cannot be stored, or two are the same but for their case.
    """
    ordered = sorted(spelled)
    _require_distinct(ordered)
    names: dict[str, Name] = {}
    plain = [
        spelling
        for spelling in ordered
        if spelling.isascii() and _DOS_NAME.fullmatch(spelling.upper())
    ]
    taken: set[bytes] = set()
    for spelling in plain:
        short = _padded(*_split(spelling.upper()))
        case = _case_flags(spelling)
        names[spelling] = Name(short, case or 0, None if case is not None else spelling)
        taken.add(short)
    for spelling in ordered:
        if spelling not in names:
            short = _alias(spelling, taken)
            names[spelling] = Name(short, 0, spelling)
            taken.add(short)
    return names


def packed_entry(name: Name, *, cluster: int, length_bytes: int | None) -> bytes:
    """Return the entries of a file, or of a folder when it has no length."""
    is_folder = length_bytes is None
    short = ShortName(
        name=name.short,
        attributes=_READ_ONLY_FOLDER if is_folder else _ARCHIVE,
        case=name.case,
        cluster_high=cluster >> 16,
        cluster_low=cluster & 0xFFFF,
        length_bytes=length_bytes or 0,
    )
    return _long_entries(name) + short.pack()


def packed_label(label: str) -> bytes:
    """Return the entry of the volume label."""
    return ShortName(label_bytes(label), _VOLUME_LABEL, 0, 0, 0).pack()


def label_bytes(label: str) -> bytes:
    """Return a volume label as its 11 bytes.

    Raises:
        InputError: It is empty, longer, or not of capital letters, digits, `-`, `_` and spaces.
    """
    if not re.fullmatch(r"[A-Z0-9_-][A-Z0-9_ -]{0,10}", label):
        raise InputError(f"FAT label '{label}': at most 11 capital letters, digits, - and _")
    return label.ljust(11).encode("ascii")


def dot_entries(*, own_cluster: int, parent_cluster: int) -> bytes:
    """Return the entries `.` and `..` of a folder; the parent is 0 when it is the root."""
    own = Name(b".".ljust(11), 0, None)
    parent = Name(b"..".ljust(11), 0, None)
    return packed_entry(own, cluster=own_cluster, length_bytes=None) + packed_entry(
        parent, cluster=parent_cluster, length_bytes=None
    )


def _require_distinct(ordered: Collection[str]) -> None:
    seen: dict[str, str] = {}
    for spelling in ordered:
        if not spelling or _FORBIDDEN.search(spelling) or spelling[-1] in ". ":
            raise InputError(f"'{spelling}' is no name of a FAT file")
        if len(spelling.encode("utf-16-le")) > 2 * _MOST_UNITS:
            raise InputError(f"'{spelling}' is too long for a FAT file")
        if other := seen.get(spelling.upper()):
            raise InputError(f"FAT knows no difference between '{other}' and '{spelling}'")
        seen[spelling.upper()] = spelling


def _split(name: str) -> tuple[str, str]:
    stem, _dot, suffix = name.rpartition(".")
    return (stem, suffix) if stem else (name, "")


def _padded(stem: str, suffix: str) -> bytes:
    return stem.encode("ascii").ljust(8) + suffix.encode("ascii").ljust(3)


def _case_flags(spelling: str) -> int | None:
    """Return the flags for a name whose two parts have one case each, else None."""
    flags = 0
    for part, flag in zip(_split(spelling), (_LOWER_STEM, _LOWER_SUFFIX), strict=True):
        if part == part.upper():
            continue
        if part != part.lower():
            return None
        flags |= flag
    return flags


def _alias(spelling: str, taken: Collection[bytes]) -> bytes:
    """Return a short name like `LONGNA~1.TXT` that is not taken."""
    stem, suffix = _split(spelling.upper().lstrip("."))
    stem = _NOT_DOS.sub("_", stem.replace(" ", "").replace(".", ""))
    suffix = _NOT_DOS.sub("_", suffix.replace(" ", ""))[:3]
    for number in range(1, 1_000_000):
        tail = f"~{number}"
        short = _padded(stem[: 8 - len(tail)] + tail, suffix)
        if short not in taken:
            return short
    raise InputError(f"'{spelling}': too many names like it in one FAT folder")


def _long_entries(name: Name) -> bytes:
    if name.long is None:
        return b""
    pieces = _long_pieces(name.long)
    entries = [
        LongName.of(order, piece, name.short, is_last=order == len(pieces))
        for order, piece in enumerate(pieces, start=1)
    ]
    return b"".join(entry.pack() for entry in reversed(entries))


def _long_pieces(long: str) -> list[bytes]:
    """Return a long name in pieces of 26 bytes: ended by a zero unit, then filled with ones."""
    units = long.encode("utf-16-le")
    piece_bytes = 2 * UNITS
    if len(units) % piece_bytes:
        units += b"\0\0"
        units += b"\xff" * (-len(units) % piece_bytes)
    return [units[at : at + piece_bytes] for at in range(0, len(units), piece_bytes)]
