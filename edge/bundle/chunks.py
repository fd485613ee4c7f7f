"""Make the chunk payload of an image: for devices whose old version nobody knows."""

import hashlib
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final, Literal, Protocol

import zstandard

from edge.errors import InputError
from edge.progress import SILENT, Progress, Task
from edge_agent.payload.chunk_coding import FRAME_MAGIC, dictionary
from edge_agent.payload.chunking import Cut, cuts
from edge_signing.formats.chunks import (
    ENTRY_BYTES,
    HASH_BYTES,
    Chunk,
    Cutting,
    Group,
    Index,
    Table,
    hash_of,
    lookup_of,
)

LEVEL: Final = 19
_READ_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class ChunkPayload:
    """A table, and what was written as its blob.

    Attributes:
        table: Its bytes.
        image_sha256: That of the image as it was read.
        blob_bytes: The length of the blob.
        blob_sha256: Its hash.
    """

    table: bytes
    image_sha256: bytes
    blob_bytes: int
    blob_sha256: bytes


class Cache(Protocol):
    """Keeps what was coded before; it gives back whole what it was given, or nothing."""

    def get(self, level: Literal["chunks"], digest: bytes, /) -> bytes | None:
        """Return what is kept under a digest, if it is there."""

    def put(self, level: Literal["chunks"], digest: bytes, stored: bytes, /) -> None:
        """Keep bytes under a digest."""


@dataclass(frozen=True, slots=True)
class _Coded:
    group: Group
    index: bytes
    stored: bytes


def make(
    image: Path,
    blob: BinaryIO,
    *,
    image_bytes: int | None = None,
    cutting: Cutting | None = None,
    cache: Cache | None = None,
    progress: Progress = SILENT,
) -> ChunkPayload:
    """Write the blob of an image and return its table; the same image gives the same bytes.

    Args:
        image: The file, without a hash tree, or with one after `image_bytes`.
        blob: Takes the blob; it is the caller's.
        image_bytes: How much of the file is the image; all of it by default.
        cutting: Where chunks and groups end.
        cache: Coded groups of earlier images, so that only what changed is coded.
        progress: Told of the bytes of the image.

    Raises:
        InputError: The file is shorter than `image_bytes`.
    """
    cutting = cutting or Cutting()
    length_bytes = image.stat().st_size if image_bytes is None else image_bytes
    image_sha256, blob_sha256 = hashlib.sha256(), hashlib.sha256()
    groups: list[Group] = []
    with (
        image.open("rb") as source,
        progress.task("cut and compress chunks", total=length_bytes, unit="B") as task,
    ):
        pieces = _pieces(source, length_bytes, image_sha256)
        for coded in _coded_groups(_groups(cuts(pieces, cutting)), cutting, cache, task):
            groups.append(coded.group)
            for data in (coded.index, coded.stored):
                blob.write(data)
                blob_sha256.update(data)
    blob_bytes = sum(group.index_bytes + group.stored_bytes for group in groups)
    table = Table(length_bytes, blob_bytes, cutting, tuple(groups)).pack()
    return ChunkPayload(table, image_sha256.digest(), blob_bytes, blob_sha256.digest())


def _pieces(source: BinaryIO, length_bytes: int, sha256: "hashlib._Hash") -> Iterator[bytes]:
    left_bytes = length_bytes
    while left_bytes:
        piece = source.read(min(_READ_BYTES, left_bytes))
        if not piece:
            raise InputError(f"image ends {left_bytes} bytes before its length of {length_bytes}")
        sha256.update(piece)
        left_bytes -= len(piece)
        yield piece


def _groups(chunks: Iterable[Cut]) -> Iterator[list[bytes]]:
    group: list[bytes] = []
    for chunk in chunks:
        group.append(chunk.data)
        if chunk.ends_group:
            yield group
            group = []


def _coded_groups(
    groups: Iterator[list[bytes]], cutting: Cutting, cache: Cache | None, task: Task
) -> Iterator[_Coded]:
    """Yield the groups in their order; as many are coded at once as there are processors."""
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[_Coded]] = deque()
        submitted = (pool.submit(_coded, group, cutting, cache) for group in groups)
        waiting.extend(islice(submitted, 2 * workers))
        while waiting:
            coded = waiting.popleft().result()
            waiting.extend(islice(submitted, 1))
            task.advance(coded.group.raw_bytes)
            yield coded


def _coded(chunks: list[bytes], cutting: Cutting, cache: Cache | None) -> _Coded:
    data = b"".join(chunks)
    if _is_zeros(data):
        return _Coded(Group(hash_of(data), len(data), 0, bytes(HASH_BYTES), 0), b"", b"")
    digest = _coding_digest(chunks, cutting)
    unit = cache.get("chunks", digest) if cache else None
    if unit is None:
        unit = _unit(chunks, data, cutting)
        if cache:
            cache.put("chunks", digest, unit)
    index_bytes = len(chunks) * ENTRY_BYTES
    index, stored = unit[:index_bytes], unit[index_bytes:]
    group = Group(hash_of(data), len(data), len(chunks), hash_of(index), len(stored))
    return _Coded(group, index, stored)


def _coding_digest(chunks: list[bytes], cutting: Cutting) -> bytes:
    """Return the hash of all that the coding of a group follows from."""
    digest = hashlib.sha256(f"{LEVEL} {zstandard.ZSTD_VERSION} {cutting.history_bytes}".encode())
    for chunk in chunks:
        digest.update(hashlib.sha256(chunk).digest())
    return digest.digest()


def _unit(chunks: list[bytes], data: bytes, cutting: Cutting) -> bytes:
    """Return the index and the stored chunks of a group, as they are in the blob."""
    rows: list[Chunk] = []
    stored: list[bytes] = []
    offset_bytes = 0
    for chunk in chunks:
        one = _stored(chunk, data[max(0, offset_bytes - cutting.history_bytes) : offset_bytes])
        one_hash = hash_of(one) if one else bytes(HASH_BYTES)
        rows.append(Chunk(lookup_of(chunk), len(chunk), len(one), one_hash))
        stored.append(one)
        offset_bytes += len(chunk)
    return b"".join([Index(tuple(rows)).pack(), *stored])


def _stored(chunk: bytes, history: bytes) -> bytes:
    if _is_zeros(chunk):
        return b""
    coder = zstandard.ZstdCompressor(
        level=LEVEL, dict_data=dictionary(history), write_checksum=False, write_dict_id=False
    )
    frame = coder.compress(chunk)[len(FRAME_MAGIC) :]
    return frame if len(frame) < len(chunk) else chunk


def _is_zeros(data: bytes) -> bool:
    return data == bytes(len(data))
