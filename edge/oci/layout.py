"""Images of an OCI layout on this machine: `oci:FOLDER[:TAG]`, or one tar of it: `oci-archive:`.

Source: OCI image spec 1.1, image-layout.md. Every blob is checked against its size and digest on
the way into the store.
"""

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from edge.errors import InputError, RefusedError, ThingNotFoundError, UntrustedError
from edge.oci.document import Descriptor, Index, fits, parse_document, require_size, there
from edge.oci.image import Image
from edge.oci.limits import STANDARD, Limits
from edge.oci.origin import Document, bring, resolve
from edge.oci.store import Store
from edge.oci.stored import stored_image
from edge.oci.tar_reader import Supply, members
from edge.oci.tree import Slice, clean
from edge.progress import Task
from edge.system.reference import LocalReference, parse_reference

INDEX = "index.json"
_INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
_ARCHIVE_FILES = 100_000


def read_image(text: str, base: Path, store: Store, *, architecture: str = "arm64") -> Image:
    """Return an image of a layout, with all of it in the store.

    Raises:
        ThingNotFoundError: The layout, or the image in it, is not there.
        InputError: It is for another architecture, or in a form that is not supported.
        UntrustedError: A blob is not what its digest says.
    """
    where = parse_reference(text, base)
    if not isinstance(where, LocalReference):
        raise InputError(f"{text}: not on this machine", hint="write oci:PATH or oci-archive:FILE")
    origin = LayoutOrigin(where)
    pin = resolve(origin, store, architecture=architecture)
    bring(pin, text, origin, store, architecture=architecture)
    return stored_image(text, pin.manifest, store, architecture=architecture)


class _Files(Protocol):
    """The files of a layout, wherever they are."""

    def find(self, name: str) -> Slice | None:
        """Return a file by its path in the layout, if it is there."""


class LayoutOrigin:
    """One image of a layout.

    Args:
        where: The folder or archive, and perhaps a tag.
        limits: The bounds of an image.
    """

    def __init__(self, where: LocalReference, limits: Limits = STANDARD) -> None:
        self._where = where
        self._limits = limits
        self._files: _Files = _Archive(where.path) if where.is_archive else _Folder(where.path)

    @property
    def name(self) -> str:
        """See `Origin`."""
        return str(self._where)

    def top(self, architecture: str) -> Document:
        """See `Origin`: the one image of the index that has the tag and fits.

        Raises:
            ThingNotFoundError: There is none.
            InputError: There are several.
        """
        index = self._files.find(INDEX)
        if index is None:
            raise ThingNotFoundError(f"{self._where.path}: no OCI layout: there is no {INDEX}")
        data = self._read(index, INDEX)
        parsed = parse_document(data, self.name, self._limits, media_type=_INDEX_TYPE)
        chosen = self._chosen(parsed, architecture)
        document = self.document(chosen.digest)
        require_size(chosen, len(document.data), self.name)
        return Document(document.data, chosen.media_type or None)

    def _chosen(self, index: object, architecture: str) -> Descriptor:
        found = index.manifests if isinstance(index, Index) else ()
        named = [one for one in found if self._is_named(one.names)]
        fitting = {one.digest: one for one in named if fits(one, architecture)}
        if not fitting:
            what = f"image {self._where.tag!r}" if self._where.tag else "image"
            raise ThingNotFoundError(
                f"{self._where.path}: no {what} for {architecture}", hint=there(named)
            )
        if len(fitting) > 1:
            raise InputError(f"{self._where.path}: several images", hint="write oci:PATH:TAG")
        return next(iter(fitting.values()))

    def _is_named(self, names: tuple[str, ...]) -> bool:
        """Say whether an image has the tag: as its name, or the end of it (LinuxKit's cache)."""
        tag = self._where.tag
        if tag is None:
            return True
        return any(name == tag or name.endswith((f":{tag}", f"/{tag}")) for name in names)

    def document(self, digest: str) -> Document:
        """See `Origin`."""
        found = Document(self._read(self._blob(digest), digest))
        if found.digest != digest:
            raise UntrustedError(f"{self.name}: {found.digest} where {digest} was expected")
        return found

    def bring(self, blob: Descriptor, store: Store, task: Task) -> None:
        """See `Origin`."""
        found = self._blob(blob.digest)
        require_size(blob, found.size_bytes, self.name)
        with _of(self.name), store.writer(expected=blob.digest) as writer:
            for piece in found.pieces():
                writer.write(piece)
                task.advance(len(piece))

    def _blob(self, digest: str) -> Slice:
        algorithm, _colon, name = digest.partition(":")
        found = self._files.find(f"blobs/{algorithm}/{name}")
        if found is None:
            raise ThingNotFoundError(f"{self._where.path}: blob {digest} is not there")
        return found

    def _read(self, found: Slice, what: str) -> bytes:
        if found.size_bytes > self._limits.document_bytes:
            raise RefusedError(f"{self.name}: {what} has {found.size_bytes} bytes")
        return b"".join(found.pieces())


@contextmanager
def _of(name: str) -> Iterator[None]:
    try:
        yield
    except UntrustedError as error:
        raise UntrustedError(f"{name}: {error}", hint=error.hint) from error


class _Folder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, name: str) -> Slice | None:
        path = self._folder / name
        return Slice(path, 0, path.stat().st_size) if path.is_file() else None


class _Archive:
    """A tar whose files are read where they lie."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise ThingNotFoundError(f"{path}: there is no such archive")
        self._files: dict[str, Slice] = {}
        with path.open("rb") as stream:
            self._look(path, stream)

    def find(self, name: str) -> Slice | None:
        return self._files.get(name)

    def _look(self, path: Path, stream: IO[bytes]) -> None:
        supply = Supply(stream, most_bytes=path.stat().st_size)
        try:
            for header, content in members(supply, STANDARD):
                if content is not None and not header.issparse():
                    self._add(clean(header.name), Slice(path, header.offset_data, header.size))
        except (UntrustedError, RefusedError, InputError) as error:
            hint = "an OCI archive is a plain tar; unpack one that is compressed first"
            raise InputError(f"{path}: no OCI archive: {error}", hint=hint) from error
        except (tarfile.TarError, OSError) as error:
            raise InputError(f"{path}: no OCI archive: {error}") from error

    def _add(self, name: str, found: Slice) -> None:
        if name in self._files or len(self._files) >= _ARCHIVE_FILES:
            raise RefusedError(f"{name} is there twice, or there are too many files")
        self._files[name] = found
