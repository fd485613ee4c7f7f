"""A tree of files in memory whose contents stay where they are.

The rule: a `Tree` holds names, modes and hashes only; the bytes of a file are either few (made
by us) or a `Slice` of a file on disk, mostly of a layer in the store. A tree may thus describe an
image of any size, and writing it needs no more memory than one piece of one file.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from edge.errors import EdgeError, InputError, UntrustedError
from edge.oci.store import CLEAN_HINT

PIECE_BYTES = 1 << 20
LINKS_DEEP = 40  # as the kernel: more links in one path are a circle (path_resolution(7))
ROOT_MODE = 0o755


class ConflictError(InputError):
    """Two sources want different things at one path."""


class Kind(StrEnum):
    """What stands at a path. Two names of one file are two equal entries, never a kind."""

    FILE = "file"
    FOLDER = "dir"
    LINK = "symlink"


@dataclass(frozen=True, slots=True)
class Slice:
    """Bytes that stand in a file on disk; `is_checked` if this process hashed and wrote them."""

    path: Path
    offset_bytes: int
    size_bytes: int
    is_checked: bool = field(default=False, compare=False)

    def pieces(self) -> Iterator[bytes]:
        """Give the bytes in pieces.

        Raises:
            EdgeError: The file on disk is shorter than it was.
        """
        with self.path.open("rb") as stream:
            stream.seek(self.offset_bytes)
            left = self.size_bytes
            while left:
                piece = stream.read(min(left, PIECE_BYTES))
                if not piece:
                    raise EdgeError(f"{self.path}: {left} bytes are missing at its end")
                left -= len(piece)
                yield piece


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of a tree.

    Attributes:
        sha256: That of a file's content, in hex.
        target: That of a link.
        sha1: That of a file's content, in hex, where it is known.
    """

    kind: Kind
    mode: int = 0o755
    uid: int = 0
    gid: int = 0
    content: bytes | Slice = b""
    sha256: str = ""
    target: str = ""
    sha1: str = field(default="", compare=False)

    @property
    def size_bytes(self) -> int:
        """Return the length of the content."""
        content = self.content
        return len(content) if isinstance(content, bytes) else content.size_bytes

    def pieces(self) -> Iterator[bytes]:
        """Give the content in pieces.

        Raises:
            UntrustedError: What is on disk has another hash; told after the last piece.
        """
        if not isinstance(self.content, Slice):
            if self.content:
                yield self.content
            return
        if self.content.is_checked:
            yield from self.content.pieces()
            return
        digest = hashlib.sha256()
        for piece in self.content.pieces():
            digest.update(piece)
            yield piece
        if self.sha256 and digest.hexdigest() != self.sha256:
            raise self.spoiled()

    def spoiled(self) -> UntrustedError:
        """Return the error that the content on disk has another hash."""
        place = "a file in memory"
        if isinstance(self.content, Slice):
            place = f"{self.content.path} from byte {self.content.offset_bytes}"
        return UntrustedError(f"{place}: not what was stored there", hint=CLEAN_HINT)

    def read(self) -> bytes:
        """Return the whole content; only for files that are known to be small."""
        return b"".join(self.pieces())

    def same_as(self, other: "Entry") -> bool:
        """Say whether both would be the same on disk."""
        return self.identity() == other.identity()

    def identity(self) -> tuple[str, ...]:
        """Return what two entries must share to be one file on disk."""
        owner = (oct(self.mode), str(self.uid), str(self.gid))
        return (self.kind, *owner, self.sha256, self.target)


def file(
    content: bytes | Slice,
    *,
    mode: int = 0o644,
    uid: int = 0,
    gid: int = 0,
    sha256: str | None = None,
) -> Entry:
    """Return a file; its hash is taken from the content unless it is known."""
    entry = Entry(Kind.FILE, mode, uid, gid, content, sha256 or "")
    return entry if sha256 else replace(entry, sha256=_hash_of(entry))


def on_disk(path: Path, *, mode: int, uid: int = 0, gid: int = 0) -> Entry:
    """Return a file whose content is a file on disk."""
    content = Slice(path, 0, path.stat().st_size)
    return file(content, mode=mode, uid=uid, gid=gid)


def folder(*, mode: int = 0o755, uid: int = 0, gid: int = 0) -> Entry:
    """Return a folder."""
    return Entry(Kind.FOLDER, mode, uid, gid)


def link(target: str, *, uid: int = 0, gid: int = 0) -> Entry:
    """Return a symbolic link."""
    return Entry(Kind.LINK, 0o777, uid, gid, target=target)


def _hash_of(entry: Entry) -> str:
    digest = hashlib.sha256()
    for piece in entry.pieces():
        digest.update(piece)
    return digest.hexdigest()


def clean(path: str) -> str:
    """Return a path as trees name it: relative, without `.`, `..` or empty parts; root is ''.

    Raises:
        InputError: It leaves the root or holds a NUL.
    """
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts or "\0" in path:
        raise InputError(f"{path!r}: a path in an image may hold no '..' and no NUL")
    return "/".join(parts)


