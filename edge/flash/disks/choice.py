"""Choose the disks to write among those that there are: pure, so that every case can be tried."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from edge.errors import InputError, RefusedError, ThingNotFoundError
from edge.flash.disks import safety
from edge.flash.disks.disk import Disk, Transport

_LEAST_SERIAL: Final = 3


@dataclass(frozen=True, slots=True)
class Limits:
    """What a disk has to keep to.

    Attributes:
        image_bytes: How long the image is, if that is known.
        most_bytes: What no card of this board is larger than.
        holds: Names of volumes that files lie on which the job reads.
        forced: The serial number of a disk whose forcible objections the person overrules.
    """

    image_bytes: int | None = None
    most_bytes: int = safety.EXPECTED_MOST_BYTES
    holds: tuple[str, ...] = ()
    forced: str | None = None


def candidates(disks: Sequence[Disk], limits: Limits) -> tuple[Disk, ...]:
    """Return the disks to offer without being asked for: cards and sticks that may be written."""
    return tuple(disk for disk in disks if _is_candidate(disk, limits))


def only_one(disks: Sequence[Disk], limits: Limits) -> Disk:
    """Return the one disk that is a candidate.

    Raises:
        ThingNotFoundError: There is none; what was seen is in the hint.
        RefusedError: There are several.
    """
    found = candidates(disks, limits)
    if not found:
        raise ThingNotFoundError(
            "no card and no USB disk is here to write to", hint=_seen(disks, limits)
        )
    if len(found) > 1:
        names = "; ".join(f"{disk.path}: {described(disk)}" for disk in found)
        raise RefusedError(
            f"{len(found)} disks could be meant: {names}",
            hint=f"say which: --to {found[0].path}, or --all for each of them",
        )
    return found[0]


def by_path(disks: Sequence[Disk], path: str) -> Disk:
    """Return the disk with this device file.

    Raises:
        InputError: It is a partition.
        ThingNotFoundError: There is none.
    """
    name = path.removeprefix("/dev/")
    for disk in disks:
        if disk.name == name:
            return disk
        if name in (part.name for part in disk.partitions):
            raise InputError(
                f"{path} is a partition; an image is a whole disk", hint=f"--to {disk.path}"
            )
    raise ThingNotFoundError(f"{path}: no such disk", hint="see what is here: edge flash list")


def by_port(disks: Sequence[Disk], port: str) -> Disk:
    """Return the disk at a USB port such as `1-1.2`.

    Raises:
        ThingNotFoundError: There is none.
        RefusedError: There are several: a reader with more than one slot.
    """
    found = [disk for disk in disks if disk.port == port and disk.size_bytes]
    if not found:
        raise ThingNotFoundError(
            f"no disk is at USB port {port}", hint="see what is here: edge flash list"
        )
    if len(found) > 1:
        names = ", ".join(disk.path for disk in found)
        raise RefusedError(f"several disks are at USB port {port}: {names}", hint="say which: --to")
    return found[0]


def require_allowed(disk: Disk, disks: Sequence[Disk], limits: Limits) -> None:
    """Refuse a disk that something speaks against.

    Raises:
        RefusedError: Something does, and it is not overruled.
    """
    found = objections(disk, limits)
    hard = [one for one in found if not one.forcible]
    if hard:
        raise RefusedError(f"{disk.path}: {hard[0].reason}", hint=hard[0].hint)
    if not found or is_forced(disk, disks, limits):
        return
    reasons = "; ".join(one.reason for one in found)
    raise RefusedError(f"{disk.path}: {reasons}", hint=_how_to_force(disk, disks))


def is_forced(disk: Disk, disks: Sequence[Disk], limits: Limits) -> bool:
    """Return whether the person named just this disk by its serial number.

    Raises:
        RefusedError: Another disk has the same one, or it is too short to mean anything.
    """
    if limits.forced is None or limits.forced != disk.serial:
        return False
    if len(limits.forced) < _LEAST_SERIAL:
        raise RefusedError(f"the serial number {limits.forced!r} is too short to name a disk")
    if twins := safety.same_serial(disk, disks):
        names = ", ".join(one.path for one in (disk, *twins))
        raise RefusedError(
            f"{names} have the same serial number {disk.serial}", hint="unplug all but one"
        )
    return True


def objections(disk: Disk, limits: Limits) -> tuple[safety.Objection, ...]:
    """Return all that speaks against a disk, the worst first."""
    return safety.objections(
        disk,
        image_bytes=limits.image_bytes,
        most_bytes=limits.most_bytes,
        holds=limits.holds,
    )


def described(disk: Disk) -> str:
    """Return one line for a person: what it is, how large, how connected."""
    facts = [disk.title, f"{disk.size_bytes / 10**9:.1f} GB", str(disk.transport)]
    if disk.serial:
        facts.append(f"serial {disk.serial}")
    if disk.port:
        facts.append(f"USB port {disk.port}")
    return ", ".join(facts)


def _is_candidate(disk: Disk, limits: Limits) -> bool:
    return safety.is_card_or_stick(disk) and not objections(disk, limits)


def _seen(disks: Sequence[Disk], limits: Limits) -> str:
    """Return why each of the disks is none to write to."""
    seen = [
        f"{disk.path} ({disk.title}): {found[0].reason}"
        for disk in disks
        if disk.transport is not Transport.LOOP and (found := objections(disk, limits))
    ]
    return "plug one in" + (f"; seen: {'; '.join(seen)}" if seen else "")


def _how_to_force(disk: Disk, disks: Sequence[Disk]) -> str:
    if not disk.serial:
        return "it has no serial number to name it by: take another disk"
    if safety.same_serial(disk, disks):
        return "another disk has the same serial number: unplug it first"
    return f"if you are sure: --force {disk.serial}"
