"""Make payloads of kind `patch`; what was made once comes from the cache."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge import atomic, paths
from edge.bundle import delta
from edge.bundle.full import MadePayload, content_of
from edge.progress import Progress
from edge_signing.errors import FormatError
from edge_signing.formats.payload_table import Coding, PayloadTable, Row
from edge_signing.release import Content, Partition, Payload

# Grows with every change of what `delta.make` makes: patches in the cache are found by it.
_MAKER: Final = 2


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image at the start of a file, with what it is known to hash to."""

    path: Path
    content: Content


def make(
    partition: Partition, old: ImageFile, new: ImageFile, *, progress: Progress
) -> MadePayload:
    """Return the patch from one image to another; its blob lies in the cache.

    Args:
        partition: What the images are for.
        old: What devices have.
        new: What they get.
        progress: Told how far it is.
    """
    folder = _place(old.content, new.content)
    found = _cached(folder, partition, old.content)
    if found is not None:
        return found
    with progress.task(f"make the patch for {partition}", total=1, unit="images") as task:
        made = delta.make(
            old.path,
            new.path,
            old_bytes=old.content.length_bytes,
            new_bytes=new.content.length_bytes,
            progress=progress,
        )
        task.advance()
    rows = tuple(
        Row(
            Coding.PATCH,
            len(unit.stored),
            hashlib.sha256(unit.stored).digest(),
            unit.result_sha256,
        )
        for unit in made.units
    )
    with atomic.folder(folder) as beside:
        with (beside / "blob").open("wb") as blob:
            for unit in made.units:
                blob.write(unit.stored)
        (beside / "table").write_bytes(PayloadTable(new.content.length_bytes, rows).pack())
    again = _cached(folder, partition, old.content)
    assert again is not None
    return again


def _place(old: Content, new: Content) -> Path:
    words = f"{_MAKER} {old.sha256.hex()} {new.sha256.hex()}"
    return paths.cache_folder() / "patches" / hashlib.sha256(words.encode()).hexdigest()


def _cached(folder: Path, partition: Partition, base: Content) -> MadePayload | None:
    """Return the patch in a folder of the cache, if it is whole."""
    try:
        packed = (folder / "table").read_bytes()
        table = PayloadTable.unpack(packed)
        sha256 = hashlib.sha256()
        with (folder / "blob").open("rb") as blob:
            for row in table.rows:
                stored = blob.read(row.stored_bytes)
                sha256.update(stored)
                if hashlib.sha256(stored).digest() != row.stored_sha256:
                    return None
    except (OSError, FormatError):
        return None
    payload = Payload(
        kind="patch",
        partition=partition,
        table=content_of(packed),
        blob=Content(table.blob_bytes, sha256.digest()),
        base=base,
    )
    return MadePayload(payload, packed, folder / "blob")
