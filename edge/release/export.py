"""Write bundles: of a release in a repository, or straight from a build."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from edge.bundle import container
from edge.bundle.levels import Level
from edge.errors import ThingNotFoundError
from edge.image.outputs import SIGNATURE
from edge.keys.ring import Ring
from edge.keys.secrets import Secrets, nobody
from edge.progress import Progress
from edge.release import blobs, disk, payloads
from edge.release.catalogue import Entry
from edge.release.payloads import Terms, full_of
from edge.release.source import Source
from edge.repository.repository import Repository
from edge.repository.standalone import sign_standalone
from edge_signing.release import Release

# A bundle from a build is for the bench; a release in a repository has the dates of its role.
STANDALONE_DAYS: Final = 3650


def write(
    repository: Repository,
    entry: Entry,
    path: Path,
    *,
    base_version: str | None,
    with_sbom: bool = False,
) -> None:
    """Write a published release as a bundle: full, or as patches from an older release.

    Where a patch would be larger than the full payload the bundle has the full one.

    Args:
        repository: Where the release is.
        entry: The release.
        path: The file.
        base_version: Of the older release; None for a full bundle.
        with_sbom: Bring the SBOM too, for a console: agents from before there was one refuse it.

    Raises:
        ThingNotFoundError: There are no patches from that release, or no SBOM.
        UntrustedError: A payload is not what was signed.
    """
    release = entry.release
    documents = {release.path: release.pack()}
    chosen = {image.partition: full_of(release, image.partition) for image in release.images}
    if base_version is not None:
        found = [one for one in entry.patches if one.base_version == base_version]
        if not found:
            there = ", ".join(one.base_version for one in entry.patches) or "none"
            raise ThingNotFoundError(
                f"{release.product} {release.version}: no patch from {base_version}",
                hint=f"patches from: {there}; make one with edge bundle patch",
            )
        documents[found[0].path] = found[0].pack()
        chosen |= {payload.partition: payload for payload in found[0].payloads}
    if with_sbom:
        documents |= _sbom(repository, entry)
    # Full payloads come first: those of the release are before those of patches.
    order = sorted(chosen.values(), key=lambda payload: payload.kind == "patch")
    container.write(
        path,
        metadata=repository.offline_metadata(release.product),
        documents=documents,
        payloads=[blobs.get(repository.folder, payload) for payload in order],
    )


def _sbom(repository: Repository, entry: Entry) -> dict[str, bytes]:
    if entry.sbom is None:
        raise ThingNotFoundError(
            f"{entry.release.product} {entry.release.version}: it has no SBOM",
            hint="leave out --sbom; a release of a build that made one has it",
        )
    return {entry.sbom.path: repository.read(entry.sbom)}


def write_standalone(
    source: Source,
    terms: Terms,
    ring: Ring,
    path: Path,
    *,
    level: Level,
    clock_s: int,
    progress: Progress,
    ask: Secrets = nobody,
) -> Release:
    """Write a full bundle of images that are in no repository, and the signature of their disk.

    The same images, keys and `clock_s` give the same bytes. The signature is `disk.edge` beside
    the bundle; there is none without a disk image.

    Raises:
        RefusedError: Not enough keys are here to sign it.
    """
    with tempfile.TemporaryDirectory(prefix="edge-bundle-") as name:
        made = payloads.make(source, terms, Path(name), level=level, progress=progress)
        images = disk.images_of(source, made.release)
        documents = {one.path: one.pack() for one in images}
        documents[made.release.path] = made.release.pack()
        metadata = sign_standalone(
            ring,
            made.release.product,
            {name: (document, {}) for name, document in documents.items()},
            expires=datetime.fromtimestamp(clock_s, UTC) + timedelta(days=STANDALONE_DAYS),
            ask=ask,
        )
        container.write(
            path,
            metadata=metadata,
            documents={made.release.path: made.release.pack()},
            payloads=made.payloads,
        )
    for one in images:
        disk.write(path.with_name(SIGNATURE), metadata, one)
    return made.release
