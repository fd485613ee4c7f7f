"""Check what a verified bundle brings: the stored units, or the images that they make."""

import os
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from edge.progress import Progress
from edge.release import extract
from edge_agent.payload import assemble
from edge_agent.payload.bundle import Bundle, Contents, Offer
from edge_agent.payload.piece import FileBase
from edge_agent.payload.units import Units
from edge_signing.release import Partition


def blobs(bundle: Bundle, contents: Contents, *, progress: Progress) -> None:
    """See to it that every byte of the payload section is what was signed, on all cores.

    Raises:
        TrustError: One is not.
        FormatError: A table does not fit its blob.
    """
    total = sum(offer.payload.blob.length_bytes for offer in contents.offers)
    with progress.task("check the payloads", total=total, unit="B") as task:
        for offer in contents.offers:
            if offer.payload.kind == "chunks":
                bundle.check_blob(offer)
            else:
                _check_units(bundle, offer)
            task.advance(offer.payload.blob.length_bytes)


def _check_units(bundle: Bundle, offer: Offer) -> None:
    """Compare each stored unit with its hash in the signed table; together they are the blob."""
    file = FileBase(bundle.stream.fileno())
    units = assemble.units_of(
        offer.payload,
        offer.table,
        lambda offset, length: file.pread(length, offer.offset_bytes + offset),
    )
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda part: _check(units, part, workers), range(workers)))


def _check(units: Units, first: int, step: int) -> None:
    for index in range(first, len(units), step):
        units(index)


def images(
    bundle: Bundle, contents: Contents, *, bases: Mapping[Partition, Path], progress: Progress
) -> None:
    """Put each image together and see to it that it is the one that was signed.

    Raises:
        TrustError: One is not, or a base is missing or another one.
    """
    with tempfile.TemporaryDirectory(prefix="edge-verify-") as scratch:
        extract.extract(bundle, contents, Path(scratch), bases=bases, progress=progress)
