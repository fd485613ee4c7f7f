"""Install the tool tree: Debian packages for this host's architecture, unpacked in the cache.

The tree is named by a hash of the catalogue, so a changed catalogue makes a new one, and it comes
whole by a rename, so a half-made one never counts. Nothing of the host changes.
"""

import fcntl
import os
import platform
import shutil
from collections.abc import Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from tarfile import TarInfo
from typing import BinaryIO

from edge import atomic, digest, paths
from edge.debian import deb
from edge.debian.archive import Archive, Package
from edge.debian.mirror import Mirror, mirror
from edge.errors import EdgeError, InputError, UntrustedError
from edge.progress import SILENT, Progress, Task
from edge.toolbox import catalogue, wrappers

LAYOUT = 1  # a change makes all trees anew
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
RETRIES = 2  # of a lost link
WORKERS = 2


def architecture() -> str:
    """Return Debian's name of this host's architecture.

    Raises:
        InputError: There is no tool tree for it.
    """
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        raise InputError(
            f"no tools for a host of architecture {machine!r}",
            hint=f"use one of {', '.join(sorted(_ARCHITECTURES))}",
        )
    return _ARCHITECTURES[machine]


def key() -> str:
    """Return what names the tree of this catalogue and host."""
    sources = (Path(__file__).with_name(name) for name in ("catalogue.py", "wrappers.py"))
    inputs = (LAYOUT, architecture(), *(digest.of_file(source) for source in sources))
    return digest.of_bytes(repr(inputs).encode()).rpartition(":")[2][:16]


def folder() -> Path:
    """Return where the tree is, or would be."""
    return _trees() / key()


def installed() -> bool:
    """Whether the tree of this very catalogue is there."""
    return (folder() / "packages").is_file()


def stamp() -> str:
    """Return a hash of the exact packages in the tree, for keys of what its programs make.

    Raises:
        EdgeError: The tree is not installed.
    """
    if not installed():
        raise EdgeError("the tool tree is not installed", hint=catalogue.TREE_HINT)
    return digest.of_file(folder() / "packages")


def install(
    progress: Progress = SILENT, *, force: bool = False, source: Mirror | None = None
) -> Path:
    """Return the folder of the tree, fetched and unpacked first unless it is there.

    Args:
        progress: Where bytes and packages are told.
        force: Make it anew, from the newest packages.
        source: The mirror; the host's own when None.

    Raises:
        InputError: The mirror has not got a package, or is not known.
        LinkError: The mirror cannot be reached; a later call goes on with the rest.
        UntrustedError: A package has other bytes than the signed lists say.
    """
    if installed() and not force:
        return folder()
    _trees().mkdir(parents=True, exist_ok=True)
    with _locked():
        if not installed() or force:
            _install(source or mirror(), progress, force=force)
    return folder()


def _trees() -> Path:
    return paths.cache_folder() / "tools"


@contextmanager
def _locked() -> Iterator[None]:
    with (_trees() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(source: Mirror, progress: Progress, *, force: bool) -> None:
    host = architecture()
    archive = Archive(
        source,
        architecture=host,
        suite=catalogue.SUITE,
        components=("main",),
        folder=paths.cache_folder() / "apt" / f"tools-{host}",
        retries=RETRIES,
    )
    progress.note("look up the tools")
    archive.refresh(force=force)
    packages = archive.resolve(catalogue.packages(host), without=catalogue.WITHOUT)
    debs = _Debs(_trees() / "debs")
    archive.fetch(packages, debs, progress)
    with atomic.folder(folder()) as tree:
        _unpack(packages, debs, tree / "root", progress)
        if missing := wrappers.write(tree, host):
            raise InputError(f"programs not in their packages: {', '.join(missing)}")
        listed = "".join(f"{package.key} {package.sha256}\n" for package in packages)
        (tree / "packages").write_text(listed)
    _remove_old()


def _remove_old() -> None:
    """Remove the trees of other versions of Edge, but for the newest: a second checkout uses it."""
    others = [path for path in _trees().iterdir() if path.is_dir() and path != folder()]
    others.sort(key=lambda path: path.stat().st_mtime)
    for path in others[:-1]:
        shutil.rmtree(path, ignore_errors=True)


class _Debs:
    """Fetched packages, kept only until the tree is made."""

    def __init__(self, place: Path) -> None:
        self._place = place
        place.mkdir(parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        return self._place / name.rpartition(":")[2]

    def has(self, digest: str) -> bool:
        return self.path(digest).is_file()

    def add_file(self, path: Path, expected: str | None = None, *, move: bool = False) -> str:
        found = digest.of_file(path)
        if expected is not None and found != expected:
            raise UntrustedError(f"{path.name}: {found} where {expected} was expected")
        shutil.move(path, self.path(found)) if move else shutil.copy(path, self.path(found))
        return found


def _unpack(packages: Sequence[Package], debs: _Debs, root: Path, progress: Progress) -> None:
    # The largest first, so that no thread is left with one at the end.
    kept = catalogue.kept_programs()
    by_size = sorted(packages, key=lambda package: -package.size_bytes)
    with (
        progress.task("unpack tools", total=len(packages), unit="packages") as task,
        ThreadPoolExecutor(WORKERS) as pool,
    ):
        jobs = [pool.submit(_unpack_one, debs.path(p.digest), root, kept, task) for p in by_size]
        for job in jobs:
            job.result()


def _unpack_one(package: Path, root: Path, kept: Set[str], task: Task) -> None:
    for info, content in deb.members(package):
        path = PurePosixPath(info.name)
        if ".." in path.parts or path.is_absolute():
            raise UntrustedError(f"{package.name}: path {info.name!r} leaves the tree")
        if not info.isdir() and _is_kept(path, kept):
            _write(info, content, root, root / path)
    task.advance()


def _is_kept(path: PurePosixPath, kept: Set[str]) -> bool:
    if str(path.parent) in catalogue.PROGRAM_FOLDERS:
        return path.name in kept
    return not any(fnmatchcase(str(path), glob) for glob in catalogue.DROP)


def _write(info: TarInfo, content: BinaryIO | None, root: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if info.issym():
        target.symlink_to(_inside(info.linkname, root, target))
    elif info.islnk():
        os.link(root / PurePosixPath(info.linkname), target)
    elif content is not None:
        with target.open("wb") as stream:
            shutil.copyfileobj(content, stream, 1 << 20)
        target.chmod(0o755 if info.mode & 0o111 else 0o644)


def _inside(link: str, root: Path, target: Path) -> str:
    """Return a link that stays in the tree where the package's goes to the host's root."""
    return os.path.relpath(root / link.lstrip("/"), target.parent) if link[:1] == "/" else link
