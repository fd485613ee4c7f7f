"""Write blobs of the store as an OCI layout, a folder or one tar of it, and read such a tar back.

The same blobs give the same bytes. Source: OCI image spec 1.1, image-layout.md.
"""

import io
import json
import re
import shutil
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from edge import atomic
from edge.errors import EdgeError, InputError, RefusedError, UntrustedError
from edge.oci.document import REF_NAME
from edge.oci.image import MANIFEST_TYPE
from edge.oci.limits import STANDARD
from edge.oci.origin import stored_manifest
from edge.oci.store import LAYOUT, Store
from edge.oci.tar_reader import Supply, members
from edge.oci.tar_writer import TarSink
from edge.oci.tree import PIECE_BYTES
from edge.progress import Progress, Task
from edge.system.reference import LocalReference

INDEX, MARK = "index.json", "oci-layout"
_BLOB = re.compile(r"blobs/sha256/([0-9a-f]{64})")
_LAYOUT_NAMES = frozenset((INDEX, MARK, "blobs"))


def image_blobs(manifest: str, store: Store) -> tuple[str, ...]:
    """Return the digests of all that one image is made of, its manifest first.

    Raises:
        ThingNotFoundError: The store has no such manifest.
    """
    found = stored_manifest(manifest, manifest, store)
    blobs = (manifest, found.config.digest, *(layer.digest for layer in found.layers))
    return tuple(dict.fromkeys(blobs))


def write_image(where: LocalReference, name: str, manifest: str, store: Store) -> None:
    """Write one image as a layout: to a folder, which is replaced, or to an archive.

    Raises:
        RefusedError: The folder holds something else than a layout.
    """
    names, blobs = {where.tag or name: manifest}, image_blobs(manifest, store)
    if where.is_archive:
        write_archive(where.path, names, blobs, store)
        return
    _require_layout(where.path)
    with atomic.folder(where.path) as folder:
        target = folder / "blobs" / "sha256"
        target.mkdir(parents=True)
        for digest in blobs:
            with store.open(digest) as source, (target / digest.partition(":")[2]).open("wb") as to:
                shutil.copyfileobj(source, to, PIECE_BYTES)
        (folder / MARK).write_bytes(LAYOUT)
        (folder / INDEX).write_bytes(_index(names, store))


def _require_layout(folder: Path) -> None:
    if folder.exists() and (
        not folder.is_dir() or not {path.name for path in folder.iterdir()} <= _LAYOUT_NAMES
    ):
        raise RefusedError(f"{folder}: is no OCI layout, and would be replaced by one")


def write_archive(file: Path, names: Mapping[str, str], blobs: Iterable[str], store: Store) -> None:
    """Write a tar of a layout: `names` are its images by name, `blobs` all that is in it.

    Raises:
        ThingNotFoundError: The store lacks a blob.
    """
    with atomic.file(file) as stream, tarfile.open(fileobj=stream, mode="w|") as archive:
        _add(archive, MARK, len(LAYOUT), io.BytesIO(LAYOUT))
        index = _index(names, store)
        _add(archive, INDEX, len(index), io.BytesIO(index))
        for digest in sorted(set(blobs)):
            with store.open(digest) as source:
                size_bytes = store.path(digest).stat().st_size
                _add(archive, f"blobs/{digest.replace(':', '/')}", size_bytes, source)


def _add(archive: tarfile.TarFile, name: str, size_bytes: int, stream: IO[bytes]) -> None:
    header = tarfile.TarInfo(name)
    header.size = size_bytes
    archive.addfile(header, stream)


def _index(names: Mapping[str, str], store: Store) -> bytes:
    manifests = [
        {
            "mediaType": _type(digest, store),
            "digest": digest,
            "size": store.path(digest).stat().st_size,
            "annotations": {REF_NAME: name},
        }
        for name, digest in sorted(names.items())
    ]
    document = {"schemaVersion": 2, "manifests": manifests}
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _type(digest: str, store: Store) -> str:
    """Return what a manifest of the store says that it is."""
    return str(json.loads(store.read(digest)).get("mediaType") or MANIFEST_TYPE)


def read_archive(file: Path, store: Store, progress: Progress) -> Sequence[str]:
    """Take all blobs of an archive into the store, each checked, and return their digests.

    Raises:
        InputError: It is no archive of a layout.
        UntrustedError: A blob is not what its name says; those before it were taken.
    """
    size_bytes = file.stat().st_size
    found = []
    with (
        file.open("rb") as stream,
        progress.task(f"read {file}", total=size_bytes, unit="B") as task,
    ):
        for name, content in _files(file, stream, size_bytes):
            blob = _BLOB.fullmatch(name)
            if blob is None:
                if name not in (INDEX, MARK):
                    raise InputError(f"{file}: {name!r} has no place in an OCI archive")
                continue
            expected = f"sha256:{blob[1]}"
            try:
                with store.writer(expected=expected) as writer:
                    _copy(content, writer, task)
            except UntrustedError as error:
                raise UntrustedError(f"{file}: blob {error}") from error
            found.append(expected)
    return found


def _copy(source: IO[bytes], sink: TarSink, task: Task) -> None:
    while piece := source.read(PIECE_BYTES):
        sink.write(piece)
        task.advance(len(piece))


def _files(file: Path, stream: IO[bytes], size_bytes: int) -> Iterator[tuple[str, IO[bytes]]]:
    supply = Supply(stream, most_bytes=size_bytes)
    try:
        for header, content in members(supply, STANDARD):
            if content is not None and not header.issparse():
                yield header.name.removeprefix("./"), content
            elif not header.isdir():
                raise InputError(f"{header.name!r} is no file")
    except EdgeError as error:
        hint = "an archive is what `edge cache export` writes"
        raise type(error)(f"{file}: {error}", hint=error.hint or hint) from error
