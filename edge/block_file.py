"""Large new files, written in pieces of whole blocks, past the page cache where that is possible.

What a build makes is synced at its end, so that the page cache would only hold a second copy: to
take memory for that costs more processor time than all hashing. What the file system refuses to
write so is written as usual.
"""

import errno
import fcntl
import hashlib
import mmap
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from edge.errors import EdgeError

BLOCK_BYTES: Final = 4096
PIECE_BYTES: Final = 256 * BLOCK_BYTES
_ZEROS: Final = bytes(BLOCK_BYTES)


class BlockFile:
    """A file that grows at its end; `digest` is that of all bytes once it is closed.

    Args:
        path: The file, which must not be there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = _opened(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        self._piece = memoryview(mmap.mmap(-1, PIECE_BYTES))  # O_DIRECT wants aligned memory
        self._filled = 0
        self._hash = hashlib.sha256()
        self._source: tuple[Path, int] | None = None
        self.size_bytes = 0

    @property
    def digest(self) -> str:
        """The digest of what was written so far, but for what waits to fill a piece."""
        return f"sha256:{self._hash.hexdigest()}"

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        """Append bytes."""
        view = memoryview(data)
        while view:
            room = self._piece[self._filled : self._filled + len(view)]
            room[:] = view[: len(room)]
            view = view[len(room) :]
            self._advance(len(room))
        return len(data)

    def take(
        self,
        source: Path,
        offset_bytes: int,
        size_bytes: int,
        checked: Callable[[memoryview], object] | None = None,
    ) -> None:
        """Append what stands in another file.

        Args:
            source: The file; it is kept open until another one is named.
            offset_bytes: Where it begins there.
            size_bytes: How long it is.
            checked: Given the bytes as they come, whole blocks of them but at the end, if the file
                so far has whole blocks.

        Raises:
            EdgeError: The file is shorter.
        """
        handle = self._open(source)
        while size_bytes:
            room = self._piece[self._filled : self._filled + size_bytes]
            _fill(handle, room, offset_bytes, source)
            if checked is not None:
                checked(room)
            offset_bytes += len(room)
            size_bytes -= len(room)
            self._advance(len(room))

    def pad(self, unit_bytes: int = BLOCK_BYTES) -> None:
        """Append zeros up to a whole number of units, which are a block at most."""
        self.write(_ZEROS[: -(self.size_bytes) % unit_bytes])

    def flush(self) -> None:
        """Write what waits; only the last call may leave a part of a block."""
        if not self._filled:
            return
        view = self._piece[: self._filled]
        self._hash.update(view)
        write_all(self._handle, view, self.size_bytes - self._filled)
        self._filled = 0

    def close(self, *, is_whole: bool = True) -> None:
        """Write what waits, unless the file is given up, and close it."""
        try:
            if is_whole:
                self.flush()
        finally:
            os.close(self._handle)
            self._close_source()

    def _advance(self, count: int) -> None:
        self._filled += count
        self.size_bytes += count
        if self._filled == PIECE_BYTES:
            self.flush()

    def _open(self, source: Path) -> int:
        if self._source is None or self._source[0] != source:
            self._close_source()
            self._source = source, os.open(source, os.O_RDONLY | os.O_CLOEXEC)
        return self._source[1]

    def _close_source(self) -> None:
        if self._source is not None:
            os.close(self._source[1])
            self._source = None


@contextmanager
def new(path: Path) -> Iterator[BlockFile]:
    """Give a new file, whole after the block and gone after an exception."""
    file = BlockFile(path)
    try:
        yield file
        file.close()
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def write_all(handle: int, view: memoryview, offset_bytes: int) -> None:
    """Write at a place of a file that was opened past the page cache, or is given up for it.

    Raises:
        OSError: It cannot be written.
    """
    if len(view) % BLOCK_BYTES or offset_bytes % BLOCK_BYTES:
        _through_cache(handle)
    while view:
        try:
            written = os.pwrite(handle, view, offset_bytes)
        except OSError as error:
            if error.errno != errno.EINVAL or not _through_cache(handle):
                raise
            continue
        view = view[written:]
        offset_bytes += written
        if written % BLOCK_BYTES:
            _through_cache(handle)


def _fill(handle: int, room: memoryview, offset_bytes: int, source: Path) -> None:
    while room:
        read_bytes = os.preadv(handle, [room], offset_bytes)
        if not read_bytes:
            raise EdgeError(f"{source}: {len(room)} bytes are missing at its end")
        room = room[read_bytes:]
        offset_bytes += read_bytes


def _opened(path: Path, flags: int) -> int:
    """Open a file past the page cache, or as usual where the file system knows no such thing."""
    try:
        return os.open(path, flags | os.O_DIRECT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    path.unlink(missing_ok=True)  # some make the file before they refuse
    return os.open(path, flags | os.O_CLOEXEC, 0o644)


def _through_cache(handle: int) -> bool:
    """Write through the page cache from now on; say whether that is new."""
    flags = fcntl.fcntl(handle, fcntl.F_GETFL)
    fcntl.fcntl(handle, fcntl.F_SETFL, flags & ~os.O_DIRECT)
    return bool(flags & os.O_DIRECT)


class Reader:
    """A file that is read once, in pieces, past the page cache where that is possible.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._handle = _opened(path, os.O_RDONLY)
        self._piece = memoryview(mmap.mmap(-1, PIECE_BYTES))
        self._position = 0

    def seek(self, offset_bytes: int, /) -> int:
        """Go on at a byte."""
        self._position = offset_bytes
        return offset_bytes

    def read(self, size_bytes: int, /) -> memoryview:
        """Return the next bytes, a piece at most, fewer at the end; they hold until the next call.

        Raises:
            OSError: They cannot be read.
        """
        room = self._piece[: -(-size_bytes // BLOCK_BYTES) * BLOCK_BYTES]
        try:
            count = os.preadv(self._handle, [room], self._position)
        except OSError as error:
            if error.errno != errno.EINVAL or not _through_cache(self._handle):
                raise
            return self.read(size_bytes)
        count = min(count, size_bytes)
        self._position += count
        return self._piece[:count]

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)


@contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """Give the reader of a file."""
    reader = Reader(path)
    try:
        yield reader
    finally:
        reader.close()


def copy_into(handle: int, source: Path, offset_bytes: int) -> int:
    """Write a file into another one at a whole block, and return how many bytes that were.

    Blocks of zeros at the start or the end of a piece become holes.

    Args:
        handle: The file that is written, whose position does not matter; nothing waits for it.
        source: What is read.
        offset_bytes: Where it goes.

    Raises:
        OSError: It cannot be read or written.
    """
    flags = fcntl.fcntl(handle, fcntl.F_GETFL)
    start = offset_bytes
    try:
        fcntl.fcntl(handle, fcntl.F_SETFL, flags | os.O_DIRECT)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    try:
        with reading(source) as reader:
            while piece := reader.read(PIECE_BYTES):
                first, last = _filled(piece)
                write_all(handle, piece[first:last], offset_bytes + first)
                offset_bytes += len(piece)
    finally:
        fcntl.fcntl(handle, fcntl.F_SETFL, flags)
    return offset_bytes - start


def _filled(piece: memoryview) -> tuple[int, int]:
    """Return where the blocks begin and end that are not zero."""
    first, last = 0, len(piece)
    while first < last and _is_zero(piece[first : first + BLOCK_BYTES]):
        first += BLOCK_BYTES
    while first < last and _is_zero(piece[(last - 1) // BLOCK_BYTES * BLOCK_BYTES : last]):
        last = (last - 1) // BLOCK_BYTES * BLOCK_BYTES
    return min(first, last), last


def _is_zero(block: memoryview) -> bool:
    return bytes(block) == _ZEROS[: len(block)]