class Tree:
    """Paths and what stands there; parents are made as they are needed."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._implied: set[str] = set()  # folders that nobody named, only things below them

    def __contains__(self, path: str) -> bool:
        return clean(path) in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[tuple[str, Entry]]:
        """Give all entries, a folder before what it holds, by their parts."""
        for path in sorted(self._entries, key=lambda name: name.split("/")):
            yield path, self._entries[path]

    def files(self) -> Iterator[tuple[str, Entry]]:
        """Give all files, in no order."""
        for path, entry in self._entries.items():
            if entry.kind is Kind.FILE:
                yield path, entry

    def get(self, path: str) -> Entry | None:
        """Return what stands at exactly this path."""
        return self._entries.get(clean(path))

    def find(self, path: str) -> Entry | None:
        """Return what stands at a path, with all links followed inside the tree."""
        try:
            return self._entries.get(self.resolve(path))
        except ConflictError:
            return None

    def resolve(self, path: str, *, last: bool = True) -> str:
        """Return the path with links followed, as `chroot` would; the last part only if asked.

        Raises:
            ConflictError: The links run in a circle.
        """
        todo = clean(path).split("/")[::-1] if clean(path) else []
        done: list[str] = []
        followed = 0
        while todo:
            part = todo.pop()
            if part in ("", "."):
                continue
            if part == "..":
                done = done[:-1]
                continue
            entry = self._entries.get("/".join([*done, part]))
            if entry is None or entry.kind is not Kind.LINK or not (todo or last):
                done.append(part)
                continue
            followed += 1
            if followed > LINKS_DEEP:
                raise ConflictError(f"/{clean(path)}: the links on the way run in a circle")
            done = [] if entry.target.startswith("/") else done
            todo.extend(entry.target.split("/")[::-1])
        return "/".join(done)

    def add(self, path: str, entry: Entry, *, override: bool = False) -> str:
        """Put an entry at a path, behind links to folders on the way, and return where it went.

        Two equal entries are one. A folder may be named twice: who comes first sets its mode.

        Raises:
            ConflictError: Something else is there and `override` is not set.
        """
        place = self.resolve(path, last=entry.kind is Kind.FOLDER)
        if not place:
            return place  # the root is always there
        self._make_parents(place)
        old = self._entries.get(place)
        if old is None or override or place in self._implied or old.same_as(entry):
            self._put(place, entry, old)
        elif not (old.kind is entry.kind is Kind.FOLDER):
            raise ConflictError(f"/{place}: {_told(entry)} is wanted where {_told(old)} is")
        return place

    def put(self, path: str, entry: Entry, *, implied: bool = False) -> None:
        """Put an entry at exactly this path, as it was in a tree before: nothing is checked."""
        self._entries[path] = entry
        (self._implied.add if implied else self._implied.discard)(path)

    def is_implied(self, path: str) -> bool:
        """Say whether this is a folder that nobody named, only things below it."""
        return path in self._implied

    def below(self, path: str) -> list[str]:
        """Return all paths below a folder."""
        place = clean(path)
        return [name for name in self._entries if not place or name.startswith(place + "/")]

    def _put(self, place: str, entry: Entry, old: Entry | None) -> None:
        was_folder = old is not None and old.kind is Kind.FOLDER
        if was_folder and entry.kind is not Kind.FOLDER and self._holds(place):
            raise ConflictError(f"/{place}: {_told(entry)} is wanted where a full folder is")
        self._implied.discard(place)
        self._entries[place] = entry

    def _holds(self, place: str) -> bool:
        return bool(self.below(place))

    def _make_parents(self, place: str) -> None:
        parent = place.rpartition("/")[0]
        while parent:
            old = self._entries.get(parent)
            if old is not None:
                if old.kind is not Kind.FOLDER:
                    raise ConflictError(f"/{place}: /{parent} is {_told(old)}, not a folder")
                return
            self._entries[parent] = folder()
            self._implied.add(parent)
            parent = parent.rpartition("/")[0]

    def remove(self, path: str) -> None:
        """Take away a path and all below it, if it is there."""
        place = clean(path)
        entry = self._entries.get(place)
        if entry is None:
            return
        for name in (place, *(self.below(place) if entry.kind is Kind.FOLDER else ())):
            del self._entries[name]
            self._implied.discard(name)

    def merge(self, prefix: str, other: "Tree") -> None:
        """Put all of another tree below `prefix`.

        Raises:
            ConflictError: As `add`.
        """
        base = clean(prefix)
        if base:
            self.add(base, folder())
        straight: set[str] = set()  # folders that no link is on the way to
        for path, entry in other:
            if path in other._implied:  # those come with what is in them
                continue
            wanted = f"{base}/{path}" if base else path
            if wanted.rpartition("/")[0] in straight and wanted not in self._entries:
                self._entries[wanted] = entry
                is_straight = True
            else:
                is_straight = self.add(wanted, entry) == wanted
            if is_straight and entry.kind is Kind.FOLDER:
                straight.add(wanted)

    def copy(self) -> "Tree":
        """Return a tree of its own with the same entries."""
        other = Tree()
        other._entries, other._implied = self._entries.copy(), self._implied.copy()
        return other

    def size_bytes(self) -> int:
        """Return the bytes of all different files."""
        sizes = {entry.identity(): entry.size_bytes for entry in self._entries.values()}
        return sum(sizes.values())


def _told(entry: Entry) -> str:
    names = {Kind.FILE: "a file", Kind.FOLDER: "a folder", Kind.LINK: f"a link to {entry.target}"}
    return names[entry.kind]
