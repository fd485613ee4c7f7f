"""Tables and blobs of payloads in a repository: `blobs/<sha256>`, never changed."""

import shutil
from pathlib import Path
from typing import Final

from edge import atomic, digest
from edge.bundle.full import MadePayload
from edge.errors import ThingNotFoundError, UntrustedError
from edge_signing.release import Content, Payload

FOLDER: Final = "blobs"
_PIECE_BYTES: Final = 1 << 20


def path_of(repository: Path, content: Content) -> Path:
    """Return where a table or blob lies, or would."""
    return repository / FOLDER / content.sha256.hex()


def put(repository: Path, made: MadePayload) -> None:
    """Bring a payload into a repository; after a power cut each file is whole or not there."""
    table = path_of(repository, made.payload.table)
    if not table.is_file():
        with atomic.file(table) as stream:
            stream.write(made.table)
    blob = path_of(repository, made.payload.blob)
    if not blob.is_file():
        with atomic.file(blob) as stream, made.blob.open("rb") as source:
            shutil.copyfileobj(source, stream, _PIECE_BYTES)


def get(repository: Path, payload: Payload) -> MadePayload:
    """Return a payload of a repository.

    Raises:
        ThingNotFoundError: A file of it is not there.
        UntrustedError: A file is not the bytes that were signed.
    """
    for content in (payload.table, payload.blob):
        path = path_of(repository, content)
        if not path.is_file():
            raise ThingNotFoundError(f"{path}: not there", hint="restore it, or add the release")
        if digest.of_file(path) != f"{digest.ALGORITHM}:{content.sha256.hex()}":
            raise UntrustedError(f"{path}: not the bytes that were signed")
    table = path_of(repository, payload.table).read_bytes()
    return MadePayload(payload, table, path_of(repository, payload.blob))
