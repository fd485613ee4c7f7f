"""Make payloads of kind `full`: a table, and a blob that is written while the image is read."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from edge.bundle.coding import Cache, coded
from edge.bundle.levels import Level
from edge.progress import Task
from edge_signing.formats.payload_table import UNIT_BYTES, PayloadTable
from edge_signing.release import Content, Partition, Payload


@dataclass(frozen=True, slots=True)
class MadePayload:
    """A payload with its table and the file of its blob."""

    payload: Payload
    table: bytes
    blob: Path


@dataclass(frozen=True, slots=True)
class MadeImage:
    """An image as it was read, and its full payload."""

    content: Content
    made: MadePayload


def make(
    partition: Partition,
    image: Path,
    length_bytes: int,
    blob: Path,
    *,
    level: Level,
    cache: Cache | None,
    task: Task,
) -> MadeImage:
    """Read an image once and write the blob of its full payload.

    Args:
        partition: What the image is for.
        image: The file; its first `length_bytes` count.
        length_bytes: Without a hash tree.
        blob: The file to write.
        level: How hard to compress.
        cache: Coded segments of earlier builds.
        task: Told of each byte of the image.
    """
    whole, stored = hashlib.sha256(), hashlib.sha256()
    rows = []
    with image.open("rb") as source, blob.open("wb") as target:
        for one in coded(_segments(source, length_bytes, whole, task), level, cache):
            rows.append(one.row)
            stored.update(one.stored)
            target.write(one.stored)
    table = PayloadTable(length_bytes, tuple(rows))
    packed = table.pack()
    payload = Payload(
        kind="full",
        partition=partition,
        table=content_of(packed),
        blob=Content(table.blob_bytes, stored.digest()),
    )
    return MadeImage(Content(length_bytes, whole.digest()), MadePayload(payload, packed, blob))


def content_of(data: bytes) -> Content:
    """Return length and hash of bytes."""
    return Content(len(data), hashlib.sha256(data).digest())


def _segments(
    source: BinaryIO, length_bytes: int, whole: "hashlib._Hash", task: Task
) -> Iterator[bytes]:
    for offset in range(0, length_bytes, UNIT_BYTES):
        segment = source.read(min(UNIT_BYTES, length_bytes - offset))
        whole.update(segment)
        task.advance(len(segment))
        yield segment
