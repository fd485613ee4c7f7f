"""Get a release out of a repository as a device would, and count what that sends."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from edge import atomic
from edge.progress import Progress
from edge.release import blobs
from edge.release.catalogue import Entry
from edge.release.payloads import full_of
from edge.repository.repository import Repository
from edge_agent.payload import acquire, assemble
from edge_agent.payload.acquire import OldImage
from edge_agent.payload.piece import FileBase
from edge_signing.release import Content, Partition


@dataclass(frozen=True, slots=True)
class Fetched:
    """How an image was got, and how much was sent for it."""

    partition: Partition
    kind: str
    sent_bytes: int
    full_bytes: int


@dataclass(slots=True)
class FolderBlobs:
    """The tables and blobs of a repository on this machine."""

    folder: Path
    sent_bytes: int = field(default=0)

    def fetch(self, content: Content, offset_bytes: int, length_bytes: int) -> bytes:
        """Return bytes of a table or blob."""
        with blobs.path_of(self.folder, content).open("rb") as stream:
            stream.seek(offset_bytes)
            data = stream.read(length_bytes)
        self.sent_bytes += len(data)
        return data


def fetch(
    repository: Repository,
    entry: Entry,
    bases: Mapping[Partition, Path],
    folder: Path | None,
    *,
    progress: Progress,
) -> list[Fetched]:
    """Choose the payload of each image as a device with these bases would, and get it.

    Args:
        repository: Where it is.
        entry: The release.
        bases: What the device has.
        folder: Where the images go; None writes none, and what is told is the plan.
        progress: Told of each byte.

    Raises:
        SigningError: Something is not what was signed.
    """
    payloads = [*entry.release.payloads, *(one for each in entry.patches for one in each.payloads)]
    found = []
    for image in entry.release.images:
        source = FolderBlobs(repository.folder)
        with _opened(bases.get(image.partition)) as old:
            way = acquire.plan(image, payloads, old, source)
            if folder is not None:
                title = f"get {image.partition} by its {way.payload.kind} payload"
                with (
                    progress.task(title, total=image.content.length_bytes, unit="B") as task,
                    atomic.file(folder / f"{image.partition}.img") as target,
                ):
                    assemble.write(image, way.pieces(0), target, advance=task.advance)
        full_bytes = full_of(entry.release, image.partition).total_bytes
        sent = source.sent_bytes if folder is not None else way.planned_bytes
        found.append(Fetched(image.partition, way.payload.kind, sent, full_bytes))
    return found


@contextmanager
def _opened(path: Path | None) -> Iterator[OldImage | None]:
    if path is None:
        yield None
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        yield OldImage(FileBase(handle), path.stat().st_size)
    finally:
        os.close(handle)
