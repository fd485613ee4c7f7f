"""Make the payloads of a release, and the documents that name them."""

from dataclasses import dataclass
from pathlib import Path

from edge.bundle import chunks, full
from edge.bundle.coding import Cache
from edge.bundle.full import MadePayload
from edge.bundle.levels import Level
from edge.errors import InputError
from edge.progress import Progress
from edge.release.source import Source, SourceImage
from edge_signing.release import (
    Content,
    Image,
    Partition,
    Payload,
    Release,
    service_version,
)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a release says besides its images.

    `product`, `version` and `boards` override the source's. Without a `counter` it is that of
    the source, or of the releases before if that is higher.
    """

    product: str | None = None
    version: str | None = None
    boards: tuple[str, ...] = ()
    counter: int | None = None
    from_counter: int = 0
    notes: str = ""


@dataclass(frozen=True, slots=True)
class MadeRelease:
    """A release and the payloads that it names, their blobs in files."""

    release: Release
    payloads: tuple[MadePayload, ...]


def make(
    source: Source,
    terms: Terms,
    scratch: Path,
    *,
    level: Level,
    with_chunks: bool = False,
    progress: Progress,
) -> MadeRelease:
    """Code all images of a source and return the release that they make.

    Args:
        source: The images.
        terms: What the release says besides.
        scratch: A folder for the blobs.
        level: How hard to compress.
        with_chunks: Make chunk payloads too, for devices whose old version nobody knows.
        progress: Told of each byte.
    """
    images: list[Image] = []
    payloads: list[MadePayload] = []
    for one in source.images:
        made = _full(one, scratch / f"{one.partition}.full", level, progress)
        images.append(Image(one.partition, made.content, one.tree))
        payloads.append(made.made)
        if with_chunks:
            payloads.append(_chunks(one, scratch / f"{one.partition}.chunks", progress))
    release = Release(
        product=terms.product or source.product,
        version=version_of(source, terms),
        boards=tuple(sorted({*(terms.boards or source.boards)})),
        images=tuple(images),
        payloads=tuple(made.payload for made in payloads),
        counter=source.counter if terms.counter is None else terms.counter,
        from_counter=terms.from_counter,
        notes=terms.notes,
        service=source.service,
    )
    return MadeRelease(release, tuple(payloads))


def version_of(source: Source, terms: Terms) -> str:
    """Return the version of a release; that of a service begins with its name."""
    version = terms.version or source.version
    return service_version(source.service, version) if source.service else version


def _full(one: SourceImage, blob: Path, level: Level, progress: Progress) -> full.MadeImage:
    # A segment of the level `fast` is coded faster than it is found in the cache.
    cache = None if level == "fast" else Cache()
    with progress.task(f"compress {one.partition}", total=one.length_bytes, unit="B") as task:
        return full.make(
            one.partition, one.path, one.length_bytes, blob, level=level, cache=cache, task=task
        )


def _chunks(one: SourceImage, path: Path, progress: Progress) -> MadePayload:
    with path.open("wb") as blob:
        made = chunks.make(
            one.path, blob, image_bytes=one.length_bytes, cache=Cache(), progress=progress
        )
    payload = Payload(
        kind="chunks",
        partition=one.partition,
        table=full.content_of(made.table),
        blob=Content(made.blob_bytes, made.blob_sha256),
    )
    return MadePayload(payload, made.table, path)


def full_of(release: Release, partition: Partition) -> Payload:
    """Return the full payload for a partition.

    Raises:
        InputError: The release has none.
    """
    for payload in release.payloads:
        if payload.partition == partition and payload.kind == "full":
            return payload
    raise InputError(f"{release.product} {release.version}: no full payload for {partition}")
