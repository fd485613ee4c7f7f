"""What fills a new disk of a board: its firmware, the boot state, and slot A."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from edge.board.model import Board
from edge.errors import InputError
from edge.image import bootstate, esp, fat, firmware, outputs, plan, slot, tryboot
from edge.image.extent import Contents, Source
from edge.image.plan import DiskPlan, Layout
from edge.oci.tree import Tree


@dataclass(frozen=True, slots=True)
class Filling:
    """What the contents of a disk are made of.

    Attributes:
        board: The profile.
        disk: Its partitions.
        slot_folder: The files of slot A.
        packages: The trees of the packages that firmware comes from.
        seed: What all identifiers are made from.
    """

    board: Board
    disk: DiskPlan
    slot_folder: Path
    packages: Sequence[Tree]
    seed: str

    def contents(self, scratch: Path) -> dict[str, Source]:
        """Return what goes into each partition; slot B and data are empty.

        Args:
            scratch: A folder for files that have to be there until the disk is written.

        Raises:
            InputError: Files are missing, or do not fit.
        """
        return {
            "firmware": self._firmware(scratch),
            "bootstate": bootstate.contents(),
            "boot-a": boot_volume(self.disk, self.slot_folder, self.seed),
            "rootfs-a": self.slot_folder / outputs.ROOTFS,
        }

    def _firmware(self, scratch: Path) -> Contents:
        files: dict[str, bytes | Path] = {**firmware.firmware_files(self.board, self.packages)}
        match self.board.boot.driver:
            case "uboot":
                return _volume(self.disk, "firmware", files, self.seed)
            case "efi":
                files |= esp.files(self.board, self.slot_folder, scratch)
                return esp.arranged(_volume(self.disk, "firmware", files, self.seed))
            case "rpi-tryboot":
                files |= tryboot.firmware_files()
                return _volume(self.disk, "firmware", files, self.seed)
            case driver:
                assert_never(driver)


def disk_plan(board: Board, seed: str) -> DiskPlan:
    """Return the partitions of a board's disk."""
    sizes = Layout(
        boot_mib=board.slots.boot_mib,
        rootfs_mib=board.slots.rootfs_mib,
        firmware_mib=board.firmware.mib,
        data_mib=board.data_mib,
        table=board.partition_table.kind,
        start_mib=board.partition_table.start_mib,
        is_efi=board.boot.driver == "efi",
        is_counted=board.boot.driver == "rpi-tryboot",
    )
    return plan.plan(sizes, seed=seed)


def boot_volume(layout: DiskPlan, slot_folder: Path, seed: str) -> Contents:
    """Return the boot partition of a slot; the same for both slots, as a release fits either."""
    return _volume(layout, "boot-a", slot.boot_files(slot_folder), seed, label="boot")


def _volume(
    layout: DiskPlan,
    name: str,
    files: Mapping[str, bytes | Path],
    seed: str,
    *,
    label: str | None = None,
) -> Contents:
    label = label or name
    serial = zlib.crc32(f"{seed}/{label}".encode())
    size_bytes = layout.partition(name).size_bytes
    try:
        return fat.volume(files, size_bytes=size_bytes, label=label.upper(), serial=serial)
    except InputError as error:
        raise InputError(f"partition {name}: {error}", hint=error.hint) from error
