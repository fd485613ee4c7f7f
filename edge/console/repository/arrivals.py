"""Files that come into a repository: whole and the ones that are due, or not there."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from edge import atomic
from edge.console.releases import Release
from edge.errors import UntrustedError
from edge.repository import store
from edge.sbom import reading
from edge_signing.trust.offline import Target

_PIECE_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Missing:
    """A file that signed metadata names and that is not here.

    Attributes:
        name: As devices ask for it: `targets/…` or `blobs/<sha256>`.
        is_optional: All is published without it.
    """

    name: str
    sha256: str
    length_bytes: int
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """What is known after something came.

    Attributes:
        releases: All that are known.
        sboms: Paths of the SBOMs that are here now and were not before.
    """

    releases: list[Release]
    sboms: tuple[str, ...]


def file_name(target: Target) -> str:
    """Return the name of the file of a target, below the folder of a repository."""
    return f"{store.TARGET_FILES}/{store.target_file(target.path, target.sha256)}"


def keep(path: Path, data: bytes) -> None:
    """Write a file, unless it is there."""
    if not path.is_file():
        with atomic.file(path) as stream:
            stream.write(data)


def copy(source: BinaryIO, place: Path, due: Missing) -> None:
    """Write a file if it is the one that is due; else nothing is left of it."""
    sha256 = hashlib.sha256()
    left = due.length_bytes
    with atomic.file(place) as stream:
        while left and (piece := source.read(min(left, _PIECE_BYTES))):
            sha256.update(piece)
            stream.write(piece)
            left -= len(piece)
        if left or sha256.hexdigest() != due.sha256:
            raise UntrustedError(f"{due.sha256}: the bytes that came are others")


def keep_sbom(source: BinaryIO, place: Path, due: Missing) -> None:
    """Write an SBOM if it is the one that is due, and can be read.

    Raises:
        UntrustedError: It is another file.
        InputError: It is no SBOM.
    """
    data = source.read(due.length_bytes + 1)
    if (len(data), hashlib.sha256(data).hexdigest()) != (due.length_bytes, due.sha256):
        raise UntrustedError(f"{due.sha256}: the bytes that came are others")
    reading.read(data, due.name)
    keep(place, data)
