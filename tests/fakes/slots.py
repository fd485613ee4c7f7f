"""Write the slots of a disk image from outside, as a card reader could."""

from dataclasses import dataclass
from pathlib import Path

from edge.image import extent, fat, gpt
from edge.image.extent import Extent
from edge.image.outputs import ROOTFS
from edge.image.plan import DiskPlan
from edge.image.slot import boot_files
from edge_agent.boot.efi import EfiControl
from edge_agent.boot.uboot import UbootControl
from edge_signing.formats.boot_state import Slot


@dataclass(frozen=True, slots=True)
class PartitionOf:
    """A partition of a disk image as `Storage`."""

    disk: Path
    offset_bytes: int

    def read(self, offset_bytes: int, length_bytes: int) -> bytes:
        with self.disk.open("rb") as stream:
            stream.seek(self.offset_bytes + offset_bytes)
            return stream.read(length_bytes)

    def write(self, offset_bytes: int, data: bytes) -> None:
        with self.disk.open("r+b") as stream:
            stream.seek(self.offset_bytes + offset_bytes)
            stream.write(data)


def plan_of(disk: Path) -> DiskPlan:
    """Return the partitions of a disk, whose backup table may not be at its end yet."""
    with disk.open("rb") as stream:
        return gpt.read(stream, disk_bytes=disk.stat().st_size)


def boot_control(disk: Path, running: Slot = "a") -> UbootControl:
    """Return the boot control of a disk, as the agent in slot `running` would have it."""
    place = plan_of(disk).partition("bootstate").offset_bytes
    return UbootControl(PartitionOf(disk, place), command_line=f"edge.slot={running}")


def efi_control(disk: Path, running: Slot = "a") -> EfiControl:
    """Return the boot control of a disk that systemd-boot starts, as the agent would have it."""
    plan = plan_of(disk)

    def boot_of(slot: Slot) -> PartitionOf:
        return PartitionOf(disk, plan.partition(f"boot-{slot}").offset_bytes)

    menu = PartitionOf(disk, plan.partition("firmware").offset_bytes)
    return EfiControl(menu, boot_of, command_line=f"edge.slot={running}")


def fill_boot(disk: Path, slot: Slot, folder: Path, *, without: str | None = None) -> None:
    """Write the boot partition of a slot from the boot files in a folder.

    Args:
        disk: The disk image.
        slot: Which one.
        folder: Where the files are.
        without: A boot file to leave out.
    """
    boot = plan_of(disk).partition(f"boot-{slot}")
    files = {name: path for name, path in boot_files(folder).items() if name != without}
    volume = fat.volume(files, size_bytes=boot.size_bytes, label=boot.name.upper(), serial=1)
    with disk.open("r+b") as stream:
        stream.seek(boot.offset_bytes)
        stream.write(bytes(boot.size_bytes))
        extent.write(stream, volume.extents, base_bytes=boot.offset_bytes)


def fill(disk: Path, slot: Slot, folder: Path, *, without: str | None = None) -> None:
    """Fill a slot that was empty with the slot files of a build; see `fill_boot`."""
    fill_boot(disk, slot, folder, without=without)
    root = folder / ROOTFS
    whole = (Extent(0, root, root.stat().st_size),)
    place = plan_of(disk).partition(f"rootfs-{slot}").offset_bytes
    with disk.open("r+b") as stream:
        extent.write(stream, whole, base_bytes=place)
