"""What was read from a folder, kept as long as the files of the folder are the same."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")

_Stamp = tuple[tuple[str, int, int, int], ...]


class Kept(Generic[T]):
    """The result of reading a folder; for any thread.

    Args:
        folder: Whose files count, not those of folders in it.
        read: Reads it.
    """

    def __init__(self, folder: Path, read: Callable[[], T]) -> None:
        self._folder = folder
        self._read = read
        self._known: tuple[_Stamp, T] | None = None

    def get(self) -> T:
        """Return what is there now; it is read anew if any file was written, made or removed."""
        known, stamp = self._known, self._stamp()
        if known is not None and known[0] == stamp:
            return known[1]
        # The stamp is older than what is read: what is written meanwhile is read the next time.
        found = self._read()
        self._known = stamp, found
        return found

    def _stamp(self) -> _Stamp:
        if not self._folder.is_dir():
            return ()
        with os.scandir(self._folder) as entries:
            found = [(one.name, one.stat(follow_symlinks=True)) for one in entries]
        return tuple(
            sorted((name, one.st_mtime_ns, one.st_size, one.st_ino) for name, one in found)
        )
