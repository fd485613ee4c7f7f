"""The partitions of a disk: a pure function from the sizes of a board to sectors and names.

In order: firmware, bootstate, boot-a, boot-b, rootfs-a, rootfs-b, data. All start and end at whole
MiB; what is before the first and the last MiB belong to the partition table and to boot loaders
that a ROM looks for outside of partitions. A GUID is a function of the seed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from edge.errors import InputError

SECTOR_BYTES: Final = 512
MIB: Final = 1 << 20
BOOTSTATE_MIB: Final = 4

TableKind = Literal["gpt", "gpt-hybrid"]

# Source: UAPI group, Discoverable Partitions Specification. Where U-Boot starts the board the
# firmware partition is no EFI system partition: U-Boot keeps its EFI variables in one, and would
# write it at every first start.
BASIC_DATA: Final = UUID("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7")
EFI_SYSTEM: Final = UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
LINUX_RESERVED: Final = UUID("8da63339-0007-60c0-c436-083ac8230908")
LINUX_DATA: Final = UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")

LEGACY_BOOTABLE: Final = 1 << 2  # UEFI 2.10, table 5.8: bit 2; U-Boot looks for boot.scr there
MBR_FAT32_LBA: Final = 0x0C

# Where the board file has the size of each partition.
SIZE_KEYS: Final[Mapping[str, str]] = {
    "firmware": "firmware.mib",
    "boot-a": "slots.boot_mib",
    "boot-b": "slots.boot_mib",
    "rootfs-a": "slots.rootfs_mib",
    "rootfs-b": "slots.rootfs_mib",
    "data": "data_mib",
}

_MOST_SERVICES: Final = 3


@dataclass(frozen=True, slots=True)
class Layout:
    """The sizes that a board asks for, in MiB, and the kind of its partition table.

    The first partition begins at `start_mib`. `is_efi` says that the firmware partition is an EFI
    system partition, `is_counted` that firmware finds the boot partitions by their numbers: they
    are 2 and 3 then, in a hybrid MBR too.
    """

    boot_mib: int
    rootfs_mib: int
    firmware_mib: int
    data_mib: int
    table: TableKind = "gpt"
    start_mib: int = 1
    is_efi: bool = False
    is_counted: bool = False


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition; `mbr_type` is that of its second entry in a hybrid MBR, if it has one."""

    name: str
    first_sector: int
    sectors: int
    type_guid: UUID
    guid: UUID
    attributes: int = 0
    mbr_type: int | None = None

    @property
    def offset_bytes(self) -> int:
        """Where it begins on the disk."""
        return self.first_sector * SECTOR_BYTES

    @property
    def size_bytes(self) -> int:
        """How much it holds."""
        return self.sectors * SECTOR_BYTES


@dataclass(frozen=True, slots=True)
class DiskPlan:
    """A whole disk."""

    guid: UUID
    sectors: int
    partitions: tuple[Partition, ...]

    @property
    def size_bytes(self) -> int:
        """The length of the disk image."""
        return self.sectors * SECTOR_BYTES

    @property
    def first_sector(self) -> int:
        """Where the first partition begins."""
        return min(partition.first_sector for partition in self.partitions)

    def partition(self, name: str) -> Partition:
        """Return the partition of that name; asking for one that is not there is a KeyError."""
        return {partition.name: partition for partition in self.partitions}[name]


def plan(layout: Layout, *, seed: str) -> DiskPlan:
    """Return the disk that `layout` describes.

    Args:
        layout: The sizes.
        seed: What all GUIDs are made from: the same seed, the same GUIDs.

    Raises:
        InputError: A size is not positive.
    """
    rows = [
        ("firmware", layout.firmware_mib, EFI_SYSTEM if layout.is_efi else BASIC_DATA),
        ("bootstate", BOOTSTATE_MIB, LINUX_RESERVED),
        ("boot-a", layout.boot_mib, BASIC_DATA),
        ("boot-b", layout.boot_mib, BASIC_DATA),
        ("rootfs-a", layout.rootfs_mib, LINUX_DATA),
        ("rootfs-b", layout.rootfs_mib, LINUX_DATA),
        ("data", layout.data_mib, LINUX_DATA),
    ]
    in_mbr = {"firmware"} if layout.table == "gpt-hybrid" else set()
    if layout.is_counted:
        rows.insert(3, rows.pop(1))
        in_mbr |= {"boot-a", "boot-b"} if in_mbr else in_mbr
    partitions = []
    next_mib = layout.start_mib
    for name, size_mib, type_guid in rows:
        if size_mib < 1:
            raise InputError(f"partition {name}: {size_mib} MiB is no size")
        is_firmware = name == "firmware"
        partitions.append(
            Partition(
                name=name,
                first_sector=next_mib * MIB // SECTOR_BYTES,
                sectors=size_mib * MIB // SECTOR_BYTES,
                type_guid=type_guid,
                guid=guid_of(seed, name),
                attributes=LEGACY_BOOTABLE if is_firmware and not layout.is_efi else 0,
                mbr_type=MBR_FAT32_LBA if name in in_mbr else None,
            )
        )
        next_mib += size_mib
    sectors = (next_mib + 1) * MIB // SECTOR_BYTES
    return DiskPlan(guid_of(seed, "disk"), sectors, tuple(partitions))


def guid_of(seed: str, name: str) -> UUID:
    """Return the GUID of a thing called `name` on a disk of that seed."""
    return uuid5(NAMESPACE_URL, f"edge:{seed}:{name}")


def require_fit(
    partition: Partition, needed_bytes: int, *, services: Mapping[str, int] | None = None
) -> None:
    """See to it that `needed_bytes` fit into a partition.

    Args:
        partition: Where they go.
        needed_bytes: The length of the contents.
        services: The size of each service in bytes; the largest are named in the error.

    Raises:
        InputError: They do not fit; it says by how much, and what takes the most.
    """
    if needed_bytes <= partition.size_bytes:
        return
    over_bytes = needed_bytes - partition.size_bytes
    slot_mib = partition.size_bytes // MIB
    message = (
        f"{partition.name}: the contents need {needed_bytes / MIB:.2f} MiB,"
        f" the partition has {slot_mib} MiB: {over_bytes / MIB:.2f} MiB"
        f" ({over_bytes} bytes) too much"
    )
    largest = sorted((services or {}).items(), key=lambda item: (-item[1], item[0]))
    if largest:
        named = (f"{name} {size / MIB:.1f} MiB" for name, size in largest[:_MOST_SERVICES])
        message += f"; largest services: {', '.join(named)}"
    key = SIZE_KEYS.get(partition.name, "its size")
    hint = f"make {key} at least {-(-needed_bytes // MIB)} in the board file, or take something out"
    raise InputError(message, hint=hint)
