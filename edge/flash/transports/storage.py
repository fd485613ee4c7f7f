"""What an image is written to: a disk, or a file that stands for one.

Source: Linux uapi/linux/fs.h (BLKDISCARD, BLKROGET, BLKRRPART, BLKGETSIZE64), linux/cdrom.h
(CDROMEJECT, which for a USB disk is START STOP UNIT).
"""

import errno
import fcntl
import os
import stat
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from edge.errors import EdgeError, LinkError, RefusedError, ThingNotFoundError
from edge.flash import udev

_BLKROGET: Final = 0x125E
_BLKRRPART: Final = 0x125F
_BLKDISCARD: Final = 0x1277
_BLKGETSIZE64: Final = 0x80081272
_CDROMEJECT: Final = 0x5309
_SECTOR_BYTES: Final = 512
_GONE: Final = frozenset((errno.ENODEV, errno.ENXIO, errno.ENOMEDIUM))


class Storage(Protocol):
    """Bytes that stay. Offsets and lengths are whole sectors, memory begins at a page."""

    @property
    def size_bytes(self) -> int:
        """How long it is."""

    def write(self, offset_bytes: int, memory: memoryview) -> None:
        """Write all of it.

        Raises:
            LinkError: The disk was pulled out.
            BadBlockError: It does not take these bytes, but is still there.
        """

    def read(self, offset_bytes: int, memory: memoryview) -> None:
        """Fill memory from the medium, not from a cache; the same errors."""

    def sync(self) -> None:
        """Return when all that was written is on the medium; the same errors."""

    def discard(self) -> bool:
        """Forget all contents; return whether the disk can."""

    def finish(self, *, eject: bool) -> None:
        """Have the system read the new partition table, or let go of the disk."""

    def close(self) -> None:
        """Let others have it."""


class BadBlockError(EdgeError):
    """A disk that is there does not read or write at a place.

    Attributes:
        offset_bytes: Where.
    """

    def __init__(self, message: str, offset_bytes: int) -> None:
        super().__init__(message, hint="the medium is worn or broken: take another")
        self.offset_bytes = offset_bytes


class OpenStorage:
    """A disk or a file, open for us alone.

    Args:
        path: The device file, or the file.
        size_bytes: How long a file is made; None for a disk.
        read_only: Nothing will be written.

    Raises:
        ThingNotFoundError: It is not there.
        RefusedError: It is in use, read-only, or this user may not.
    """

    def __init__(
        self, path: str, *, size_bytes: int | None = None, read_only: bool = False
    ) -> None:
        self._path = path
        self._is_disk = size_bytes is None
        self._handle = _opened(path, is_disk=self._is_disk, read_only=read_only)
        try:
            if self._is_disk and not read_only and _is_read_only(self._handle):
                raise _refused(path, OSError(errno.EROFS, "read-only"))
            if not self._is_disk:
                self._lock()
                if not read_only:
                    os.ftruncate(self._handle, size_bytes or 0)
            self._is_direct = _make_direct(self._handle)
            self._size_bytes = _size_of(self._handle)
        except BaseException:
            os.close(self._handle)
            raise

    @property
    def size_bytes(self) -> int:
        """See `Storage`."""
        return self._size_bytes

    def write(self, offset_bytes: int, memory: memoryview) -> None:
        """See `Storage`."""
        try:
            self._move(os.pwrite, offset_bytes, memory)
        except OSError as error:
            raise self._explained(error, offset_bytes, "write") from error

    def read(self, offset_bytes: int, memory: memoryview) -> None:
        """See `Storage`."""
        try:
            if not self._is_direct:
                os.posix_fadvise(self._handle, offset_bytes, len(memory), os.POSIX_FADV_DONTNEED)
            self._move(_pread_into, offset_bytes, memory)
        except OSError as error:
            raise self._explained(error, offset_bytes, "read") from error

    def sync(self) -> None:
        """See `Storage`."""
        try:
            os.fsync(self._handle)
        except OSError as error:
            raise self._explained(error, 0, "flush") from error

    def discard(self) -> bool:
        """See `Storage`."""
        try:
            if self._is_disk:
                whole = struct.pack("QQ", 0, self._size_bytes)
                fcntl.ioctl(self._handle, _BLKDISCARD, whole)
            else:
                os.ftruncate(self._handle, 0)
                os.ftruncate(self._handle, self._size_bytes)
        except OSError as error:
            if error.errno in _GONE:
                raise self._explained(error, 0, "discard") from error
            return False
        return True

    def finish(self, *, eject: bool) -> None:
        """See `Storage`; a disk that cannot be told so stays as it is."""
        if not self._is_disk:
            os.ftruncate(self._handle, self._size_bytes)  # its last sector was written whole
            return
        for request in (_BLKRRPART, _CDROMEJECT) if eject else (_BLKRRPART,):
            try:
                fcntl.ioctl(self._handle, request)
            except OSError as error:
                if error.errno in _GONE:
                    raise self._explained(error, 0, "read the partitions of") from error

    def close(self) -> None:
        """Let go of it.

        Whoever still writes gets an error, and never another file that has its number by then.
        """
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)

    def _move(
        self, move: Callable[[int, memoryview, int], int], offset_bytes: int, memory: memoryview
    ) -> None:
        done = 0
        while done < len(memory):
            try:
                count = move(self._handle, memory[done:], offset_bytes + done)
            except OSError as error:
                # A disk with sectors of 4096 bytes, at the end of an image that has smaller ones.
                if error.errno != errno.EINVAL or not self._is_direct:
                    raise
                self._is_direct = _make_direct(self._handle, wanted=False)
                continue
            if not count and self._is_past_end(offset_bytes + done, len(memory) - done):
                memory[done:] = bytes(len(memory) - done)
                return
            if not count:
                raise OSError(errno.EIO, "it ends here")
            done += count

    def _is_past_end(self, offset_bytes: int, left_bytes: int) -> bool:
        """Return whether this is the rest of the last sector of a file that ends in it."""
        is_end = not self._is_disk and offset_bytes == self._size_bytes
        return is_end and left_bytes < _SECTOR_BYTES

    def _lock(self) -> None:
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RefusedError(f"{self._path}: another program writes it") from error

    def _explained(self, error: OSError, offset_bytes: int, what: str) -> EdgeError:
        said = error.strerror or str(error)
        if error.errno == errno.ENOSPC and not self._is_disk:
            return EdgeError(f"{self._path}: {said}", hint="make room, or take another disk")
        if error.errno in _GONE or not self._is_there():
            return LinkError(
                f"{self._path}: it was pulled out, or its reader failed, at byte {offset_bytes}",
                hint="put it in again; the same command goes on where it was",
            )
        return BadBlockError(
            f"{self._path}: cannot {what} at byte {offset_bytes}: {said}", offset_bytes
        )

    def _is_there(self) -> bool:
        if not self._is_disk:
            return True
        try:
            return _size_of(self._handle) == self._size_bytes and Path(self._path).exists()
        except OSError:
            return False


