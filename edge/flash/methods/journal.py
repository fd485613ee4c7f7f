"""What an interrupted write remembers: how far it came, on which disk, with which image.

It is trusted only for the same disk and image, and only if the start of the disk is still clear;
all is read back and compared at the end in any case.
"""

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge import atomic
from edge.errors import EdgeError

FORMAT: Final = 1


def state_folder() -> Path:
    """Return where journals are kept; `XDG_STATE_HOME` moves it.

    Raises:
        EdgeError: This user has no home.
    """
    base = os.environ.get("XDG_STATE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".local" / "state") / "edge" / "flash"
    except RuntimeError as error:
        raise EdgeError("this user has no home", hint="set XDG_STATE_HOME to a folder") from error


@dataclass(frozen=True, slots=True)
class Journal:
    """The journal of one target.

    Attributes:
        file: Where it is kept.
        target: What tells this target from others.
        fingerprint: Of the image.
    """

    file: Path
    target: str
    fingerprint: bytes

    @classmethod
    def of(cls, folder: Path, target: str, fingerprint: bytes) -> "Journal":
        """Return the journal of a target, kept in `folder`."""
        name = hashlib.sha256(target.encode()).hexdigest()[:32]
        return cls(folder / f"{name}.json", target, fingerprint)

    def done_bytes(self) -> int:
        """Return up to which byte all is on the disk; 0 if nothing is known."""
        try:
            found = json.loads(self.file.read_bytes())
        except (OSError, ValueError):
            return 0
        if not isinstance(found, dict) or {**found, "done_bytes": 0} != self._document(0):
            return 0
        done = found["done_bytes"]
        return done if type(done) is int and done > 0 else 0

    def keep(self, done_bytes: int) -> None:
        """Remember that all before this byte is on the disk.

        Where nothing can be kept (a full disk, a home of somebody else) the write goes on all the
        same: it only starts anew after an interrupt.
        """
        with suppress(OSError), atomic.file(self.file, mode=0o600) as stream:
            stream.write(json.dumps(self._document(done_bytes)).encode())

    def forget(self) -> None:
        """Remember nothing: the disk is whole, or will be written from the start."""
        with suppress(OSError):
            self.file.unlink(missing_ok=True)

    def _document(self, done_bytes: int) -> dict[str, object]:
        return {
            "format": FORMAT,
            "target": self.target,
            "fingerprint": self.fingerprint.hex(),
            "done_bytes": done_bytes,
        }
