"""Boot loaders that a ROM reads at a fixed place of the disk, outside of all partitions.

They lie between the partition table and the first partition, and never on each other: the planner
does not move them, as their places are those of the ROM's documentation.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from edge.board.model import TABLE_BYTES, Board
from edge.errors import InputError
from edge.image.extent import Extent
from edge.image.firmware import find_file
from edge.image.plan import MIB, SECTOR_BYTES, DiskPlan
from edge.oci.tree import Tree


@dataclass(frozen=True, slots=True)
class Placed:
    """A boot loader and where it goes; `source` is what the profile calls it."""

    source: str
    extent: Extent

    @property
    def facts(self) -> dict[str, object]:
        """What the manifest says of it."""
        content = self.extent.content
        data = content if isinstance(content, bytes) else content.read_bytes()
        return {
            "file": self.source,
            "offset_bytes": self.extent.offset_bytes,
            "bytes": self.extent.length_bytes,
            "digest": f"sha256:{hashlib.sha256(data).hexdigest()}",
        }


def placed(board: Board, disk: DiskPlan, packages: Iterable[Tree]) -> tuple[Placed, ...]:
    """Return the boot loaders of a board in the order of their places.

    Args:
        board: The profile.
        disk: Its partitions.
        packages: The trees of the packages that the files come from.

    Raises:
        InputError: A file is not in the packages, or does not fit where it has to be.
    """
    trees = list(packages)
    found = []
    for raw in sorted(board.firmware.raw, key=lambda one: one.offset_bytes):
        data = find_file(trees, raw.package_file, board.name).read()
        found.append(Placed(raw.package_file, Extent(raw.offset_bytes, data, len(data))))
    for one in found:
        _require_outside(one, disk, board.name)
    for one, following in pairwise(found):
        if one.extent.end_bytes > following.extent.offset_bytes:
            raise InputError(
                f"board {board.name}: firmware.raw: {one.source} ends at byte"
                f" {one.extent.end_bytes}, {following.source} begins at byte"
                f" {following.extent.offset_bytes}",
                hint="look up both offsets in the documentation of the ROM and of U-Boot",
            )
    return tuple(found)


def _require_outside(one: Placed, disk: DiskPlan, board: str) -> None:
    start_bytes = disk.first_sector * SECTOR_BYTES
    where = f"board {board}: firmware.raw: {one.source} at byte {one.extent.offset_bytes}"
    if one.extent.offset_bytes < TABLE_BYTES:
        raise InputError(f"{where} lies in the partition table")
    if one.extent.end_bytes > start_bytes:
        needed_mib = -(-one.extent.end_bytes // MIB)
        raise InputError(
            f"{where} ends at byte {one.extent.end_bytes}, the first partition begins at byte"
            f" {start_bytes}",
            hint=f"make partition_table.start_mib at least {needed_mib} in the board file",
        )
