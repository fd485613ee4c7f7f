"""Outputs that are whole or not there: written beside, synced, renamed."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

# What a write says of the disk, and the system names no file with.
_OF_DISK: Final = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS))


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the output in what the system says of the disk, not nothing nor the file beside."""
    try:
        yield
    except OSError as error:
        is_beside = Path(str(error.filename)).name.startswith(f".{path.name}.")
        if is_beside or (error.filename is None and error.errno in _OF_DISK):
            error.filename = str(path)
        raise


@contextmanager
def file(path: Path, *, mode: int = 0o644, durable: bool = True) -> Iterator[BinaryIO]:
    """Give a file to write that takes the place of `path` when the block ends well.

    After an exception or a power cut `path` is as it was. Without `durable` nothing is synced:
    for what can be made again and is checked when it is read, as a power cut may damage it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _named(path):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    beside = Path(name)
    try:
        with _named(path), os.fdopen(handle, "w+b") as stream:
            yield stream
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            if durable:
                os.fsync(stream.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


@contextmanager
def folder(path: Path) -> Iterator[Path]:
    """Give a folder to fill that takes the place of `path` when the block ends well.

    An old `path` is moved away before and removed after; after an exception it is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _named(path):
        beside = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    beside.chmod(0o755)
    old = beside.with_name(beside.name + ".old")
    try:
        yield beside
        if path.exists():
            path.rename(old)
        beside.rename(path)
    except BaseException:
        if old.exists() and not path.exists():
            old.rename(path)
        shutil.rmtree(beside, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Bring the names in a folder down to the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
