"""Code segments of images, on all cores, each one once: what was coded before comes from the cache.

Levels: `fast` is zstd at its level 3, for links and cards that are faster than a better level
decodes; `release` is LZMA, the fewest bytes. A segment that does not shrink is stored as it is.
"""

import hashlib
import lzma
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import zstandard

from edge import atomic, paths
from edge.bundle.levels import Level
from edge_signing.formats.payload_table import UNIT_BYTES, Coding, Row

_ZEROS: Final = bytes(UNIT_BYTES)
_DIGEST_BYTES: Final = 32
_FILTERS: Final[list[dict[str, Any]]] = [
    {"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": UNIT_BYTES}
]
_FAST_LEVEL: Final = 3


@dataclass(frozen=True, slots=True)
class Coded:
    """A segment as it is stored, and its row of the table."""

    row: Row
    stored: bytes


class Cache:
    """What was coded by earlier builds, by kind and hash; what is damaged is coded again.

    A kind is a level, or `chunks` for the groups of a chunk payload.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or paths.cache_folder() / "segments"

    def get(self, kind: str, digest: bytes) -> bytes | None:
        """Return the stored bytes, if they are there and whole."""
        try:
            found = self._path(kind, digest).read_bytes()
        except OSError:
            return None
        stored = found[_DIGEST_BYTES:]
        return stored if hashlib.sha256(stored).digest() == found[:_DIGEST_BYTES] else None

    def put(self, kind: str, digest: bytes, stored: bytes) -> None:
        """Keep stored bytes."""
        with atomic.file(self._path(kind, digest), durable=False) as stream:
            stream.write(hashlib.sha256(stored).digest() + stored)

    def _path(self, kind: str, digest: bytes) -> Path:
        name = digest.hex()
        return self._folder / kind / name[:2] / name[2:]


def coded(segments: Iterable[bytes], level: Level, cache: Cache | None) -> Iterator[Coded]:
    """Yield each segment coded, in order; a few are in memory at a time, whatever the image.

    Args:
        segments: Each at most 1 MiB.
        level: How hard to try.
        cache: Where coded segments are kept; none for the level `fast`, which is faster than it.
    """
    workers = os.cpu_count() or 1
    waiting: deque[Future[Coded]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for segment in segments:
            waiting.append(pool.submit(_code, segment, level, cache))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _code(segment: bytes, level: Level, cache: Cache | None) -> Coded:
    digest = hashlib.sha256(segment).digest()
    if segment == _ZEROS[: len(segment)]:
        return Coded(Row(Coding.ZERO, 0, bytes(_DIGEST_BYTES), digest), b"")
    stored = cache.get(level, digest) if cache else None
    if stored is None:
        stored = _packed(segment, level)
        if cache:
            cache.put(level, digest, stored)
    coding = Coding.ZSTD if level == "fast" else Coding.LZMA
    if len(stored) >= len(segment):
        return Coded(Row(Coding.STORED, len(segment), digest, digest), segment)
    row = Row(coding, len(stored), hashlib.sha256(stored).digest(), digest)
    return Coded(row, stored)


def _packed(segment: bytes, level: Level) -> bytes:
    if level == "fast":
        return zstandard.ZstdCompressor(level=_FAST_LEVEL).compress(segment)
    return lzma.compress(segment, format=lzma.FORMAT_RAW, filters=_FILTERS)
