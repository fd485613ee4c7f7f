"""cpio archives in the `newc` form, for the kernel's initramfs; the same entries, the same bytes.

Source: Linux 6.12, Documentation/driver-api/early-userspace/buffer-format.rst.
"""

import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Final, Protocol

from construct import Bytes, Const, ExprAdapter, Struct

from edge.image.extent import length_of
from edge.oci.tree import Entry
from edge_signing.formats.record import Record

_ALIGNMENT: Final = 4
_ARCHIVE_ALIGNMENT: Final = 512
_PIECE_BYTES: Final = 1 << 20
_TRAILER: Final = "TRAILER!!!"

_HEX: Final = ExprAdapter(
    Bytes(8),
    lambda digits, _context: int(digits, 16),
    lambda number, _context: b"%08X" % number,
)


@dataclass(frozen=True, slots=True)
class Header(Record):
    """The 110 bytes ahead of a name."""

    LAYOUT: ClassVar[Any] = Struct(
        Const(b"070701"),
        "inode" / _HEX,
        "mode" / _HEX,
        "uid" / _HEX,
        "gid" / _HEX,
        "links" / _HEX,
        "mtime_s" / _HEX,
        "length_bytes" / _HEX,
        "device_major" / Const(b"00000000"),
        "device_minor" / Const(b"00000000"),
        "node_major" / _HEX,
        "node_minor" / _HEX,
        "name_bytes" / _HEX,
        "check" / Const(b"00000000"),
    )

    inode: int
    mode: int
    length_bytes: int
    name_bytes: int
    uid: int = 0
    gid: int = 0
    links: int = 1
    mtime_s: int = 0
    node_major: int = 0
    node_minor: int = 0


class Sink(Protocol):
    """What an archive is written to."""

    def write(self, data: bytes, /) -> object:
        """Take the next bytes."""


Content = bytes | Path | Entry


@dataclass(frozen=True, slots=True)
class CpioEntry:
    """A file, folder, link or device node; `mode` holds its type too. See the functions below.

    A file with several names has `links` of them, and each has the path of its `first`; the last
    brings the content.
    """

    path: str
    mode: int
    content: Content = b""
    uid: int = 0
    gid: int = 0
    node: tuple[int, int] = (0, 0)
    first: str = ""
    links: int = 1


def file(path: str, content: bytes | Path, *, mode: int = 0o644) -> CpioEntry:
    """Return a plain file."""
    return CpioEntry(path, stat.S_IFREG | mode, content)


def folder(path: str, *, mode: int = 0o755) -> CpioEntry:
    """Return a folder."""
    return CpioEntry(path, stat.S_IFDIR | mode)


def symlink(path: str, target: str) -> CpioEntry:
    """Return a symbolic link to `target`."""
    return CpioEntry(path, stat.S_IFLNK | 0o777, target.encode())


def character_device(path: str, major: int, minor: int, *, mode: int = 0o600) -> CpioEntry:
    """Return a character device node."""
    return CpioEntry(path, stat.S_IFCHR | mode, node=(major, minor))


def write(stream: Sink, entries: Iterable[CpioEntry]) -> None:
    """Write an archive; parents that are not among the entries are made, with mode 0755.

    It may be appended to another one, as its length is a multiple of 512 bytes.
    """
    length_bytes = 0
    numbers: dict[str, int] = {}
    for number, entry in enumerate(_with_parents(entries), start=1):
        inode = numbers.setdefault(entry.first, number) if entry.first else number
        length_bytes += _write_entry(stream, entry, inode=inode)
    length_bytes += _write_entry(stream, CpioEntry(_TRAILER, 0), inode=0)
    stream.write(bytes(-length_bytes % _ARCHIVE_ALIGNMENT))


def _with_parents(entries: Iterable[CpioEntry]) -> Iterator[CpioEntry]:
    seen: set[str] = set()
    for entry in entries:
        for parent in reversed(PurePosixPath(entry.path).parents[:-1]):
            if str(parent) not in seen:
                seen.add(str(parent))
                yield folder(str(parent))
        seen.add(entry.path)
        yield entry


def _write_entry(stream: Sink, entry: CpioEntry, *, inode: int) -> int:
    """Write one entry and return how many bytes it took."""
    name = entry.path.encode("utf-8", "surrogateescape") + b"\0"
    content = entry.content
    length_bytes = content.size_bytes if isinstance(content, Entry) else length_of(content)
    header = Header(
        inode=inode,
        mode=entry.mode,
        length_bytes=length_bytes,
        name_bytes=len(name),
        uid=entry.uid,
        gid=entry.gid,
        links=2 if stat.S_ISDIR(entry.mode) else entry.links,
        node_major=entry.node[0],
        node_minor=entry.node[1],
    )
    head = header.pack() + name
    head += bytes(-len(head) % _ALIGNMENT)
    stream.write(head)
    _write_content(stream, entry.content)
    padding = -length_bytes % _ALIGNMENT
    stream.write(bytes(padding))
    return len(head) + length_bytes + padding


def _write_content(stream: Sink, content: Content) -> None:
    if isinstance(content, bytes):
        stream.write(content)
        return
    for piece in content.pieces() if isinstance(content, Entry) else _pieces(content):
        stream.write(piece)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as source:
        while piece := source.read(_PIECE_BYTES):
            yield piece
