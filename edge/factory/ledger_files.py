"""The files of a station on a real disk, locked for one process."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from edge import atomic
from edge.errors import EdgeError, RefusedError
from edge.factory.entry import MOST_BYTES
from edge.factory.ledger import FILE

_LOCK: Final = ".lock"


class ReadFiles:
    """A station that is only read; nothing is locked and nothing made.

    Args:
        folder: Of the station.
        ledger: The name of the file of its ledger.
    """

    def __init__(self, folder: Path, ledger: str = FILE) -> None:
        self._folder = folder
        self._file = folder / ledger

    def lines(self) -> Iterator[bytes]:
        """See `Storage`."""
        if not self._file.exists():
            return
        with self._file.open("rb") as stream:
            while line := stream.readline(MOST_BYTES):
                yield line

    def read(self, name: str) -> bytes | None:
        """See `Storage`."""
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def names(self) -> list[str]:
        """See `Storage`."""
        return sorted(one.name for one in self._folder.iterdir() if one.is_file())

    def append(self, data: bytes) -> None:
        """Refuse it."""
        raise EdgeError(f"{self._file}: open to be read only")

    def shorten(self, length_bytes: int) -> None:
        """Refuse it."""
        raise EdgeError(f"{self._file}: open to be read only")

    def write(self, name: str, data: bytes) -> None:
        """Refuse it."""
        raise EdgeError(f"{self._file}: open to be read only")

    def close(self) -> None:
        """Nothing is held."""


class StationFiles(ReadFiles):
    """A station that is ours until it is closed.

    Raises:
        RefusedError: Another process has it open.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            raise RefusedError(
                f"{folder}: another process works at this station",
                hint="one station is one place: add another with edge factory station add",
            ) from error
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._ledger = os.open(self._file, flags, 0o644)
        atomic.sync_folder(folder)

    def append(self, data: bytes) -> None:
        """See `Storage`."""
        if os.write(self._ledger, data) != len(data):
            raise OSError("it was written in part only")
        os.fsync(self._ledger)

    def shorten(self, length_bytes: int) -> None:
        """See `Storage`."""
        os.ftruncate(self._ledger, length_bytes)
        os.fsync(self._ledger)

    def write(self, name: str, data: bytes) -> None:
        """See `Storage`."""
        with atomic.file(self._folder / name) as stream:
            stream.write(data)

    def close(self) -> None:
        """See `Storage`."""
        os.close(self._ledger)
        os.close(self._lock)
