"""The firmware partition of a board: files of packages, files written in the profile, boot.scr.

What `driver: efi` puts beside them is in `esp.py`, what `rpi-tryboot` does in `tryboot.py`.
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from edge.board.model import Board, FirmwareFile
from edge.errors import InputError
from edge.image.boot_script import boot_script
from edge.image.uimage import script_image
from edge.oci.tree import Entry, Kind, Tree

BOOT_SCRIPT = "boot.scr"


def firmware_files(board: Board, packages: Iterable[Tree]) -> dict[str, bytes]:
    """Return the files of the firmware partition by name.

    Args:
        board: The profile.
        packages: The trees of the packages that files may come from.

    Raises:
        InputError: A file is not in the packages.
    """
    files = named_files(board, board.firmware.files, packages)
    if board.boot.driver == "uboot":
        files[BOOT_SCRIPT] = script_image(boot_script(board.boot).encode())
    return files


def named_files(
    board: Board, wanted: Iterable[FirmwareFile], packages: Iterable[Tree]
) -> dict[str, bytes]:
    """Return files that a profile names.

    Raises:
        InputError: A file is not in the packages.
    """
    trees = list(packages)
    return {
        file.to: file.contents.encode()
        if file.contents is not None
        else find_file(trees, file.package_file or "", board.name).read()
        for file in wanted
    }


def device_tree(board: Board, packages: Iterable[Tree]) -> Entry | None:
    """Return the device tree that a slot brings, if the board wants it so.

    Raises:
        InputError: It is not in the packages.
    """
    wanted = board.boot.dtb.package_file
    return find_file(packages, wanted, board.name) if wanted is not None else None


def find_file(packages: Iterable[Tree], pattern: str, board: str) -> Entry:
    """Return the one file of packages whose path matches a glob.

    Raises:
        InputError: None or several match.
    """
    found = {
        path: entry
        for tree in packages
        for path, entry in tree
        if entry.kind is Kind.FILE and fnmatchcase(path, pattern)
    }
    if len(found) != 1:
        listed = f" but {len(found)}: {', '.join(sorted(found)[:3])}" if found else ""
        raise InputError(
            f"board {board}: {pattern!r} matches not one file of its packages{listed}",
            hint="look at `packages` and `package_file` in its board.yml",
        )
    return next(iter(found.values()))
