"""Add releases and patches to a repository: payloads first, then what is to be signed."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from edge.bundle import patches
from edge.bundle.full import MadePayload
from edge.bundle.levels import Level
from edge.bundle.patches import ImageFile
from edge.errors import InputError
from edge.keys.ring import Ring
from edge.progress import Progress
from edge.release import blobs, catalogue, disk, payloads
from edge.release.catalogue import SERIAL, Entry
from edge.release.payloads import Terms, full_of
from edge.release.rebuilt import Images, rebuilt
from edge.release.source import Source
from edge.repository.repository import Repository
from edge.sbom import reading
from edge_signing.release import Partition, PatchSet, Release
from edge_signing.sbom import sbom_path

Documents = Mapping[str, tuple[bytes, Mapping[str, object]]]


@dataclass(frozen=True, slots=True)
class Saving:
    """What a patch saves: it is used only if it is smaller than the full payload."""

    base_version: str
    partition: Partition
    patch_bytes: int
    full_bytes: int

    @property
    def used(self) -> bool:
        """Whether the patch is offered."""
        return self.patch_bytes < self.full_bytes


@dataclass(frozen=True, slots=True)
class Patched:
    """The patches between two releases; none, if the full payloads are all smaller."""

    patch_set: PatchSet | None
    payloads: tuple[MadePayload, ...]
    savings: tuple[Saving, ...]


@dataclass(frozen=True, slots=True)
class Added:
    """A release that was brought into a repository, to be signed."""

    release: Release
    savings: tuple[Saving, ...]


def add(
    repository: Repository,
    ring: Ring,
    source: Source,
    terms: Terms,
    *,
    now: datetime,
    level: Level,
    patches_from: int,
    with_chunks: bool,
    progress: Progress,
) -> Added:
    """Stage a release, with patches from the last `patches_from` releases before it.

    Raises:
        InputError: The version was released already, a counter would go down, or the SBOM is none.
    """
    product = terms.product or source.product
    listed = catalogue.entries(repository, product)
    known = tuple(one for one in listed if one.release.service == source.service)
    counter = _counter(listed, source, terms)
    _require_new(known, product, payloads.version_of(source, terms), counter)
    terms = replace(terms, counter=counter)
    if source.sbom is not None:
        # Nothing is signed that a console would refuse.
        reading.read(source.sbom)
    with tempfile.TemporaryDirectory(prefix="edge-release-") as name:
        scratch = Path(name)
        made = payloads.make(
            source, terms, scratch, level=level, with_chunks=with_chunks, progress=progress
        )
        release = made.release
        for payload in made.payloads:
            blobs.put(repository.folder, payload)
        documents = _documents(source, release, catalogue.next_serial(listed))
        new = {
            one.partition: ImageFile(one.path, release.image(one.partition).content)
            for one in source.images
        }
        savings: list[Saving] = []
        for entry in known[-patches_from:] if patches_from else ():
            with rebuilt(repository, entry.release, progress) as old:
                found = between(entry.release, old, release, new, progress=progress)
            savings += found.savings
            documents |= _stored(repository, found)
        repository.stage(ring, product, documents, now=now)
    return Added(release, tuple(savings))


def patch(repository: Repository, base: Entry, entry: Entry, *, progress: Progress) -> Patched:
    """Return the patches from one release of a repository to another; nothing is staged."""
    with (
        rebuilt(repository, base.release, progress) as old,
        rebuilt(repository, entry.release, progress) as new,
    ):
        return between(base.release, old, entry.release, new, progress=progress)


def stage_patch(repository: Repository, ring: Ring, found: Patched, *, now: datetime) -> None:
    """Bring patches into a repository, to be signed."""
    if found.patch_set is not None:
        documents = _stored(repository, found)
        repository.stage(ring, found.patch_set.product, documents, now=now)


def between(
    base: Release, old: Images, release: Release, new: Images, *, progress: Progress
) -> Patched:
    """Return the patches from one release to another, those that are larger left out.

    Args:
        base: The older release.
        old: Its images.
        release: The newer release.
        new: Its images.
        progress: Told how far it is.
    """
    made: list[MadePayload] = []
    savings: list[Saving] = []
    for partition in new:
        if partition not in old:
            continue
        found = patches.make(partition, old[partition], new[partition], progress=progress)
        full_bytes = full_of(release, partition).total_bytes
        saving = Saving(base.version, partition, found.payload.total_bytes, full_bytes)
        savings.append(saving)
        if saving.used:
            made.append(found)
    if not made:
        return Patched(None, (), tuple(savings))
    documents = tuple(one.payload for one in made)
    patch_set = PatchSet(release.product, release.version, base.version, documents)
    return Patched(patch_set, tuple(made), tuple(savings))


def _documents(
    source: Source, release: Release, serial: int
) -> dict[str, tuple[bytes, Mapping[str, object]]]:
    """Return what is signed of a release besides its patches."""
    found: dict[str, tuple[bytes, Mapping[str, object]]] = {
        release.path: (release.pack(), {SERIAL: serial})
    }
    found |= {one.path: (one.pack(), {}) for one in disk.images_of(source, release)}
    if source.sbom is not None:
        found[sbom_path(release.product, release.version)] = (source.sbom, {})
    return found


def _stored(repository: Repository, found: Patched) -> Documents:
    if found.patch_set is None:
        return {}
    for payload in found.payloads:
        blobs.put(repository.folder, payload)
    return {found.patch_set.path: (found.patch_set.pack(), {})}


def _require_new(known: Sequence[Entry], product: str, version: str, counter: int) -> None:
    for entry in known:
        if entry.release.version == version:
            raise InputError(
                f"{product} {version} is a release already", hint="give another with --version"
            )
    highest = _highest(known)
    if counter < highest:
        raise InputError(
            f"counter {counter} is below {highest} of an older release:"
            " devices that have seen that one would refuse it",
            hint=f"leave --counter out, or give at least {highest}",
        )


def _counter(known: Sequence[Entry], source: Source, terms: Terms) -> int:
    return max(_highest(known), source.counter) if terms.counter is None else terms.counter


def _highest(known: Sequence[Entry]) -> int:
    return max((entry.release.counter for entry in known), default=0)
