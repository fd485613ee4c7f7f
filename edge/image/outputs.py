"""The files of a build folder, and when such a folder may be replaced."""

import os
from pathlib import Path
from typing import Final

from edge.errors import EdgeError, InputError, RefusedError
from edge.image import manifest, profile

DISK: Final = "disk.img"
BLOCK_MAP: Final = "disk.img.bmap"
PACKED_DISK: Final = "disk.img.zst"
SLOT: Final = "slot"
ROOTFS: Final = "rootfs.img"  # in the folder of the slot
SBOM: Final = "sbom.spdx.json"
UPDATE: Final = "update.edge"
SIGNATURE: Final = "disk.edge"
SERVICES: Final = "services"  # images and bundles of those that are updated in place
NAMES: Final = frozenset(
    (DISK, BLOCK_MAP, SLOT, SBOM, UPDATE, SIGNATURE, SERVICES, profile.FOLDER, manifest.FILE)
)
_MOST_NAMED = 5


def sync(folder: Path) -> None:
    """Bring all files of a folder to the disk, so that a rename after it is safe."""
    for path in folder.rglob("*"):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _made_before(output: Path) -> frozenset[str]:
    """Return what the manifest in the folder names: the formats are named after their system."""
    try:
        return frozenset(name.partition("/")[0] for name in manifest.read(output)["files"])
    except EdgeError:
        return frozenset()


def require_replaceable(output: Path) -> None:
    """Refuse to replace a folder that holds anything but an earlier build.

    Raises:
        InputError: It is a file.
        RefusedError: It holds files that no build made; they are named.
    """
    if not output.exists():
        return
    if not output.is_dir():
        raise InputError(f"{output}: not a folder", hint="give a folder with -o")
    foreign = sorted({path.name for path in output.iterdir()} - NAMES - _made_before(output))
    if foreign:
        more = ", …" if foreign[_MOST_NAMED:] else ""
        raise RefusedError(
            f"{output}: the folder holds what no build made: "
            f"{', '.join(foreign[:_MOST_NAMED])}{more}",
            hint="a build replaces the whole folder: give another with -o, or move these away",
        )
