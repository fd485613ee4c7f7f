"""A disk as this machine sees it: data only."""

from dataclasses import dataclass, field
from enum import StrEnum


class Transport(StrEnum):
    """How a disk is connected; the names are part of `edge flash list --json`."""

    USB = "usb"
    SD = "sd"
    EMMC = "emmc"
    NVME = "nvme"
    SATA = "sata"
    SCSI = "scsi"
    VIRTIO = "virtio"
    LOOP = "loop"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Volume:
    """A partition, or the whole disk where a file system lies on it directly.

    Attributes:
        name: As the kernel calls it: `sdb1`.
        size_bytes: Its length.
        label: Of the file system, else of the partition; empty for none.
        content: What it holds, in the words of udev (`ext4`, `LVM2_member`); empty if unknown.
        mounted_at: Where, every place.
        is_swap: The running system swaps to it.
        holders: What the kernel has built on it and holds open: `dm-0`, `md0`.
    """

    name: str
    size_bytes: int
    label: str = ""
    content: str = ""
    mounted_at: tuple[str, ...] = ()
    is_swap: bool = False
    holders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Disk:
    """A whole disk.

    Attributes:
        name: As the kernel calls it: `sdb`.
        path: Its device file.
        size_bytes: Its length; 0 for a reader without a card.
        transport: How it is connected.
        removable: The kernel says that its medium can be taken out.
        read_only: The kernel or a switch on the card lets nothing be written.
        vendor: Who made it, as it says itself.
        model: What it is, as it says itself.
        serial: As it says itself; empty for none. Cheap sticks share one.
        port: The USB port, as `1-1.2`, of a disk on USB; else empty.
        backing: The file behind a loop device.
        whole: What lies on the disk itself, partitions left out.
        partitions: In order of their place.
    """

    name: str
    path: str
    size_bytes: int
    transport: Transport
    removable: bool = False
    read_only: bool = False
    vendor: str = ""
    model: str = ""
    serial: str = ""
    port: str = ""
    backing: str = ""
    whole: Volume = field(default_factory=lambda: Volume("", 0))
    partitions: tuple[Volume, ...] = ()

    @property
    def volumes(self) -> tuple[Volume, ...]:
        """The disk itself and its partitions."""
        return (self.whole, *self.partitions)

    @property
    def title(self) -> str:
        """What to call it to a person: vendor and model, as far as they are known."""
        return " ".join(word for word in (self.vendor, self.model) if word) or "unnamed disk"
