"""Images of a release again, from its full payloads in a repository."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from edge.bundle.full import MadePayload
from edge.bundle.patches import ImageFile
from edge.progress import Progress
from edge.release import blobs
from edge.release.payloads import full_of
from edge.repository.repository import Repository
from edge_agent.payload import assemble
from edge_agent.payload.piece import FileBase
from edge_signing.release import Image, Partition, Release

Images = dict[Partition, ImageFile]


@contextmanager
def rebuilt(repository: Repository, release: Release, progress: Progress) -> Iterator[Images]:
    """Give the images of a release as files, without hash trees; they go with the block.

    Raises:
        UntrustedError: A payload is not what was signed.
    """
    with tempfile.TemporaryDirectory(prefix="edge-release-") as name:
        images: Images = {}
        for image in release.images:
            made = blobs.get(repository.folder, full_of(release, image.partition))
            path = Path(name) / image.partition
            title = f"unpack {image.partition} of {release.version}"
            with progress.task(title, total=image.content.length_bytes, unit="B") as task:
                _write(made, replace(image, tree=None), path, task.advance)
            images[image.partition] = ImageFile(path, image.content)
        yield images


def _write(made: MadePayload, image: Image, path: Path, advance: assemble.Advance) -> None:
    handle = os.open(made.blob, os.O_RDONLY)
    try:
        blob = FileBase(handle)
        pieces = assemble.pieces(
            made.payload, made.table, lambda offset, length: blob.pread(length, offset), None
        )
        with path.open("w+b") as target:
            assemble.write(image, pieces, target, advance=advance)
    finally:
        os.close(handle)
