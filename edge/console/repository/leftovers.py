"""Files of a repository that no signed document names any more."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from edge.release import blobs
from edge.repository import store
from edge.repository.store import METADATA, TARGET_FILES, TIMESTAMP_FILE, Published
from edge_signing.trust import roots
from edge_signing.trust.names import SNAPSHOT

_FOLDERS: Final = (METADATA, TARGET_FILES, blobs.FOLDER)


@dataclass(frozen=True, slots=True)
class Leftover:
    """A file that nobody can ask for.

    Attributes:
        name: Below the folder of the repository.
    """

    name: str
    length_bytes: int


def find(folder: Path, named: Set[str], *, before: datetime) -> list[Leftover]:
    """Return the files of a repository that are not named and were written before a time.

    What is younger may be of an upload that goes on, or be read by a device that has just looked.

    Args:
        folder: Of the repository.
        named: What is needed, below the folder.
        before: The time.
    """
    found = []
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        if name in named or _is_root(path):
            continue
        facts = path.stat()
        if facts.st_mtime < before.timestamp():
            found.append(Leftover(name, facts.st_size))
    return sorted(found, key=lambda one: one.name)


def remove(folder: Path, found: Iterable[Leftover]) -> None:
    """Remove files, and folders of releases that are empty then."""
    for one in found:
        path = folder / one.name
        path.unlink(missing_ok=True)
        for parent in path.parents:
            if parent.parent in (folder, *folder.parents) or any(parent.iterdir()):
                break
            parent.rmdir()


def of_metadata(published: Published) -> set[str]:
    """Return the names of the metadata that devices read now."""
    found = {TIMESTAMP_FILE}
    if published.timestamp is not None:
        version = published.timestamp.signed.snapshot_meta.version
        found.add(store.file_name(SNAPSHOT, version))
    if published.snapshot is not None:
        for name, meta in published.snapshot.signed.meta.items():
            found.add(store.file_name(name.removesuffix(".json"), meta.version))
    return {f"{METADATA}/{name}" for name in found}


def _files(folder: Path) -> Iterator[Path]:
    for name in _FOLDERS:
        yield from (path for path in (folder / name).rglob("*") if path.is_file())


def _is_root(path: Path) -> bool:
    """Whether it is a root: devices of any age follow all of them."""
    return path.parent.name == METADATA and roots.NAME.fullmatch(path.name) is not None
