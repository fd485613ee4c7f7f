"""Files by their content: whole or not there, and never changed."""

import os
from dataclasses import dataclass
from pathlib import Path

from edge import atomic

_MODE = 0o644


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder of files whose names are the SHA-256 of their bytes.

    Attributes:
        folder: Made when missing; on the file system of what is brought.
    """

    folder: Path

    def path(self, sha256: str) -> Path:
        """Return where a file is, or would be."""
        return self.folder / sha256

    def keep(self, file: Path, sha256: str) -> None:
        """Keep a file that is whole under its hash; its own name stays too.

        After a power cut it is there with all its bytes, or not at all.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.path(sha256).is_file():
            return
        handle = os.open(file, os.O_RDONLY)
        try:
            os.fchmod(handle, _MODE)
            os.fsync(handle)
        finally:
            os.close(handle)
        # A link where there is one already is the same file.
        try:
            os.link(file, self.path(sha256))
        except FileExistsError:
            return
        atomic.sync_folder(self.folder)
