"""From two images to the units of a patch."""

import hashlib
import os
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from edge import atomic
from edge.bundle.delta import blocks, copies, mapped, rows, units, windows
from edge.bundle.delta.mapped import Mapped
from edge.bundle.delta.rows import Row
from edge.bundle.delta.units import Unit
from edge.progress import SILENT, Progress
from edge_signing.formats import varint
from edge_signing.formats.patch import (
    BASE_DIGEST_BYTES,
    CRC_END_BYTES,
    UNIT_BYTES,
    PatchFileHead,
)

_HASHED_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Patch:
    """What turns an old image into a new one.

    Attributes:
        units: The first is the block map.
        old_bytes: Length of the old image.
        new_bytes: Length of the new image.
        old_sha256: Digest of the old image.
        new_sha256: Digest of the new image.
    """

    units: tuple[Unit, ...]
    old_bytes: int
    new_bytes: int
    old_sha256: bytes
    new_sha256: bytes

    @property
    def stored_bytes(self) -> int:
        """How many bytes the units have."""
        return sum(len(unit.stored) for unit in self.units)


def make(
    old: Path,
    new: Path,
    *,
    old_bytes: int | None = None,
    new_bytes: int | None = None,
    progress: Progress = SILENT,
) -> Patch:
    """Return the patch from one image to another; the same images give the same bytes.

    Memory is below 1 GiB, whatever the images are.

    Args:
        old: What the device has.
        new: What it shall have.
        old_bytes: How much of the begin of `old` counts; None is all.
        new_bytes: How much of the begin of `new` counts; None is all.
        progress: Told of the units.

    Raises:
        InputError: An image cannot be read, or is shorter than said.
    """
    with mapped.opened(old, old_bytes) as old_image, mapped.opened(new, new_bytes) as new_image:
        return Patch(
            tuple(_units(old_image, new_image, progress)),
            len(old_image.data),
            len(new_image.data),
            _sha256(old_image),
            _sha256(new_image),
        )


def write_file(patch: Patch, path: Path) -> None:
    """Write a patch alone into a file; after an exception or a power cut `path` is as it was."""
    table = varint.pack(len(unit.stored) for unit in patch.units)
    base_digest = patch.old_sha256[:BASE_DIGEST_BYTES]
    head = PatchFileHead(0, base_digest, patch.new_sha256, len(table))
    stored = [unit.stored for unit in patch.units]
    crc32 = zlib.crc32(head.pack()[CRC_END_BYTES:] + table)
    for data in stored:
        crc32 = zlib.crc32(data, crc32)
    with atomic.file(path) as stream:
        stream.writelines([replace(head, crc32=crc32).pack(), table, *stored])


def _units(old: Mapped, new: Mapped, progress: Progress) -> Iterator[Unit]:
    block_map = blocks.block_map(old, new)
    yield units.map_unit(block_map.pack())
    source = rows.source_row(block_map.source(), old.data)
    fresh = rows.fresh_row(block_map, new.data)
    if fresh.length:
        yield from _fresh_units(
            source, fresh, block_map.source().replaced_bytes, (old, new), progress
        )


def _fresh_units(
    source: Row, fresh: Row, replaced_bytes: int, images: tuple[Mapped, Mapped], progress: Progress
) -> Iterator[Unit]:
    def release() -> None:
        for image in images:
            image.release()

    chunks = windows.chunks(source, fresh, replaced_bytes, release)
    parts = dict(units.parts(copies.copies(source, fresh, chunks)))
    begins = range(0, fresh.length, UNIT_BYTES)

    def made(begin: int) -> Unit:
        end = min(begin + UNIT_BYTES, fresh.length)
        part = parts.get(begin // UNIT_BYTES, [])
        return units.unit(fresh.read(begin, end), units.streams(fresh, source, begin, end, part))

    with (
        progress.task("Compressing the patch", total=fresh.length, unit="B") as task,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        for unit in pool.map(made, begins):
            task.advance(UNIT_BYTES)
            yield unit


def _sha256(image: Mapped) -> bytes:
    digest = hashlib.sha256()
    for piece in image.pieces(_HASHED_BYTES):
        digest.update(piece.data)
    return digest.digest()
