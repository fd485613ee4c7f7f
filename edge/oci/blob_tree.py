"""Trees whose contents are in one blob of the store, with an index beside it.

The index (JSON, a blob of its own) holds for each path its type, mode, owner, offset, size and
hashes: a tree is read back from it without touching the contents, so nothing is hashed twice.
"""

import hashlib
import json
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from edge.errors import EdgeError, UntrustedError
from edge.oci.store import Store
from edge.oci.tar_writer import TarSink, write_tar
from edge.oci.tree import Entry, Kind, Slice, Tree, clean, folder, link

VERSION = 2
_PIECE_BYTES = 1 << 16  # larger ones are new memory from the kernel each time
PERMISSIONS = 0o7777
IMPLIED = "implied"
_KINDS = {kind.value: kind for kind in Kind}
BLOB_TO_COME = Path("/dev/null")  # stands in slices until the blob has its name

Member = tuple[tarfile.TarInfo, IO[bytes] | None]


@dataclass(frozen=True, slots=True)
class BlobTree:
    """A tree, the digest of the blob with its contents, and that of its index."""

    tree: Tree
    blob: str
    index: str


def write_layer(tree: Tree, store: Store) -> BlobTree:
    """Write a tree as an OCI layer (uncompressed tar) with its index into the store."""
    with store.writer() as writer:
        offsets = write_tar(tree, writer)
    return with_index(tree, offsets, writer.digest, store)


def spool(members: Iterable[Member], store: Store) -> BlobTree:
    """Keep the contents of an archive's members, one after the other, as a blob with its index.

    Devices, pipes and sockets are left out; a hard link is its file once more; a path that comes
    twice is what it was last, as tar unpacks it.

    Raises:
        EdgeError: A member ends early, or a hard link names nothing.
    """
    tree = Tree()
    with store.writer() as writer:
        position = 0
        for header, stream in members:
            path = clean(header.name)
            if header.isreg() and stream is not None:
                tree.add(path, copied(header, stream, writer, position), override=True)
                position += header.size
            elif (entry := _contentless(header, tree)) is not None:
                tree.add(path, entry, override=not header.isdir())
    offsets = {path: offset_bytes(entry) for path, entry in tree if entry.kind is Kind.FILE}
    return with_index(tree, offsets, writer.digest, store)


def copied(header: tarfile.TarInfo, stream: IO[bytes], sink: TarSink, position: int) -> Entry:
    """Return a member's file, whose content went to a blob under way, at `position` in it.

    Raises:
        UntrustedError: The archive ends inside of it.
    """
    digest, left = hashlib.sha256(), header.size
    sha1 = hashlib.sha1(usedforsecurity=False)  # for SPDX, which is spared another reading
    while left:
        piece = stream.read(min(left, _PIECE_BYTES))
        if not piece:
            raise UntrustedError(f"{header.name}: the archive ends {left} bytes early")
        digest.update(piece)
        sha1.update(piece)
        sink.write(piece)
        left -= len(piece)
    content = Slice(BLOB_TO_COME, position, header.size)
    mode = header.mode & PERMISSIONS
    found = Entry(Kind.FILE, mode, header.uid, header.gid, content, digest.hexdigest())
    return replace(found, sha1=sha1.hexdigest())


def without_content(header: tarfile.TarInfo) -> Entry:
    """Return a member that is a folder or a link."""
    if header.isdir():
        return folder(mode=header.mode & PERMISSIONS, uid=header.uid, gid=header.gid)
    return link(header.linkname, uid=header.uid, gid=header.gid)


def _contentless(header: tarfile.TarInfo, tree: Tree) -> Entry | None:
    if header.isdir() or header.issym():
        return without_content(header)
    if not header.islnk():
        return None
    original = tree.get(tree.resolve(header.linkname, last=False))
    if original is None:
        raise EdgeError(f"{header.name}: a hard link to {header.linkname}, which is not there")
    return original


def offset_bytes(entry: Entry) -> int:
    """Return where a file's content starts in its blob; 0 for all else."""
    return entry.content.offset_bytes if isinstance(entry.content, Slice) else 0


def with_index(tree: Tree, offsets: Mapping[str, int], blob: str, store: Store) -> BlobTree:
    """Keep the index of a tree whose contents are in a blob of the store, and return both."""
    rows = {path: _row(entry, offsets.get(path, 0)) for path, entry in tree}
    for path in filter(tree.is_implied, rows):
        rows[path].append(IMPLIED)
    document = {"version": VERSION, "blob": blob, "entries": rows}
    index = store.add_bytes(json.dumps(document, sort_keys=True, separators=(",", ":")).encode())
    return BlobTree(_tree(rows, store.path(blob), is_checked=True), blob, index)


def _row(entry: Entry, offset_bytes: int) -> list[Any]:
    row: list[Any] = [entry.kind.value, entry.mode, entry.uid, entry.gid]
    match entry.kind:
        case Kind.FILE:
            return [*row, offset_bytes, entry.size_bytes, entry.sha256, entry.sha1]
        case Kind.LINK:
            return [*row, entry.target]
        case Kind.FOLDER:
            return row


def load(index: str, store: Store) -> BlobTree | None:
    """Return the tree of an index in the store, or None where one of its blobs is gone."""
    if not store.has(index):
        return None
    document = json.loads(store.read(index))
    blob = document["blob"]
    if document["version"] != VERSION or not store.has(blob):
        return None
    return BlobTree(_tree(document["entries"], store.path(blob), is_checked=False), blob, index)


def _tree(rows: Mapping[str, list[Any]], blob: Path, *, is_checked: bool) -> Tree:
    tree = Tree()
    for path, (kind, mode, uid, gid, *rest) in rows.items():
        match _KINDS[kind]:
            case Kind.FILE:
                offset_bytes, size_bytes, sha256, sha1 = rest
                content = Slice(blob, offset_bytes, size_bytes, is_checked)
                tree.put(path, Entry(Kind.FILE, mode, uid, gid, content, sha256, sha1=sha1))
            case Kind.LINK:
                tree.put(path, Entry(Kind.LINK, mode, uid, gid, target=rest[0]))
            case Kind.FOLDER:
                tree.put(path, Entry(Kind.FOLDER, mode, uid, gid), implied=bool(rest))
    return tree
