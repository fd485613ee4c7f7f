"""Unpack one layer of an image that somebody else made into the store.

Nothing is written outside the store: paths are resolved inside the tree as `chroot` would. What has
no honest meaning (`..`, devices outside /dev, whiteouts of nothing) refuses the image.
Source: OCI image spec 1.1, layer.md.
"""

import sys
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from edge.errors import InputError, RefusedError, UntrustedError
from edge.oci import blob_tree
from edge.oci.blob_tree import BlobTree
from edge.oci.document import Coding
from edge.oci.gunzip import Gunzip
from edge.oci.limits import MIB, SETTING, Limits
from edge.oci.overlay import OPAQUE, WHITEOUT, Replacing
from edge.oci.store import Store
from edge.oci.tar_reader import Supply, members
from edge.oci.tar_writer import TarSink
from edge.oci.tree import Entry, Kind, Tree

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_PATH_BYTES = 4096  # PATH_MAX of Linux
_PARTS_MOST = 255  # each costs a step whenever something behind it is looked up
_ID_MOST = (1 << 32) - 2  # the last one is "nobody said"
_WINDOW_LOG_MOST = 27
_AUFS = ".wh..wh."  # notes of an old storage driver, which nobody reads
_DEVICES = "dev"
_XATTR = "SCHILY.xattr."


@dataclass(slots=True)
class Unpacked:
    """What came of a layer, and what of it an image of ours does not hold."""

    tree: BlobTree
    diff_id: str
    left_out: list[str] = field(default_factory=list)


def unpack(
    blob: Path, coding: Coding, store: Store, limits: Limits, *, most_bytes: int
) -> Unpacked:
    """Return the tree of a layer, whiteouts and all, with its contents in the store.

    Args:
        blob: The layer; its digest was checked.
        coding: How it is compressed.
        store: Where the contents go.
        limits: The bounds of an image.
        most_bytes: What it may unpack to.

    Raises:
        UntrustedError: It is damaged.
        RefusedError: It is out of all measure, or names what no image may hold.
        InputError: It holds what we can not keep.
    """
    packed_bytes = blob.stat().st_size
    if coding:
        bomb_bytes = max(limits.ratio_from_bytes, packed_bytes * limits.ratio)
        most_bytes = min(most_bytes, bomb_bytes)
    with _opened(blob, coding) as stream:
        supply = Supply(stream, most_bytes=most_bytes, is_hashed=bool(coding))
        layer = _Layer(limits, most_bytes)
        with store.writer() as writer:
            for header, content in members(supply, limits):
                layer.take(header, content, writer)
    return Unpacked(
        blob_tree.with_index(layer.tree, layer.offsets(), writer.digest, store),
        supply.digest,
        layer.left_out,
    )


@contextmanager
def _opened(blob: Path, coding: Coding) -> Iterator[IO[bytes]]:
    try:
        with blob.open("rb") as plain:
            if coding == "gzip":
                yield Gunzip(plain)  # type: ignore[misc]
            elif coding == "zstd":
                option = {int(zstd.DecompressionParameter.window_log_max): _WINDOW_LOG_MOST}
                yield zstd.ZstdFile(plain, options=option)  # type: ignore[misc]
            else:
                yield plain
    except (tarfile.TarError, zlib.error, zstd.ZstdError, EOFError) as error:
        raise UntrustedError(f"it is damaged: {error}") from error


class _Layer:
    """The tree of a layer as it grows."""

    def __init__(self, limits: Limits, most_bytes: int) -> None:
        self.tree = Tree()
        self.left_out: list[str] = []
        self._limits = limits
        self._most_bytes = most_bytes
        self._position_bytes = 0
        self._replacing = Replacing(self.tree, limits)

    def offsets(self) -> dict[str, int]:
        """Return where each content starts in the blob."""
        return {path: blob_tree.offset_bytes(entry) for path, entry in self.tree}

    def take(self, header: tarfile.TarInfo, content: IO[bytes] | None, sink: TarSink) -> None:
        """Add one member."""
        path = _path(header.name)
        _require_sane(header, path)
        if not path or _is_note(path):
            return
        if header.isdev() or header.isfifo():
            self._leave_out(header, path)
            return
        if any(key.startswith(_XATTR) for key in header.pax_headers):
            self.left_out.append(f"attributes of /{path}")
        entry = self._file(header, content, sink) if content else self._other(header, path)
        self._replacing.lay(path, entry)
        if len(self.tree) > self._limits.entries:
            raise RefusedError(f"more than {self._limits.entries} files and folders")

    def _file(self, header: tarfile.TarInfo, content: IO[bytes], sink: TarSink) -> Entry:
        if self._position_bytes + header.size > self._most_bytes:
            raise RefusedError(
                f"/{_path(header.name)} has {header.size} bytes,"
                f" and all may have {self._most_bytes / MIB:.1f} MiB",
                hint=f"if it is meant to, set {SETTING}",
            )
        entry = blob_tree.copied(header, content, sink, self._position_bytes)
        self._position_bytes += header.size
        return entry

    def _other(self, header: tarfile.TarInfo, path: str) -> Entry:
        if not (header.isdir() or header.issym() or header.islnk()):
            raise InputError(f"/{path}: its type {header.type!r} is not known")
        if header.islnk():
            return self._original(path, header.linkname)
        return blob_tree.without_content(header)

    def _original(self, path: str, target: str) -> Entry:
        place = self.tree.resolve(_path(target), last=False)
        found = self.tree.get(place)
        if found is None or found.kind is Kind.FOLDER:
            what = "a folder" if found else "what is not in the same layer"
            raise InputError(f"/{path}: a hard link to /{place}: {what}")
        return found

    def _leave_out(self, header: tarfile.TarInfo, path: str) -> None:
        kind = "pipe" if header.isfifo() else "device"
        if path.partition("/")[0] != _DEVICES:
            raise RefusedError(
                f"/{path}: a {kind}, which no image may bring",
                hint="a service is given devices with `devices:`",
            )
        self.left_out.append(f"{kind} /{path}")


def _path(name: str) -> str:
    """Return a path inside the root; an absolute one begins there, as for all who unpack images."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts or "\0" in name:
        raise RefusedError(f"{name!r}: a path that leaves the image")
    if len(name) > _PATH_BYTES or len(parts) > _PARTS_MOST:
        raise RefusedError(f"{name[:60]!r}…: a path of {len(name)} letters, {len(parts)} folders")
    for part in parts[:-1]:
        if part.startswith(WHITEOUT):
            raise RefusedError(f"{name!r}: something below a whiteout")
    return "/".join(parts)


def _require_sane(header: tarfile.TarInfo, path: str) -> None:
    ids_fit = 0 <= header.uid <= _ID_MOST and 0 <= header.gid <= _ID_MOST
    if header.size < 0 or not ids_fit:
        raise RefusedError(f"/{path}: owner {header.uid}:{header.gid}, {header.size} bytes")
    target = header.linkname
    if len(target) > _PATH_BYTES or target.count("/") > _PARTS_MOST or "\0" in target:
        raise RefusedError(f"/{path}: a link to what is no path")
    name = path.rpartition("/")[2]
    if not name.startswith(WHITEOUT) or name.startswith(_AUFS):
        return
    if not header.isreg() or name.removeprefix(WHITEOUT) in ("", ".", ".."):
        raise RefusedError(f"/{path}: a whiteout of nothing that can be named")


def _is_note(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.startswith(_AUFS) and name != OPAQUE
