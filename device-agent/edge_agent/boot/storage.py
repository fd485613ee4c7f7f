"""Bytes that outlive a power cut: what boot control and trust state are kept in."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edge_agent.errors import BootStateError


class Storage(Protocol):
    """Bytes that outlive a power cut."""

    def read(self, offset_bytes: int, length_bytes: int) -> bytes:
        """Return what is stored, from the medium itself where that can be asked for."""

    def write(self, offset_bytes: int, data: bytes) -> None:
        """Store `data`; it is on the medium when this returns."""


@dataclass(frozen=True, slots=True)
class SyncedFile:
    """A block device, or a file in its place."""

    path: Path

    def read(self, offset_bytes: int, length_bytes: int) -> bytes:
        """Return what is stored, past the page cache."""
        with self._opened(os.O_RDONLY) as handle:
            os.posix_fadvise(handle, offset_bytes, length_bytes, os.POSIX_FADV_DONTNEED)
            return os.pread(handle, length_bytes, offset_bytes)

    def write(self, offset_bytes: int, data: bytes) -> None:
        """Store `data` with O_DSYNC."""
        with self._opened(os.O_WRONLY | os.O_DSYNC) as handle:
            written_bytes = os.pwrite(handle, data, offset_bytes)
        if written_bytes != len(data):
            raise BootStateError(f"{self.path}: {written_bytes} of {len(data)} bytes written")

    @contextmanager
    def _opened(self, flags: int) -> Iterator[int]:
        try:
            handle = os.open(self.path, flags | os.O_CLOEXEC)
            try:
                yield handle
            finally:
                os.close(handle)
        except OSError as error:
            raise BootStateError(f"{self.path}: {error.strerror}") from error
