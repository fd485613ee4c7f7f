"""Which programs have a device open, as `fuser` finds it out."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")


def holders(path: str, *, proc: Path = PROC) -> list[str]:
    """Return the other programs that have a device open, like `minicom (process 123)`.

    Those of other users are seen by root only.
    """
    device = os.path.realpath(path)
    return [
        f"{_name_of(process)} (process {process.name})"
        for process in sorted(proc.iterdir(), key=lambda entry: entry.name)
        if process.name.isdigit() and int(process.name) != os.getpid()
        if device in _open_files(process)
    ]


def _open_files(process: Path) -> Iterator[str]:
    try:
        links = list((process / "fd").iterdir())
    except OSError:
        return
    for link in links:
        with contextlib.suppress(OSError):
            yield str(link.readlink())


def _name_of(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except OSError:
        return "a program"
