"""The content store: every blob under its own hash, shared by all builds.

Source: OCI image layout 1.1 (`oci-layout`, `blobs/sha256/<hex>`). Beside it, `refs/<kind>/` keeps
what was once worked out: a key of all inputs, and the digest of the result.
A blob is written beside and renamed: after a power cut it is whole or not there.
"""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import IO

from edge import atomic, digest
from edge.errors import InputError, ThingNotFoundError, UntrustedError

CLEAN_HINT = "run `edge cache clean` and try again"
LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_KIND = re.compile(r"[a-z0-9][a-z0-9-]*")
_PIECE_BYTES = 1 << 20


class Writer(RawIOBase):
    """A blob under way; `digest` is known when the block that wrote it has ended."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self.size_bytes = 0
        self.digest = ""

    def writable(self) -> bool:
        """Whether it can be written to: always."""
        return True

    def write(self, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        """Append to the blob."""
        self._hash.update(data)
        self._stream.write(data)
        self.size_bytes += len(data)
        return len(data)

    def seal(self) -> str:
        """Fix the digest and return it."""
        self.digest = f"{digest.ALGORITHM}:{self._hash.hexdigest()}"
        return self.digest


@dataclass(frozen=True, slots=True)
class Store:
    """The content store in `folder`, made when it is first written to."""

    folder: Path
    _verified: set[str] = field(default_factory=set, compare=False, repr=False)

    def has(self, digest: str) -> bool:
        """Whether the store has the blob."""
        return self.path(digest).is_file()

    def path(self, digest: str) -> Path:
        """Return where the blob is, or would be.

        Raises:
            InputError: `digest` is not `sha256:` and 64 small hex digits.
        """
        found = _DIGEST.fullmatch(digest)
        if not found:
            raise InputError(f"{digest!r} is not a digest (sha256:<64 hex digits>)")
        return self.folder / "blobs" / "sha256" / found[1]

    def add_bytes(self, data: bytes) -> str:
        """Take bytes in and return their digest."""
        with self.writer() as blob:
            blob.write(data)
        return blob.digest

    def add_file(self, path: Path, expected: str | None = None, *, move: bool = False) -> str:
        """Take a file in and return its digest.

        Args:
            path: The file; it stays as it is unless `move`.
            expected: The digest that it must have.
            move: Take the file itself, which is quick on the same file system.

        Raises:
            UntrustedError: It has another digest than `expected`; nothing is stored.
        """
        if expected is not None and not move and not self.has(expected):
            return self._copy_checked(path, expected)
        found = digest.of_file(path)
        if expected is not None and found != expected:
            raise UntrustedError(f"{path.name}: {found} where {expected} was expected")
        target = self.path(found)
        if move:
            self._move(path, target)
        elif not target.is_file():
            with path.open("rb") as source, self.writer(expected=found) as blob:
                shutil.copyfileobj(source, blob, _PIECE_BYTES)
        return found

    def _copy_checked(self, path: Path, expected: str) -> str:
        """Take a file in, hashed while it is copied."""
        try:
            with path.open("rb") as source, self.writer(expected=expected) as blob:
                shutil.copyfileobj(source, blob, _PIECE_BYTES)
        except UntrustedError as error:
            raise UntrustedError(f"{path.name}: {error}") from error
        return expected

    @contextmanager
    def writer(self, *, expected: str | None = None) -> Iterator[Writer]:
        """Give a blob to write; after the block its `digest` is set and the store has it.

        After an exception nothing is stored.

        Raises:
            UntrustedError: What was written has another digest than `expected`.
        """
        folder = self._blobs()
        handle, name = tempfile.mkstemp(dir=folder, prefix=".new-")
        beside = Path(name)
        try:
            with os.fdopen(handle, "wb") as stream:
                blob = Writer(stream)
                yield blob
                stream.flush()
                os.fsync(stream.fileno())
            if expected is not None and blob.seal() != expected:
                raise UntrustedError(f"{blob.digest} where {expected} was expected")
            beside.chmod(0o644)
            beside.replace(self.path(blob.seal()))
            if expected is not None:
                self._verified.add(expected)
        finally:
            beside.unlink(missing_ok=True)

    def verify(self, digest: str) -> Path:
        """Return the path of a blob whose bytes were checked, once for each `Store`.

        Raises:
            ThingNotFoundError: The store has no such blob.
            UntrustedError: The blob is damaged.
        """
        if digest not in self._verified:
            with self._open(digest) as stream:
                if f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}" != digest:
                    raise UntrustedError(f"blob {digest} is damaged", hint=CLEAN_HINT)
            self._verified.add(digest)
        return self.path(digest)

    def read(self, digest: str) -> bytes:
        """Return a small blob, checked.

        Raises:
            ThingNotFoundError: The store has no such blob.
            UntrustedError: The blob is damaged.
        """
        with self._open(digest) as stream:
            data = stream.read()
        if f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
            raise UntrustedError(f"blob {digest} is damaged", hint=CLEAN_HINT)
        return data

    def open(self, digest: str) -> BufferedReader:
        """Open a blob whose bytes were checked.

        Raises:
            ThingNotFoundError: The store has no such blob.
            UntrustedError: The blob is damaged.
        """
        return self.verify(digest).open("rb")

    def _open(self, digest: str) -> BufferedReader:
        try:
            return self.path(digest).open("rb")
        except FileNotFoundError as error:
            raise ThingNotFoundError(f"blob {digest} is not in the store") from error

    def remember(self, kind: str, key: str, digest: str) -> None:
        """Keep what came of the inputs named by `key`; the newest answer holds."""
        self.path(digest)
        with atomic.file(self._ref(kind, key)) as stream:
            stream.write(digest.encode())

    def recall(self, kind: str, key: str) -> str | None:
        """Return the digest that was remembered, if the store still has its blob."""
        path = self._ref(kind, key)
        found = path.read_text(errors="replace").strip() if path.is_file() else ""
        return found if _DIGEST.fullmatch(found) and self.has(found) else None

    def digests(self) -> Iterator[str]:
        """Give the digests of all blobs, in their order."""
        for path in sorted((self.folder / "blobs" / "sha256").glob("[0-9a-f]*")):
            yield f"{digest.ALGORITHM}:{path.name}"

    def remembered(self) -> Iterator[str]:
        """Give the digests of all results that were remembered."""
        for path in sorted((self.folder / "refs").glob("*/*")):
            found = path.read_text(errors="replace").strip()
            if _DIGEST.fullmatch(found):
                yield found

    def _ref(self, kind: str, key: str) -> Path:
        if not _KIND.fullmatch(kind):
            raise InputError(f"{kind!r} is not a kind of reference")
        return self.folder / "refs" / kind / hashlib.sha256(key.encode()).hexdigest()

    def _blobs(self) -> Path:
        folder = self.folder / "blobs" / "sha256"
        if not folder.is_dir() or not (self.folder / "oci-layout").is_file():
            folder.mkdir(parents=True, exist_ok=True)
            with atomic.file(self.folder / "oci-layout") as stream:
                stream.write(LAYOUT)
        return folder

    def _move(self, path: Path, target: Path) -> None:
        folder = self._blobs()
        if os.stat(path).st_dev != os.stat(folder).st_dev:  # noqa: PTH116 - stat of both alike
            self.add_file(path)
            path.unlink()
            return
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
        path.chmod(0o644)
        path.replace(target)
