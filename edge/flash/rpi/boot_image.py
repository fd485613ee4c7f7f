"""Make a boot.img: the FAT volume from which a Raspberry Pi starts as one file, to be signed.

The same folder gives the same bytes: neither times nor the order of the folder go into it.

Source: raspberrypi/usbboot, docs/secure-boot.md and docs/boot_img.md, as facts.
"""

import hashlib
from pathlib import Path
from typing import Final

from edge.errors import InputError, ThingNotFoundError
from edge.image import fat
from edge.image.extent import Contents

LABEL: Final = "BOOT"
CONFIG: Final = "config.txt"
MOST_MIB: Final = 256
_LEAST_MIB: Final = 4
_CLUSTER_BYTES: Final = 4096  # no smaller than those of a volume of this length
_MIB: Final = 1 << 20


def files(folder: Path) -> dict[str, Path]:
    """Return the files of a folder for starting, by their paths in it.

    Raises:
        ThingNotFoundError: There is no such folder.
        InputError: Nothing starts from it, or something in it is no plain file of its own.
    """
    if not folder.is_dir():
        raise ThingNotFoundError(f"{folder}: no such folder")
    found = {}
    for place in sorted(folder.rglob("*")):
        if place.is_symlink() or not (place.is_file() or place.is_dir()):
            raise InputError(f"{place}: neither a file nor a folder", hint="put the file itself")
        if place.is_file():
            found[place.relative_to(folder).as_posix()] = place
    if CONFIG not in found:
        raise InputError(f"{folder}: no {CONFIG}", hint="a board starts nothing without it")
    return found


def volume(found: dict[str, Path], size_mib: int | None = None) -> Contents:
    """Return the volume that holds files.

    Args:
        found: By their paths.
        size_mib: Its length; None: as large as they need.

    Raises:
        InputError: They do not fit.
    """
    size_mib = size_mib or _needed_mib(found)
    if size_mib > MOST_MIB:
        raise InputError(f"a boot image of {size_mib} MiB is too large", hint="leave files out")
    digest = hashlib.sha256()
    for name, place in found.items():
        digest.update(f"{name}\0{place.stat().st_size}\0".encode())
        digest.update(place.read_bytes())
    serial = int.from_bytes(digest.digest()[:4], "big")
    return fat.volume(found, size_bytes=size_mib * _MIB, label=LABEL, serial=serial)


def _needed_mib(found: dict[str, Path]) -> int:
    """Return the MiB for files, their folders and the tables."""
    folders = {parent for name in found for parent in Path(name).parents}
    clusters = sum(-(-place.stat().st_size // _CLUSTER_BYTES) for place in found.values())
    used_bytes = (clusters + len(folders) + len(found) // 8) * _CLUSTER_BYTES
    return max(-(-used_bytes // _MIB) + 2, _LEAST_MIB)
