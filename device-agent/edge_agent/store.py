"""The agent's small files on the data partition: each is there whole, as it was or as it is.

`FileCalls` are what a file system does, one call at a time; the power may fail between any two.
`AtomicFiles` puts them in the order that keeps the promise, whatever the calls are made on.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from edge_agent.errors import StoreError

_NEW: Final = ".new"
READ_MOST_BYTES: Final = 16 << 20


class Files(Protocol):
    """Small files by name, in one folder."""

    def read(self, name: str) -> bytes | None:
        """Return a file, None if there is none.

        Raises:
            StoreError: It cannot be read.
        """

    def write_atomic(self, name: str, data: bytes) -> None:
        """Put a file in place, durably. A power cut leaves the file before or the one after.

        Raises:
            StoreError: It cannot be written; what was there is still there.
        """

    def remove(self, name: str) -> None:
        """Remove a file durably; one that is not there is no error.

        Raises:
            StoreError: It cannot be removed.
        """

    def names(self) -> list[str]:
        """Return the names of all files that are in place.

        Raises:
            StoreError: The folder cannot be read.
        """


class FileCalls(Protocol):
    """One folder of a file system. Nothing lasts before it is flushed; all raise `StoreError`."""

    def read(self, name: str) -> bytes | None:
        """Return a file, None if there is none."""

    def write(self, name: str, data: bytes) -> None:
        """Make a file, or write one over."""

    def flush(self, name: str) -> None:
        """Make what is in a file last."""

    def rename(self, old: str, new: str) -> None:
        """Give a file a name, in place of what had it."""

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""

    def flush_folder(self) -> None:
        """Make the names last."""

    def names(self) -> list[str]:
        """Return the names of all files."""


@dataclass(frozen=True, slots=True)
class AtomicFiles:
    """`Files` over the calls of a file system."""

    calls: FileCalls

    def read(self, name: str) -> bytes | None:
        """See `Files`."""
        return self.calls.read(name)

    def write_atomic(self, name: str, data: bytes) -> None:
        """See `Files`."""
        beside = f"{name}{_NEW}"
        self.calls.write(beside, data)
        # Without this the new name could come to the medium before what it stands for.
        self.calls.flush(beside)
        self.calls.rename(beside, name)
        self.calls.flush_folder()

    def remove(self, name: str) -> None:
        """See `Files`."""
        self.calls.remove(name)
        self.calls.flush_folder()

    def names(self) -> list[str]:
        """See `Files`."""
        return [name for name in self.calls.names() if not name.endswith(_NEW)]


@dataclass(frozen=True, slots=True)
class FolderCalls:
    """`FileCalls` of the operating system; the folder is made when it is missing."""

    folder: Path

    def read(self, name: str) -> bytes | None:
        """Return a file, at most `READ_MOST_BYTES` of it."""
        with _told(self.folder / name):
            try:
                with (self.folder / name).open("rb") as stream:
                    return stream.read(READ_MOST_BYTES)
            except FileNotFoundError:
                return None

    def write(self, name: str, data: bytes) -> None:
        """Make a file that only the agent reads, or write one over."""
        with _told(self.folder / name):
            self.folder.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
            handle = os.open(self.folder / name, flags, 0o600)
            with os.fdopen(handle, "wb", buffering=0) as stream:
                written_bytes = stream.write(data)
            if written_bytes != len(data):
                raise StoreError(f"{self.folder / name}: {written_bytes} bytes written")

    def flush(self, name: str) -> None:
        """Make what is in a file last."""
        _flush(self.folder / name, os.O_RDONLY)

    def rename(self, old: str, new: str) -> None:
        """Give a file a name, in place of what had it."""
        with _told(self.folder / new):
            (self.folder / old).replace(self.folder / new)

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        with _told(self.folder / name):
            (self.folder / name).unlink(missing_ok=True)

    def flush_folder(self) -> None:
        """Make the names last."""
        if self.folder.is_dir():
            _flush(self.folder, os.O_RDONLY | os.O_DIRECTORY)

    def names(self) -> list[str]:
        """Return the names of all files."""
        with _told(self.folder):
            if not self.folder.is_dir():
                return []
            return sorted(path.name for path in self.folder.iterdir() if path.is_file())


@dataclass(frozen=True, slots=True)
class FallbackFiles:
    """Files that go to a second place when the first takes none; what is there counts first.

    Args:
        first: Where they last.
        second: In memory: gone after a restart.
    """

    first: Files
    second: Files

    def read(self, name: str) -> bytes | None:
        """See `Files`; what cannot be read in the first place is not there."""
        found = self.second.read(name)
        if found is not None:
            return found
        try:
            return self.first.read(name)
        except StoreError:
            return None

    def write_atomic(self, name: str, data: bytes) -> None:
        """See `Files`."""
        try:
            self.first.write_atomic(name, data)
        except StoreError:
            self.second.write_atomic(name, data)
        else:
            self.second.remove(name)

    def remove(self, name: str) -> None:
        """See `Files`."""
        self.second.remove(name)
        self.first.remove(name)

    def names(self) -> list[str]:
        """See `Files`."""
        try:
            lasting = self.first.names()
        except StoreError:
            lasting = []
        return sorted({*lasting, *self.second.names()})


def files_in(folder: Path) -> AtomicFiles:
    """Return the files of a folder of this device."""
    return AtomicFiles(FolderCalls(folder))


def _flush(path: Path, flags: int) -> None:
    with _told(path):
        handle = os.open(path, flags | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
