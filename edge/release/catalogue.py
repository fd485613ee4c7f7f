"""The releases of a repository: published, or waiting for signatures."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuf.api.metadata import TargetFile, Targets

from edge.errors import InputError, ThingNotFoundError
from edge.repository import store
from edge.repository.repository import Repository
from edge_signing.disk import FILE, DiskImage
from edge_signing.release import RELEASE_FILE, PatchSet, Release
from edge_signing.sbom import is_sbom, sbom_path
from edge_signing.trust import documents, offline
from edge_signing.trust.names import SNAPSHOT, TARGETS, TIMESTAMP

SERIAL = "serial"


@dataclass(frozen=True, slots=True)
class Entry:
    """A release with its patches.

    Attributes:
        release: What it says.
        serial: Grows with every release of a product.
        patches: From older releases.
        disks: Its disk images, by board.
        published: Signed and in force; else it waits.
        sbom: What is signed of its SBOM; the file itself may not be at hand.
    """

    release: Release
    serial: int
    patches: tuple[PatchSet, ...]
    published: bool
    disks: tuple[DiskImage, ...] = ()
    sbom: offline.Target | None = None


def entries(repository: Repository, product: str | None = None) -> tuple[Entry, ...]:
    """Return the releases of a product, or of all, oldest first.

    Raises:
        EdgeError: A document is missing or damaged.
    """
    published = _published(repository)
    found = {**published, **_waiting(repository)}
    documents_of = {
        path: _read(repository, path, target) for path, target in found.items() if not is_sbom(path)
    }
    made = [
        _entry(path, found, documents_of, published=path in published)
        for path in found
        if path.endswith(f"/{RELEASE_FILE}") and product in (None, path.partition("/")[0])
    ]
    return tuple(sorted(made, key=lambda entry: (entry.release.product, entry.serial)))


def find(
    repository: Repository, version: str, product: str | None = None, *, published: bool = False
) -> Entry:
    """Return the release of that version.

    Raises:
        ThingNotFoundError: There is none.
        InputError: Two products have one.
    """
    known = [one for one in entries(repository, product) if one.published or not published]
    found = [one for one in known if one.release.version == version]
    if not found:
        versions = ", ".join(one.release.version for one in known) or "none"
        raise ThingNotFoundError(
            f"{repository.folder}: no release {version}", hint=f"there: {versions}"
        )
    if len(found) > 1:
        products = ", ".join(one.release.product for one in found)
        raise InputError(f"{version} is a release of {products}", hint="say which with --product")
    return found[0]


def next_serial(known: tuple[Entry, ...]) -> int:
    """Return the serial number of the next release of a product."""
    return max((entry.serial for entry in known), default=0) + 1


def _entry(
    path: str,
    targets: Mapping[str, offline.Target],
    found: Mapping[str, bytes],
    *,
    published: bool,
) -> Entry:
    folder = path.rpartition("/")[0]
    others = [one for one in sorted(found) if one.rpartition("/")[0] == folder and one != path]
    disks = [one for one in others if FILE.fullmatch(one.rpartition("/")[2])]
    serial: Any = targets[path].custom.get(SERIAL)
    if type(serial) is not int:
        raise InputError(f"{path}: it has no serial number")
    release = Release.unpack(found[path])
    return Entry(
        release,
        serial,
        tuple(PatchSet.unpack(found[one]) for one in others if one not in disks),
        published,
        tuple(DiskImage.unpack(found[one]) for one in disks),
        targets.get(sbom_path(release.product, release.version)),
    )


def _published(repository: Repository) -> dict[str, offline.Target]:
    found = repository.published()
    roles = [name for name in found.roles if name not in (TARGETS, SNAPSHOT, TIMESTAMP)]
    signed = [one.signed for one in map(found.role, roles) if one is not None]
    return _targets([file for one in signed for file in one.targets.values()])


def _waiting(repository: Repository) -> dict[str, offline.Target]:
    waiting = repository.waiting()
    if waiting is None:
        return {}
    signed = [documents.read(data, Targets, name).signed for name, data in waiting.sign.items()]
    return _targets([file for one in signed for file in one.targets.values()])


def _targets(files: list[TargetFile]) -> dict[str, offline.Target]:
    return {file.path: offline.target(file) for file in files}


def _read(repository: Repository, path: str, target: offline.Target) -> bytes:
    place = Path(store.target_file(path, target.sha256))
    published = repository.folder / store.TARGET_FILES
    waiting = repository.pending / store.TARGET_FILES
    folder = published if (published / place).is_file() else waiting
    return store.read_target(folder, target)
