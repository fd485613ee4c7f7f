"""The partitions of the slots: the one that runs is only read, the other one is written.

Source: docs/formats.md, "The disk".
"""

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from edge_agent.boot.control import other_slot
from edge_agent.errors import SlotError
from edge_signing.formats.boot_state import Slot
from edge_signing.release import Partition

DEVICES: Final = Path("/dev/edge")
_PAGE_BYTES: Final = 4096


class Volume(Protocol):
    """A partition of a slot. All raise `SlotError`, which names it and the place."""

    def pread(self, length: int, offset: int) -> bytes:
        """Return `length` bytes from `offset` on; fewer only at the end."""

    def pwrite(self, data: bytes, offset: int) -> None:
        """Write bytes; they last after `flush`."""

    def flush(self) -> None:
        """Make all that was written last."""

    def read_back(self, length: int, offset: int) -> bytes:
        """Return `length` bytes from the medium itself, not from a cache; fewer only at the end."""

    def length_bytes(self) -> int:
        """Return how much fits."""


class Slots(Protocol):
    """The two slots, seen from the one that runs."""

    @property
    def target(self) -> Slot:
        """The slot that may be written."""

    def running(self, partition: Partition) -> Volume:
        """Return a partition of the slot that runs; it refuses to be written."""

    def written(self, partition: Partition) -> Volume:
        """Return a partition of the other slot."""


class DeviceSlots:
    """The slots of this device; each partition is opened once, when it is first used.

    Args:
        current: The slot that runs.
        folder: Where the partitions are, by name.
    """

    def __init__(self, current: Slot, folder: Path = DEVICES) -> None:
        self.folder = folder
        self._current = current
        self._volumes: dict[str, DeviceVolume] = {}

    @property
    def target(self) -> Slot:
        """The slot that may be written."""
        return other_slot(self._current)

    def running(self, partition: Partition) -> "DeviceVolume":
        """Return a partition of the slot that runs; it refuses to be written."""
        return self._volume(f"{partition}-{self._current}", is_writable=False)

    def written(self, partition: Partition) -> "DeviceVolume":
        """Return a partition of the other slot."""
        return self._volume(f"{partition}-{self.target}", is_writable=True)

    def close(self) -> None:
        """Give all handles back; the next use opens them again."""
        for volume in self._volumes.values():
            volume.close()

    def _volume(self, name: str, *, is_writable: bool) -> "DeviceVolume":
        if name not in self._volumes:
            self._volumes[name] = DeviceVolume(self.folder / name, is_writable=is_writable)
        return self._volumes[name]


class DeviceVolume:
    """A block device, or a file in its place; opened when it is first used.

    Args:
        path: Where it is.
        is_writable: Whether `pwrite` is allowed at all.
    """

    def __init__(self, path: Path, *, is_writable: bool) -> None:
        self._path = path
        self._is_writable = is_writable
        self._handle: int | None = None
        self._direct: int | None = None
        self._pages: mmap.mmap | None = None

    def pread(self, length: int, offset: int) -> bytes:
        """See `Volume`."""
        with self._told(offset):
            return _read(self._opened(), length, offset)

    def pwrite(self, data: bytes, offset: int) -> None:
        """See `Volume`."""
        if not self._is_writable:
            raise SlotError(f"{self._path}: the slot that runs is not written")
        if offset + len(data) > self.length_bytes():
            raise SlotError(f"{self._path}: {offset + len(data)} bytes do not fit")
        with self._told(offset):
            view, at = memoryview(data), offset
            while view:
                written_bytes = os.pwrite(self._opened(), view, at)
                view, at = view[written_bytes:], at + written_bytes
            # Linux begins to write it out at once, so that `flush` has less to wait for.
            os.posix_fadvise(self._opened(), offset, len(data), os.POSIX_FADV_DONTNEED)

    def flush(self) -> None:
        """See `Volume`."""
        with self._told(None):
            os.fdatasync(self._opened())

    def read_back(self, length: int, offset: int) -> bytes:
        """See `Volume`."""
        with self._told(offset):
            direct = self._opened_direct()
            if direct is None or offset % _PAGE_BYTES:
                os.posix_fadvise(self._opened(), offset, length, os.POSIX_FADV_DONTNEED)
                return _read(self._opened(), length, offset)
            return _read_direct(direct, length, offset, self._memory(length))

    def length_bytes(self) -> int:
        """See `Volume`."""
        with self._told(None):
            return os.lseek(self._opened(), 0, os.SEEK_END)

    def close(self) -> None:
        """Give the handles back; the next use opens them again."""
        for handle in (self._handle, self._direct):
            if handle is not None:
                os.close(handle)
        self._handle = self._direct = self._pages = None

    def _memory(self, length: int) -> mmap.mmap:
        """Return pages to read into; they are kept, as new ones cost as much as reading."""
        if self._pages is None or len(self._pages) < length:
            self._pages = mmap.mmap(-1, -(-length // _PAGE_BYTES) * _PAGE_BYTES)
        return self._pages

    def _opened(self) -> int:
        if self._handle is None:
            flags = os.O_RDWR if self._is_writable else os.O_RDONLY
            self._handle = os.open(self._path, flags | os.O_CLOEXEC)
        return self._handle

    def _opened_direct(self) -> int | None:
        """Return a handle past the page cache, None where the file system has no such thing."""
        if self._direct is None:
            try:
                self._direct = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECT)
            except OSError:
                return None
        return self._direct

    @contextmanager
    def _told(self, offset: int | None) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            place = "" if offset is None else f" at byte {offset}"
            raise SlotError(f"{self._path}: {error.strerror}{place}") from error


def _read(handle: int, length: int, offset: int) -> bytes:
    parts = []
    while length and (part := os.pread(handle, length, offset)):
        parts.append(part)
        offset += len(part)
        length -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _read_direct(handle: int, length: int, offset: int, pages: mmap.mmap) -> bytes:
    """Read with O_DIRECT, whose memory and lengths have to be whole pages."""
    wanted = -(-length // _PAGE_BYTES) * _PAGE_BYTES
    found = 0
    with memoryview(pages) as whole:
        while found < length:
            with whole[found:wanted] as view:
                read_bytes = os.preadv(handle, [view], offset + found)
            found += read_bytes
            if not read_bytes or found % _PAGE_BYTES:
                break
        return bytes(whole[: min(found, length)])
