"""Releases that are no Edge bundles: files whose signatures the device's own updater checks.

Nothing here is signed by keys of ours, and nothing of it is looked into. A file is what its hash
says; what was added under a name stays so. A release has one file for a board.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from edge.console import audit
from edge.console.audit import Actor
from edge.console.releases import FOREIGN, Release, by_path
from edge.console.store.ddi_tables import FILES
from edge.console.store.tables import RELEASES
from edge.errors import InputError, RefusedError
from edge_signing.errors import FormatError
from edge_signing.trust.names import check_product, check_target_path

# The third part of the path, where an Edge release has `release.json`.
_LAST: Final = "files"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,127}")
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,62}")


# What a file is, as a part of a row.
COLUMNS: Final = (
    FILES.c.name,
    FILES.c.type,
    FILES.c.boards,
    FILES.c.sha256,
    FILES.c.sha1,
    FILES.c.md5,
    FILES.c.length_bytes,
)


class Type(StrEnum):
    """What a file is; stored, so the names never change."""

    SWU = "swu"
    RAUCB = "raucb"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class File:
    """A file of a release.

    Attributes:
        name: As devices see it.
        boards: Who may install it.
        sha256: What it is, in hex; it lies under this name.
        sha1: For devices that know no other hash.
        md5: For those that know not even that one.
    """

    name: str
    type: Type
    boards: tuple[str, ...]
    sha256: str
    sha1: str
    md5: str
    length_bytes: int


def path_of(product: str, version: str) -> str:
    """Return what names a foreign release."""
    return f"{product}/{version}/{_LAST}"


def add(connection: Connection, actor: Actor, product: str, version: str, file: File) -> Release:
    """Store what is known of a file that is here, and return its release.

    The same file once more changes nothing.

    Raises:
        InputError: A name can not be that.
        RefusedError: The version is an Edge release, or has another file of this name or board.
    """
    found = check(connection, actor.tenant, product, version, file)
    path = path_of(product, version)
    known = files(connection, actor.tenant, path)
    if found is not None and file in known:
        return found
    boards = tuple(sorted({board for one in (*known, file) for board in one.boards}))
    made = Release(path, product, version, 0, boards, "", (), is_published=True, kind=FOREIGN)
    _store(connection, actor, made, file, is_new=found is None)
    details: dict[str, object] = {"file": file.name, "sha256": file.sha256}
    audit.record(connection, actor, "release.add-file", f"release:{path}", details)
    return made


def check(
    connection: Connection, tenant: str, product: str, version: str, file: File
) -> Release | None:
    """Return the release that there is of a version, if the file can be one of it.

    Raises:
        InputError: A name can not be that.
        RefusedError: The version is an Edge release, or has another file of this name or board.
    """
    check_names(product, version, file.name, file.boards)
    if not file.length_bytes:
        raise InputError(f"{file.name}: it is empty")
    path = path_of(product, version)
    _require_no_other(connection, tenant, product, version, path)
    known = files(connection, tenant, path)
    if file not in known:
        _require_new(known, product, version, file)
    return by_path(connection, tenant, path)


def check_names(product: str, version: str, name: str, boards: Iterable[str]) -> None:
    """Refuse names that can not be those of a file.

    Raises:
        InputError: A name can not be that.
    """
    try:
        check_product(product)
        check_target_path(path_of(product, version))
    except FormatError as error:
        raise InputError(str(error)) from error
    if not _WORD.fullmatch(version):
        raise InputError(f"version {version!r}: not letters, digits, '.', '_', '+' or '-'")
    if not _NAME.fullmatch(name):
        raise InputError(f"file name {name!r}: not letters, digits, '.', '_', '+', '~' or '-'")
    for board in boards:
        if not _WORD.fullmatch(board):
            raise InputError(f"board {board!r}: not letters, digits, '.', '_', '+' or '-'")


def files(connection: Connection, tenant: str, path: str) -> list[File]:
    """Return the files of a release by their names; none for an Edge release."""
    asked = select(FILES).where(FILES.c.tenant == tenant, FILES.c.release == path)
    return [file_of(row) for row in connection.execute(asked.order_by(FILES.c.name))]


def of_releases(connection: Connection, tenant: str, paths: Iterable[str]) -> dict[str, list[File]]:
    """Return the files of releases by the paths of these."""
    wanted = list(paths)
    asked = select(FILES).where(FILES.c.tenant == tenant, FILES.c.release.in_(wanted))
    found: dict[str, list[File]] = {path: [] for path in wanted}
    for row in connection.execute(asked.order_by(FILES.c.release, FILES.c.name)):
        found[row.release].append(file_of(row))
    return found


def file_for(connection: Connection, tenant: str, release: Release, board: str) -> File:
    """Return what a board is to install.

    Args:
        connection: Of the transaction.
        tenant: Whose release it is.
        release: A foreign one.
        board: Of the device; empty if it has not said it.

    Raises:
        RefusedError: There is nothing for this board, or it is not known which.
    """
    known = files(connection, tenant, release.path)
    fitting = [one for one in known if not board or board in one.boards]
    what = f"{release.product} {release.version}"
    if not fitting:
        raise RefusedError(f"{what} is for {', '.join(release.boards)}, not for {board}")
    if len(fitting) > 1:
        raise RefusedError(
            f"{what} has a file for each of {', '.join(release.boards)}",
            hint="the device has to say its attribute 'board' first",
        )
    return fitting[0]


def file_of(row: Row[Any]) -> File:
    """Return the file that a row with `COLUMNS` is."""
    return File(
        name=row.name,
        type=Type(row.type),
        boards=tuple(row.boards.split()),
        sha256=row.sha256,
        sha1=row.sha1,
        md5=row.md5,
        length_bytes=row.length_bytes,
    )


def _require_no_other(
    connection: Connection, tenant: str, product: str, version: str, path: str
) -> None:
    same = (RELEASES.c.product == product, RELEASES.c.version == version)
    asked = select(RELEASES.c.path).where(RELEASES.c.tenant == tenant, *same)
    if connection.scalar(asked) not in (None, path):
        raise RefusedError(f"{product} {version} is an Edge release", hint="give another version")


def _require_new(known: Iterable[File], product: str, version: str, file: File) -> None:
    for one in known:
        if one.name == file.name:
            raise RefusedError(
                f"{product} {version}: {file.name} is there, and is another file",
                hint="what was added stays as it is: give another version",
            )
        if both := sorted(set(one.boards) & set(file.boards)):
            raise RefusedError(f"{product} {version}: {one.name} is for {both[0]} already")


def _store(
    connection: Connection, actor: Actor, release: Release, file: File, *, is_new: bool
) -> None:
    of_tenant = {"tenant": actor.tenant, "added_at_s": actor.now_s}
    boards = " ".join(release.boards)
    if is_new:
        row = {
            **of_tenant,
            "path": release.path,
            "product": release.product,
            "version": release.version,
            "boards": boards,
            "is_published": True,
            "kind": FOREIGN,
        }
        connection.execute(insert(RELEASES).values(row))
    else:
        same = (RELEASES.c.tenant == actor.tenant, RELEASES.c.path == release.path)
        connection.execute(update(RELEASES).where(*same).values(boards=boards))
    values = {
        **of_tenant,
        "release": release.path,
        "name": file.name,
        "type": file.type,
        "boards": " ".join(file.boards),
        "sha256": file.sha256,
        "sha1": file.sha1,
        "md5": file.md5,
        "length_bytes": file.length_bytes,
    }
    connection.execute(insert(FILES).values(values))
