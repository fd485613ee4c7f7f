"""The files of this project: all that is not ignored, without asking git."""

from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
SCRIPT_FOLDERS = (".ci", "device-agent", "tools")


@cache
def files() -> tuple[Path, ...]:
    """Return all files, without the folders that `.gitignore` names."""
    return tuple(sorted(_files(PROJECT)))


def python_files() -> list[Path]:
    return [path for path in files() if path.suffix == ".py"]


def shell_files() -> list[Path]:
    """Return the programs for a shell: those whose first line says so."""
    found = [path for path in files() if path.relative_to(PROJECT).parts[0] in SCRIPT_FOLDERS]
    return [path for path in found if _first_line(path).endswith((b"/sh", b" sh", b"bash"))]


def text_files() -> list[tuple[Path, str]]:
    """Return all files that are text, with their text."""
    read = ((path, path.read_bytes()) for path in files() if path.name != "LICENSE")
    return [(path, content.decode()) for path, content in read if _is_text(content)]


def name_of(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in content


def _first_line(path: Path) -> bytes:
    with path.open("rb") as stream:
        line = stream.readline(80).strip()
    return line if line.startswith(b"#!") else b""


@cache
def _ignored() -> tuple[str, ...]:
    lines = (PROJECT / ".gitignore").read_text().split()
    return (".git", *(line.strip("/") for line in lines))


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        name = name_of(path)
        if any(fnmatch(name, glob) or fnmatch(path.name, glob) for glob in _ignored()):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _files(path)
        elif path.is_file():
            yield path
