"""Read images from an OCI layout on disk: `image: oci:PATH[:TAG]`.

Source: OCI image spec 1.1, image-layout.md and layer.md (whiteouts). Every blob is checked against
its digest on the way into the store; a layer is unpacked there once.
"""

import gzip
import io
import json
import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from edge.errors import InputError, ThingNotFoundError, UntrustedError
from edge.oci import blob_tree
from edge.oci.image import Image, image_config, label_settings
from edge.oci.store import Store
from edge.oci.tree import Entry, Kind, Tree

PREFIX = "oci:"
REF_NAME = "org.opencontainers.image.ref.name"
UNPACKED = "oci-layer"
WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"
_TAR = re.compile(r"application/vnd\.(oci|docker)\.image\.(layer\.v1|rootfs\.diff)\.tar(.*)")
_INDEX = ("application/vnd.oci.image.index.v1+json",)
_DEPTH = 4  # indexes in indexes
_END_OF_TAR = bytes(2 * tarfile.BLOCKSIZE)


@dataclass(frozen=True, slots=True)
class Reference:
    """Where an image is: a layout folder and perhaps a tag in it."""

    folder: Path
    tag: str | None


def reference(text: str, base: Path) -> Reference:
    """Return what `oci:PATH[:TAG]` names; a relative path begins in `base`.

    Raises:
        InputError: It names an image of a registry, or no path.
    """
    if not text.startswith(PREFIX):
        hint = "use `service:` with a folder, or an OCI layout: `image: oci:PATH[:TAG]`"
        raise InputError(f"{text}: images of a registry are not supported yet", hint=hint)
    path, _, tag = text.removeprefix(PREFIX).partition(":")
    if not path:
        raise InputError(f"{text}: a path is missing")
    return Reference(base / Path(path).expanduser(), tag or None)


def read_image(text: str, base: Path, store: Store, *, architecture: str = "arm64") -> Image:
    """Return an image of a layout, with all of it in the store.

    Raises:
        ThingNotFoundError: The layout, or the image in it, is not there.
        InputError: It is for another architecture, or in a form that is not supported.
        UntrustedError: A blob is not what its digest says.
    """
    where = reference(text, base)
    layout = _Layout(where.folder, store)
    digest, manifest = layout.manifest(where.tag, architecture)
    config = json.loads(layout.blob(manifest["config"]["digest"]))
    found = config.get("architecture", architecture)
    if found != architecture:
        raise InputError(f"{text}: is for {found}, not for {architecture}")
    tree = Tree()
    for layer in manifest["layers"]:
        tree = overlaid(tree, layout.layer(layer))
    settings = label_settings(config, text)
    return Image(text, digest, image_config(config), settings, tree, architecture)


class _Layout:
    """A layout folder whose blobs go into the store as they are read."""

    def __init__(self, folder: Path, store: Store) -> None:
        self._folder = folder
        self._store = store

    def manifest(self, tag: str | None, architecture: str) -> tuple[str, dict[str, Any]]:
        index = self._folder / "index.json"
        if not index.is_file():
            raise ThingNotFoundError(f"{self._folder}: no OCI layout: there is no index.json")
        found = list(self._candidates(json.loads(index.read_bytes()), tag, _DEPTH))
        fitting = [one for one in found if _fits(one, architecture)]
        digests = {one["digest"] for one in fitting}
        if not fitting:
            what = f"image {tag!r}" if tag else "image"
            raise ThingNotFoundError(f"{self._folder}: no {what} for {architecture}")
        if len(digests) > 1:
            raise InputError(f"{self._folder}: several images", hint="write oci:PATH:TAG")
        digest = digests.pop()
        return digest, json.loads(self.blob(digest))

    def _candidates(
        self, index: dict[str, Any], tag: str | None, depth: int
    ) -> Iterator[dict[str, Any]]:
        for one in index.get("manifests", ()):
            name = one.get("annotations", {}).get(REF_NAME, "")
            if tag is not None and tag != name and tag != name.rpartition(":")[2]:
                continue
            if one.get("mediaType") in _INDEX and depth:
                yield from self._candidates(json.loads(self.blob(one["digest"])), None, depth - 1)
            else:
                yield one

    def blob(self, digest: str) -> bytes:
        """Return a small blob, which is then in the store."""
        return self._store.read(self._taken(digest))

    def _taken(self, digest: str) -> str:
        if not self._store.has(digest):
            relative = self._store.path(digest).relative_to(self._store.folder)
            path = self._folder / relative
            if not path.is_file():
                raise ThingNotFoundError(f"{self._folder}: blob {digest} is not there")
            self._store.add_file(path, digest)
        return digest

    def layer(self, descriptor: dict[str, Any]) -> Tree:
        """Return the tree of one layer, whiteouts and all."""
        digest = self._taken(descriptor["digest"])
        known = self._store.recall(UNPACKED, digest)
        tree = blob_tree.load(known, self._store) if known else None
        if tree is None:
            tree = self._unpack(digest, descriptor.get("mediaType", ""))
            self._store.remember(UNPACKED, digest, tree.index)
        return tree.tree

    def _unpack(self, digest: str, media_type: str) -> blob_tree.BlobTree:
        kind = _TAR.fullmatch(media_type)
        if kind is None or kind[3] not in ("", "+gzip", ".gzip"):
            raise InputError(f"{self._folder}: layers of type {media_type} are not supported")
        path = self._store.verify(digest)
        try:
            with path.open("rb") as plain, _opened(plain, packed=bool(kind[3])) as stream:
                return blob_tree.spool(_members(stream), self._store)
        except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
            raise UntrustedError(f"{self._folder}: layer {digest}: {error}") from error


def _opened(stream: IO[bytes], *, packed: bool) -> IO[bytes]:
    return gzip.GzipFile(fileobj=stream) if packed else stream  # type: ignore[return-value]


def _members(stream: IO[bytes]) -> Iterator[blob_tree.Member]:
    with tarfile.open(fileobj=io.BufferedReader(_Padded(stream)), mode="r|") as archive:
        for header in archive:
            yield header, archive.extractfile(header) if header.isreg() else None


class _Padded(io.RawIOBase):
    """A stream with the end that some writers (umoci) leave off a tar: two blocks of zeros."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._end = _END_OF_TAR

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        if not data:
            data, self._end = self._end[: len(buffer)], self._end[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)


def _fits(descriptor: dict[str, Any], architecture: str) -> bool:
    platform = descriptor.get("platform")
    return platform is None or platform.get("architecture") == architecture


def overlaid(lower: Tree, upper: Tree) -> Tree:
    """Return a lower tree with a layer over it: `.wh.NAME` takes away, `.wh..wh..opq` empties."""
    tree = lower.copy()
    for path, _ in upper:
        folder, _, name = path.rpartition("/")
        if name == OPAQUE:
            for gone in tree.below(tree.resolve(folder)):
                tree.remove(gone)
        elif name.startswith(WHITEOUT):
            gone = f"{folder}/{name.removeprefix(WHITEOUT)}"
            tree.remove(tree.resolve(gone, last=False))
    for path, entry in upper:
        hidden = path.rpartition("/")[2].startswith(WHITEOUT)
        if not hidden and not upper.is_implied(path):
            _lay(path, entry, tree)
    return tree


def _lay(path: str, entry: Entry, tree: Tree) -> None:
    """Put an entry over what is there; its folders may be links in a lower layer."""
    place = tree.resolve(path, last=False)
    old = tree.get(place)
    if old is not None and old.kind is entry.kind is Kind.FOLDER:
        tree.put(place, entry)
        return
    tree.remove(place)
    tree.add(place, entry)