def _flags(*, is_disk: bool, read_only: bool) -> int:
    flags = os.O_CLOEXEC | (os.O_RDONLY if read_only else os.O_RDWR)
    if is_disk:
        return flags if read_only else flags | os.O_EXCL
    flags |= os.O_NONBLOCK  # a pipe is refused, not waited for
    return flags if read_only else flags | os.O_CREAT


def _opened(path: str, *, is_disk: bool, read_only: bool) -> int:
    flags = _flags(is_disk=is_disk, read_only=read_only)
    try:
        # First settings may bring a device's private key: a new file is for its owner only.
        handle = os.open(path, flags, 0o600)
    except FileNotFoundError as error:
        folder = Path(path).parent
        if not is_disk and not folder.is_dir():
            raise ThingNotFoundError(f"{path}: there is no folder {folder}") from error
        raise ThingNotFoundError(f"{path}: it is not there") from error
    except PermissionError as error:
        if is_disk:
            raise udev.without_rights(path) from error
        raise RefusedError(f"{path}: this user may not write it") from error
    except OSError as error:
        raise _refused(path, error) from error
    mode = os.fstat(handle).st_mode
    if stat.S_ISBLK(mode) != is_disk or not (is_disk or stat.S_ISREG(mode)):
        os.close(handle)
        raise RefusedError(f"{path}: {'no disk' if is_disk else 'not a plain file'}")
    return handle


def _refused(path: str, error: OSError) -> EdgeError:
    match error.errno:
        case errno.EBUSY:
            return RefusedError(f"{path}: another program holds it", hint=f"see: lsblk {path}")
        case errno.EROFS | errno.EACCES:
            hint = "look for the switch on the card" if path.startswith("/dev/") else None
            return RefusedError(f"{path}: it is read-only", hint=hint)
        case errno.ENOMEDIUM:
            return ThingNotFoundError(f"{path}: no medium is in it", hint="put the card in")
        case errno.ENXIO | errno.ENODEV:
            return ThingNotFoundError(f"{path}: it is not there any more")
        case _:
            return EdgeError(f"{path}: {error.strerror}")


def _pread_into(handle: int, memory: memoryview, offset_bytes: int) -> int:
    return os.preadv(handle, [memory], offset_bytes)


def _make_direct(handle: int, *, wanted: bool = True) -> bool:
    """Pass by the page cache, so that progress and read-back tell the truth; some cannot."""
    flags = fcntl.fcntl(handle, fcntl.F_GETFL) & ~os.O_DIRECT
    try:
        fcntl.fcntl(handle, fcntl.F_SETFL, flags | (os.O_DIRECT if wanted else 0))
    except OSError:
        return False
    return wanted


def _is_read_only(handle: int) -> bool:
    """Return what a switch on the card says: some kernels let it be opened for writing."""
    return any(fcntl.ioctl(handle, _BLKROGET, bytes(4)))


def _size_of(handle: int) -> int:
    if stat.S_ISBLK(os.fstat(handle).st_mode):
        packed = fcntl.ioctl(handle, _BLKGETSIZE64, bytes(8))
        return int(struct.unpack("Q", packed)[0])
    return os.fstat(handle).st_size
