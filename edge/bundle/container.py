"""Write the container of a bundle around documents, tables and blobs."""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from edge import atomic
from edge.bundle.full import MadePayload
from edge_signing.formats.bundle import METADATA, TABLES, TARGETS, Header, MetadataSection

_PIECE_BYTES: Final = 1 << 20


def write(
    path: Path,
    *,
    metadata: Mapping[str, bytes],
    documents: Mapping[str, bytes],
    payloads: Sequence[MadePayload],
) -> None:
    """Write a bundle; an old file of that name stays until the new one is whole.

    Args:
        path: The file.
        metadata: TUF metadata by file name.
        documents: Release and patches by TUF path.
        payloads: What it brings, in the order of the documents that name them.
    """
    tables = {f"{TABLES}{made.payload.table.sha256.hex()}": made.table for made in payloads}
    files = {
        **{METADATA + name: data for name, data in metadata.items()},
        **{TARGETS + name: data for name, data in documents.items()},
        **tables,
    }
    section = MetadataSection.of(files).pack()
    header = Header(
        metadata_bytes=len(section),
        payload_bytes=sum(made.payload.blob.length_bytes for made in payloads),
        metadata_sha256=hashlib.sha256(section).digest(),
    )
    with atomic.file(path) as stream:
        stream.write(header.pack() + section)
        for made in payloads:
            with made.blob.open("rb") as blob:
                shutil.copyfileobj(blob, stream, _PIECE_BYTES)
