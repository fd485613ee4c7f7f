"""The output formats of a build: their names, what each needs, and the files that it makes."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

from edge.errors import InputError


class Format(StrEnum):
    """What a build can make; the names are LinuxKit's where it has the format."""

    TAR = "tar"
    KERNEL_INITRD = "kernel+initrd"
    SQUASHFS = "squashfs"
    EROFS = "erofs"
    OCI = "oci"
    DISK = "disk"
    DISK_ZST = "disk.zst"


DISKS: Final = frozenset((Format.DISK, Format.DISK_ZST))
DEFAULT: Final = (Format.DISK,)
_SUFFIXES: Final[dict[Format, tuple[str, ...]]] = {
    Format.TAR: (".tar",),
    Format.KERNEL_INITRD: ("-kernel", "-initrd.img", "-cmdline"),
    Format.SQUASHFS: ("-squashfs.img",),
    Format.EROFS: ("-erofs.img",),
    Format.OCI: ("-oci",),
}


def parse(words: Iterable[str]) -> tuple[Format, ...]:
    """Return the formats of words that may each hold several with commas between; none twice.

    Raises:
        InputError: A format is not known.
    """
    names = [name for word in words for name in word.split(",")]
    known = [str(one) for one in Format]
    for name in names:
        if name not in known:
            raise InputError(
                f"--format {name!r}: there is no such format", hint=f"one of {', '.join(known)}"
            )
    return tuple(dict.fromkeys(Format(name) for name in names)) or DEFAULT


def has_disk(formats: Sequence[Format]) -> bool:
    """Say whether any of these is of a board's disk."""
    return bool(DISKS.intersection(formats))


def file_names(one: Format, name: str) -> tuple[str, ...]:
    """Return the files of a format of the root, for a system of this name."""
    return tuple(f"{name}{suffix}" for suffix in _SUFFIXES[one])
