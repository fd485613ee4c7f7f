"""`disk.edge`: the signature of a disk image, beside it; a card is written only with one.

In form it is a bundle that brings no payload, so no device takes it for an update.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from edge.bundle import container
from edge.errors import InputError, ThingNotFoundError
from edge.release.catalogue import Entry
from edge.release.source import Source
from edge.repository.repository import Repository
from edge_signing.disk import DiskImage
from edge_signing.release import Content, Release


def images_of(source: Source, release: Release) -> tuple[DiskImage, ...]:
    """Return the statements about the disk of a build, one for each board; none without a disk."""
    disk = source.disk
    if disk is None:
        return ()
    block_map = Content(len(disk.block_map), hashlib.sha256(disk.block_map).digest())
    return tuple(
        DiskImage(
            product=release.product,
            version=release.version,
            board=board,
            counter=release.counter,
            length_bytes=disk.length_bytes,
            block_map=block_map,
        )
        for board in source.boards
    )


def write(path: Path, metadata: Mapping[str, bytes], disk: DiskImage) -> None:
    """Write the signature of a disk image.

    Args:
        path: The file.
        metadata: TUF metadata by file name; its product's role names the disk image.
        disk: The disk image.
    """
    container.write(path, metadata=metadata, documents={disk.path: disk.pack()}, payloads=())


def write_published(
    repository: Repository, entry: Entry, board: str | None, path: Path
) -> DiskImage:
    """Write the signature of the disk image of a published release.

    Raises:
        ThingNotFoundError: The release has no disk image for that board.
        InputError: It has several, and no board was named.
    """
    found = [disk for disk in entry.disks if board in (None, disk.board)]
    name = f"{entry.release.product} {entry.release.version}"
    if not found:
        there = ", ".join(disk.board for disk in entry.disks) or "none"
        raise ThingNotFoundError(f"{name}: no disk image", hint=f"there for boards: {there}")
    if len(found) > 1:
        boards = ", ".join(disk.board for disk in found)
        raise InputError(f"{name} has disk images for {boards}", hint="say which with --board")
    write(path, repository.offline_metadata(entry.release.product), found[0])
    return found[0]
