"""Disk images: a partition table with contents in its partitions, and the block map beside it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from edge import atomic, block_file
from edge.image import bmap, extent, gpt
from edge.image.bmap import BlockRange
from edge.image.extent import BLOCK_BYTES, Extent, Source
from edge.image.failures import told
from edge.image.plan import MIB, SECTOR_BYTES, DiskPlan, require_fit

_NOTHING_KNOWN: Mapping[Path, str] = {}
WIPED_BYTES = MIB  # of an empty partition's start: what a used card holds there must not be found


def bmap_path(disk_path: Path) -> Path:
    """Return where the block map of a disk image lies."""
    return disk_path.with_name(disk_path.name + ".bmap")


def write_disk(
    path: Path,
    disk: DiskPlan,
    contents: Mapping[str, Source],
    outside: Sequence[Extent] = (),
    *,
    digests: Mapping[Path, str] = _NOTHING_KNOWN,
) -> None:
    """Write a sparse disk image and the block map beside it.

    A block map never lies beside an image that it does not belong to. After an error or a power
    cut the old image is there, or the new one, or none.

    Args:
        path: The image.
        disk: Its partitions.
        contents: What goes into the partition of that name. The start of `data` is made zero, any
            other partition without contents stays as it is on the card.
        outside: Boot loaders between the partition table and the first partition.
        digests: Those of files among the contents, where they are known.

    Raises:
        InputError: Contents do not fit into their partition.
        EdgeError: A file cannot be read or written, or the disk is full.
    """
    extents = tuple(disk_extents(disk, contents, outside))
    spans = ((part.offset_bytes, part.end_bytes) for part in extents)
    ranges = bmap.ranges_of(spans)
    with told(path):
        bmap_path(path).unlink(missing_ok=True)
        with atomic.file(path) as stream:
            stream.truncate(disk.size_bytes)
            extent.write(stream, extents)
        _write_bmap(path, disk, ranges, _known(extents, digests))


def disk_extents(
    disk: DiskPlan, contents: Mapping[str, Source], outside: Sequence[Extent] = ()
) -> Iterator[Extent]:
    """Yield all that a disk holds, from its first sector to its last.

    Raises:
        InputError: Contents do not fit into their partition.
        ValueError: What is outside of partitions lies in one, or in the table.
    """
    unknown = set(contents) - {partition.name for partition in disk.partitions}
    if unknown:
        raise ValueError(f"no such partition: {', '.join(sorted(unknown))}")
    table = gpt.primary(disk)
    yield Extent(0, table, len(table))
    for part in outside:
        if part.offset_bytes < len(table) or part.end_bytes > disk.first_sector * SECTOR_BYTES:
            raise ValueError(f"byte {part.offset_bytes} is not outside of table and partitions")
        yield part
    for partition in disk.partitions:
        source = contents.get(partition.name)
        if source is None and partition.name == "data":
            source = bytes(min(WIPED_BYTES, partition.size_bytes))
        if source is None:
            continue
        filling = extent.contents_of(source)
        require_fit(partition, filling.length_bytes)
        for part in filling.extents:
            offset_bytes = partition.offset_bytes + part.offset_bytes
            yield Extent(offset_bytes, part.content, part.length_bytes)
    table = gpt.backup(disk)
    yield Extent((disk.sectors - gpt.BACKUP_SECTORS) * SECTOR_BYTES, table, len(table))


def _known(extents: Sequence[Extent], digests: Mapping[Path, str]) -> dict[BlockRange, str]:
    """Return the SHA-256 of those ranges that are one file, whose digest is known."""
    found = {}
    for part in extents:
        digest = digests.get(part.content) if isinstance(part.content, Path) else None
        if digest and part.offset_bytes % BLOCK_BYTES == part.length_bytes % BLOCK_BYTES == 0:
            blocks = bmap.ranges_of([(part.offset_bytes, part.end_bytes)])
            found[blocks[0]] = digest.partition(":")[2]
    return found


def _write_bmap(
    path: Path, disk: DiskPlan, ranges: tuple[BlockRange, ...], known: Mapping[BlockRange, str]
) -> None:
    with block_file.reading(path) as image:
        document = bmap.document(image, image_bytes=disk.size_bytes, ranges=ranges, known=known)
    with atomic.file(bmap_path(path)) as stream:
        stream.write(document)
