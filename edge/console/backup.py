"""A console as one file: its database, its folder, and what is needed to start it elsewhere.

The console may run meanwhile. The rows are those of one moment, and the repository is at least as
new: of its files the one that names all others comes first, and what it names is never changed.
"""

import json
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final, cast

import zstandard

from edge import atomic
from edge.console.site import Site
from edge.console.store import dump, migrate
from edge.console.store.database import Database, fill
from edge.errors import InputError, RefusedError
from edge.repository.store import METADATA, TIMESTAMP_FILE

FORMAT: Final = "edge-console-backup"
VERSION: Final = 1
_MANIFEST: Final = "manifest.json"
_END: Final = "end"  # a file that was cut between two members would look whole
_ROWS: Final = "database"
_SITE: Final = "site"
_DATABASE_FILE: Final = "console.db"
# What is made again, or of a moment.
_LEFT_OUT: Final = ("incoming", "broker")
_LEVEL: Final = 3
_SECRET: Final = 0o600
_PIECE_BYTES: Final = 1 << 20
_MANIFEST_MOST_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Backup:
    """What is in a backup.

    Attributes:
        revision: The last migration that its database had seen.
        rows: How many each table has.
    """

    revision: str
    created_at_s: int
    rows: dict[str, int]


def write(site: Site, database_url: str, file: Path, *, now: datetime) -> Backup:
    """Write a backup of a console; the file can be read by its owner alone, for it has secrets.

    Raises:
        EdgeError: The database can not be read.
    """
    database = Database(database_url or site.database_url)
    try:
        with tempfile.TemporaryDirectory(dir=file.absolute().parent) as name:
            rows = Path(name)
            counts = database.read_now(lambda one: dump.write(one, rows))
            revision = database.read_now(migrate.revision) or ""
            made = Backup(revision, int(now.timestamp()), counts)
            with atomic.file(file, mode=_SECRET) as stream:
                _pack(cast(IO[bytes], stream), made, rows, site)
    finally:
        database.close()
    return made


def restore(file: Path, folder: Path, database_url: str = "") -> Backup:
    """Make the folder and the database of a console from a backup; both whole, or nothing of them.

    Raises:
        InputError: It is no backup, or is damaged.
        RefusedError: A console is there already, or a later version of it wrote the backup.
    """
    if folder.exists() and any(folder.iterdir()):
        raise RefusedError(f"{folder}: not empty", hint="restore into a new folder")
    with atomic.folder(folder) as made, tempfile.TemporaryDirectory(dir=made.parent) as name:
        rows = Path(name)
        try:
            found = _unpack(file, made, rows)
        except (tarfile.TarError, zstandard.ZstdError, EOFError, ValueError) as error:
            raise InputError(f"{file}: no backup of a console, or damaged: {error}") from error
        url = database_url or f"sqlite:///{made / _DATABASE_FILE}"
        fill(url, lambda one: dump.read(one, rows, found.revision))
        made.chmod(0o700)
    return found


def _pack(stream: IO[bytes], made: Backup, rows: Path, site: Site) -> None:
    said = {"format": FORMAT, "version": VERSION, "revision": made.revision}
    said |= {"created_at_s": made.created_at_s, "rows": made.rows}
    (rows / _MANIFEST).write_text(json.dumps(said))
    coder = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
    with (
        coder.stream_writer(stream, closefd=False) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        tar.add(rows / _MANIFEST, _MANIFEST, filter=_plain)
        for path in sorted(rows.glob("*.jsonl")):
            tar.add(path, f"{_ROWS}/{path.name}", filter=_plain)
        for path in _files(site.folder):
            name = f"{_SITE}/{path.relative_to(site.folder).as_posix()}"
            # What was removed meanwhile is needed by nothing.
            with suppress(FileNotFoundError):
                tar.add(path, name, filter=_plain)
        tar.addfile(_plain(tarfile.TarInfo(_END)))


def _files(folder: Path) -> Iterator[Path]:
    """Return what is kept of a console's folder, what names others ahead of what is named."""
    found = []
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        is_left_out = parts[0] in _LEFT_OUT or parts[0].startswith(_DATABASE_FILE)
        if is_left_out or any(part.startswith(".") for part in parts) or not path.is_file():
            continue
        found.append(path)
    first = {path for path in found if path.parts[-2:] == (METADATA, TIMESTAMP_FILE)}
    yield from sorted(found, key=lambda path: (path not in first, path))


def _unpack(file: Path, made: Path, rows: Path) -> Backup:
    decoder = zstandard.ZstdDecompressor()
    with (
        file.open("rb") as stream,
        decoder.stream_reader(stream, read_across_frames=True) as plain,
        tarfile.open(fileobj=plain, mode="r|") as tar,
    ):
        first = tar.next()
        if first is None or first.name != _MANIFEST:
            raise ValueError("it does not begin with a manifest")
        found = _manifest(tar.extractfile(first))
        while (member := tar.next()) is not None and member.name != _END:
            top, _slash, rest = member.name.partition("/")
            place = {_ROWS: rows, _SITE: made}.get(top)
            if place is None or not member.isreg() or not rest:
                raise ValueError(f"{member.name!r} does not belong there")
            member.name = rest
            tar.extract(member, place, filter="data")
        if member is None or tar.next() is not None:
            raise ValueError("it does not end where it should")
        while piece := plain.read(_PIECE_BYTES):
            if piece.strip(b"\0"):
                raise ValueError("something follows its end")
    return found


def _manifest(stream: IO[bytes] | None) -> Backup:
    said: Any = json.loads(stream.read(_MANIFEST_MOST_BYTES) if stream else b"")
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise ValueError("another format")
    if said.get("version") != VERSION:
        raise ValueError(f"version {said.get('version')!r}, where {VERSION} is known")
    return Backup(str(said["revision"]), int(said["created_at_s"]), dict(said["rows"]))


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


def name_of(now: datetime) -> str:
    """Return what a backup of this time is called."""
    return f"console-{now.astimezone(UTC):%Y%m%d-%H%M%S}.tar.zst"
