"""Which disks may be written: the rules, without any IO.

A disk that the running system uses is never written. One that does not look like a card or a stick
is only written when the person names it by its serial number.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from edge.flash.disks.disk import Disk, Transport, Volume

EXPECTED_MOST_BYTES: Final = 256 * 10**9
_SYSTEM_PLACES: Final = ("/", "/boot", "/boot/efi", "/boot/firmware", "/usr", "/var", "/home")
_MEMBERS: Final = {
    "LVM2_member": "part of an LVM volume group",
    "linux_raid_member": "part of a RAID array",
    "isw_raid_member": "part of a RAID array",
    "ddf_raid_member": "part of a RAID array",
    "crypto_LUKS": "encrypted by LUKS",
    "BitLocker": "encrypted by BitLocker",
    "zfs_member": "part of a ZFS pool",
    "bcache": "part of a bcache",
    "ceph_bluestore": "part of a Ceph cluster",
}
_PLUGGED_IN: Final = frozenset((Transport.USB, Transport.SD))


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a disk is not written.

    Attributes:
        reason: For a person; begins in lower case.
        hint: What would help.
        forcible: Naming its serial number overrules it.
    """

    reason: str
    hint: str
    forcible: bool = False


def objections(
    disk: Disk,
    *,
    image_bytes: int | None = None,
    most_bytes: int = EXPECTED_MOST_BYTES,
    holds: Iterable[str] = (),
) -> tuple[Objection, ...]:
    """Return all that speaks against writing to a disk, the worst first; nothing if it may be.

    Args:
        disk: The disk.
        image_bytes: How long the image is, if that is known.
        most_bytes: What no card of this board is larger than.
        holds: Names of volumes that files lie on which the job reads: the image.
    """
    found = [*_in_use(disk), *_source_on(disk, holds)]
    if disk.size_bytes == 0:
        found.append(Objection("no medium is in it", "put the card in"))
    elif image_bytes is not None and image_bytes > disk.size_bytes:
        found.append(
            Objection(
                f"the image has {image_bytes} bytes, the disk {disk.size_bytes}",
                "take a larger card, or smaller slots: slots and data_mib in board.yml",
            )
        )
    if disk.read_only:
        found.append(
            Objection("it is read-only", "look for the switch at the side of the card or adapter")
        )
    return (*found, *_unlike_a_card(disk, most_bytes))


def is_card_or_stick(disk: Disk) -> bool:
    """Return whether a disk is of the kind that people plug in to write an image to."""
    return disk.transport in _PLUGGED_IN


def same_serial(disk: Disk, disks: Iterable[Disk]) -> tuple[Disk, ...]:
    """Return the other disks that say that they have the same serial number."""
    if not disk.serial:
        return ()
    return tuple(one for one in disks if one.serial == disk.serial and one.path != disk.path)


def _in_use(disk: Disk) -> list[Objection]:
    mounts = [(volume, place) for volume in disk.volumes for place in volume.mounted_at]
    swaps = [volume.name for volume in disk.volumes if volume.is_swap]
    system = sorted({place for _volume, place in mounts if place in _SYSTEM_PLACES})
    if system or swaps:
        what = ", ".join([*system, *(["swap"] if swaps else [])])
        return [Objection(f"the running system is on it ({what})", "take another disk")]
    found = []
    if mounts:
        places = ", ".join(f"{volume.name} at {place}" for volume, place in mounts)
        first = mounts[0][1]
        found.append(Objection(f"it is mounted: {places}", f"unmount it: umount {first}"))
    holders = sorted({holder for volume in disk.volumes for holder in volume.holders})
    if holders:
        found.append(
            Objection(
                f"it is in use by {', '.join(holders)}",
                "stop what lies on it: vgchange -an, mdadm --stop, cryptsetup close",
            )
        )
    return found


def _source_on(disk: Disk, holds: Iterable[str]) -> list[Objection]:
    names = {disk.name, *(volume.name for volume in disk.volumes)}
    if names & set(holds):
        return [Objection("the image itself lies on it", "copy the image to another disk first")]
    return []


def _unlike_a_card(disk: Disk, most_bytes: int) -> list[Objection]:
    found = []
    if disk.transport not in _PLUGGED_IN | {Transport.LOOP} and not disk.removable:
        found.append(_forcible(f"it is not removable ({disk.transport})"))
    if disk.size_bytes > most_bytes:
        found.append(
            _forcible(
                f"it is larger than expected: {disk.size_bytes / 10**9:.0f} GB,"
                f" not at most {most_bytes / 10**9:.0f} GB"
            )
        )
    found += [_forcible(what) for what in _memberships(disk.volumes)]
    return found


def _memberships(volumes: Iterable[Volume]) -> list[str]:
    return [
        f"{volume.name} is {_MEMBERS[volume.content]}"
        for volume in volumes
        if volume.content in _MEMBERS
    ]


def _forcible(reason: str) -> Objection:
    return Objection(reason, "if you are sure, name it: --force SERIAL", forcible=True)
