"""The files that the second stage of a Raspberry Pi asks for: a folder, and a tar archive in it.

The order is that of rpiboot: the folder of this very board, that of its chip, the folder itself,
and `bootfiles.bin`.
"""

import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from edge.errors import InputError, ThingNotFoundError
from edge.flash.protocols.rpiboot import Chip

ARCHIVE: Final = "bootfiles.bin"
# Where the package rpiboot of Raspberry Pi OS puts them.
PLACES: Final = (Path("/usr/share/rpiboot/mass-storage-gadget64"), Path("/usr/share/rpiboot/msd"))
MOST_BYTES: Final = 256 << 20
_HINT: Final = (
    "--boot-files names a folder with bootcode4.bin or bootfiles.bin, such as"
    " mass-storage-gadget64 of Raspberry Pi's usbboot; its package is rpiboot"
)


@dataclass(frozen=True, slots=True)
class BootFiles:
    """Files for one board; see `protocols.rpiboot.Files`.

    Attributes:
        folders: Where to look, in order.
        members: Of the archive, by name in lower case.
        chip: Name of the chip, as in the names of folders.
        own: What comes before all others, by name; None: it is kept from the board.
    """

    folders: tuple[Path, ...]
    members: Mapping[str, bytes]
    chip: str
    own: Mapping[str, bytes | None] = field(default_factory=dict)

    def read(self, name: str) -> bytes | None:
        """Return a file, or None when there is none of that name.

        Raises:
            InputError: It cannot be read, or is too large to be one.
        """
        if name in self.own:
            return self.own[name]
        for folder in self.folders:
            file = folder / name
            if file.is_file() and file.resolve().is_relative_to(folder.resolve()):
                return _contents(file)
        lower = name.lower()
        return self.members.get(f"{self.chip}/{lower}", self.members.get(lower))


def folder(named: Path | None, places: tuple[Path, ...] = PLACES) -> Path:
    """Return the folder of the files: the one that was named, or where a package puts them.

    Raises:
        ThingNotFoundError: There is none.
    """
    for place in (named,) if named else places:
        if place.is_dir():
            return place
    where = f"{named}: no such folder" if named else "no files for a board in USB boot are here"
    raise ThingNotFoundError(where, hint=_HINT)


def boot_files(
    place: Path, chip: Chip, port: str, own: Mapping[str, bytes | None] | None = None
) -> BootFiles:
    """Return what a board may ask for.

    Args:
        place: The folder.
        chip: Of the board.
        port: Its port path; a folder of that name has files for this board alone.
        own: What comes before all others, by name; None: it is kept from the board.

    Raises:
        InputError: The archive in it is damaged.
    """
    archive = place / ARCHIVE
    members = _members(archive) if archive.is_file() else {}
    folders = (place / port, place / chip.name, place)
    return BootFiles(folders, members, chip.name, own or {})


def second_stage(files: BootFiles, chip: Chip) -> bytes:
    """Return the second stage for the ROM.

    Raises:
        ThingNotFoundError: There is none among the files.
    """
    code = files.read(chip.second_stage)
    if code is None:
        raise ThingNotFoundError(
            f"{files.folders[-1]}: no {chip.second_stage}, the second stage of BCM{chip.name}",
            hint=_HINT,
        )
    return code


def _members(archive: Path) -> dict[str, bytes]:
    found = {}
    try:
        with tarfile.open(archive, "r:") as tar:
            for member in tar:
                if member.isfile() and member.size <= MOST_BYTES:
                    stream = tar.extractfile(member)
                    name = member.name.removeprefix("./").lower()
                    found[name] = stream.read() if stream else b""
    except (tarfile.TarError, OSError, EOFError) as error:
        raise InputError(f"{archive}: {error}") from error
    return found


def _contents(file: Path) -> bytes:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise InputError(f"{file}: larger than {MOST_BYTES >> 20} MiB")
        return file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from error
