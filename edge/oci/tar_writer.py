"""Write trees as tar archives: the same bytes for the same tree."""

import hashlib
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, runtime_checkable

from edge.errors import EdgeError
from edge.oci.tree import ROOT_MODE, Entry, Kind, Slice, Tree, folder


class TarSink(Protocol):
    """What `write_tar` writes to."""

    def write(self, data: bytes, /) -> object:
        """Take the next bytes."""


@runtime_checkable
class SliceSink(TarSink, Protocol):
    """A sink that reads what stands in files itself."""

    def take(
        self,
        source: Path,
        offset_bytes: int,
        size_bytes: int,
        checked: Callable[[memoryview], object] | None = None,
    ) -> None:
        """Take bytes of a file, and give them to `checked` as they come."""


def write_tar(tree: Tree, stream: TarSink) -> dict[str, int]:
    """Write a tar with the same bytes for the same tree; return where each content starts.

    The root comes first as `./`; times are 0; a file equal to an earlier one in content,
    mode and owner becomes a hard link to it.
    """
    offsets: dict[str, int] = {}
    first: dict[tuple[str, ...], str] = {}
    position = _write_header(stream, _header("", folder(mode=ROOT_MODE)))
    for path, entry in tree:
        header = _header(path, entry)
        original = first.setdefault(entry.identity(), path)
        if entry.kind is Kind.FILE and original != path:
            header.type, header.size, header.linkname = tarfile.LNKTYPE, 0, f"./{original}"
        position += _write_header(stream, header)
        if header.isreg():
            offsets[path] = position
            position += _write_content(stream, entry, path)
        elif header.islnk():
            offsets[path] = offsets[original]
    stream.write(bytes(2 * tarfile.BLOCKSIZE))
    return offsets


def _header(path: str, entry: Entry) -> tarfile.TarInfo:
    header = tarfile.TarInfo(f"./{path}")
    header.mode, header.uid, header.gid = entry.mode, entry.uid, entry.gid
    match entry.kind:
        case Kind.FILE:
            header.size = entry.size_bytes
        case Kind.FOLDER:
            header.type = tarfile.DIRTYPE
        case Kind.LINK:
            header.type, header.linkname = tarfile.SYMTYPE, entry.target
    return header


def _write_header(stream: TarSink, header: tarfile.TarInfo) -> int:
    data = header.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    stream.write(data)
    return len(data)


def _write_content(stream: TarSink, entry: Entry, path: str) -> int:
    size_bytes = entry.size_bytes
    if isinstance(entry.content, Slice) and isinstance(stream, SliceSink):
        _take(stream, entry, entry.content)
    else:
        _write_pieces(stream, entry, path)
    padding_bytes = -size_bytes % tarfile.BLOCKSIZE
    stream.write(bytes(padding_bytes))
    return size_bytes + padding_bytes


def _take(stream: SliceSink, entry: Entry, content: Slice) -> None:
    digest = hashlib.sha256()
    checked = None if content.is_checked else digest.update
    stream.take(content.path, content.offset_bytes, content.size_bytes, checked)
    if checked is not None and entry.sha256 and digest.hexdigest() != entry.sha256:
        raise entry.spoiled()


def _write_pieces(stream: TarSink, entry: Entry, path: str) -> None:
    size_bytes = 0
    for piece in entry.pieces():
        stream.write(piece)
        size_bytes += len(piece)
    if size_bytes != entry.size_bytes:
        raise EdgeError(f"/{path}: {size_bytes} bytes where {entry.size_bytes} were said")
