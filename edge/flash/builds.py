"""Find the builds of a project folder: what to write when nobody says which image."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.errors import EdgeError
from edge.image import manifest
from edge.image.outputs import DISK

_DEPTH: Final = 2  # `out/` and `builds/rpi4/` are found, not what lies deeper


@dataclass(frozen=True, slots=True)
class Build:
    """A build folder; `made_s` is when its manifest was written, in seconds since 1970."""

    folder: Path
    board: str
    version: str
    made_s: float


def builds(folder: Path, board: str | None = None) -> tuple[Build, ...]:
    """Return the builds in a folder and the folders in it, newest first; damaged ones left out.

    Args:
        folder: Where to look.
        board: Only those for this board.
    """
    found = [build for place in _places(folder) if (build := _build(place)) is not None]
    fitting = [build for build in found if board in (None, build.board)]
    return tuple(sorted(fitting, key=lambda build: (-build.made_s, str(build.folder))))


def _places(folder: Path) -> list[Path]:
    found = [folder]
    level = [folder]
    for _depth in range(_DEPTH):
        level = [one for above in level for one in _folders(above)]
        found += level
    return [place for place in found if (place / manifest.FILE).is_file()]


def _folders(folder: Path) -> list[Path]:
    try:
        return [
            one
            for one in sorted(folder.iterdir())
            if one.is_dir() and not one.is_symlink() and not one.name.startswith(".")
        ]
    except OSError:
        return []


def _build(place: Path) -> Build | None:
    try:
        facts = manifest.read(place)
        made_s = (place / manifest.FILE).stat().st_mtime
        if (place / DISK).is_file():
            return Build(place, str(facts["board"]), str(facts["version"]), made_s)
    except (EdgeError, OSError, KeyError):
        return None
    return None
