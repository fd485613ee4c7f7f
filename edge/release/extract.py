"""Write the images of a verified bundle to files, as a device would to its partitions."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO

from edge import atomic
from edge.progress import Progress
from edge_agent.payload import assemble, choice
from edge_agent.payload.bundle import Bundle, Contents, Offer
from edge_agent.payload.piece import BaseImage, FileBase
from edge_signing.release import Content, Image, Partition


def extract(
    bundle: Bundle,
    contents: Contents,
    folder: Path,
    *,
    bases: Mapping[Partition, Path],
    progress: Progress,
) -> dict[Partition, Path]:
    """Write each image to `<folder>/<partition>.img` and return where.

    After an error no file is half there; those that were written before it stay.

    Args:
        bundle: The open bundle.
        contents: What it says, verified.
        folder: Where the images go.
        bases: The older images that patches start from.
        progress: Told of each byte.

    Raises:
        TrustError: A stored unit or a result is not what was signed, or a base does not match.
    """
    written: dict[Partition, Path] = {}
    for image in contents.release.images:
        path = folder / f"{image.partition}.img"
        with _opened(bases.get(image.partition)) as base:
            offer = choice.smallest(contents.offers, image.partition, _asked(base))
            with atomic.file(path) as target:
                _write(bundle, image, offer, base, target, progress)
        written[image.partition] = path
    return written


def _write(
    bundle: Bundle,
    image: Image,
    offer: Offer,
    base: BaseImage | None,
    target: BinaryIO,
    progress: Progress,
) -> None:
    title = f"write {image.partition} from its {offer.payload.kind} payload"
    with progress.task(title, total=image.content.length_bytes, unit="B") as task:
        made = assemble.pieces(
            offer.payload,
            offer.table,
            lambda offset, length: bundle.fetch(offer, offset, length),
            base,
        )
        assemble.write(image, made, target, advance=task.advance)


def _asked(base: BaseImage | None) -> Callable[[Content], bool]:
    return lambda content: base is not None and assemble.is_image(base, content)


@contextmanager
def _file(path: Path) -> Iterator[BaseImage]:
    handle = os.open(path, os.O_RDONLY)
    try:
        yield FileBase(handle)
    finally:
        os.close(handle)


def _opened(path: Path | None) -> AbstractContextManager[BaseImage | None]:
    return nullcontext() if path is None else _file(path)
