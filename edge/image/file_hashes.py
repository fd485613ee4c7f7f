"""Hashes of all files of a root: SHA-256, which trees know, and SHA-1, which SPDX asks for.

Source: SPDX specification 2.3, clause 8.4: each file has a SHA-1. Of contents that came in an
archive it was computed on the way in; of others once for each image, and kept in the store.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from edge.oci.image import Image
from edge.oci.store import Store
from edge.oci.tree import Entry, Kind, Slice, Tree

_KIND = "sha1"
_CONTAINERS = "containers"
_SECTION, _NAME = 1, 2


@dataclass(frozen=True, slots=True)
class HashedFile:
    """A file of the root; `service` is who has it, empty for the system itself."""

    path: str
    sha256: str
    sha1: str
    service: str


def hashed(root: Tree, images: Iterable[Image], store: Store) -> tuple[HashedFile, ...]:
    """Return all files of a root with their hashes, in the order of the tree.

    Args:
        root: The whole root.
        images: What it was made of, whose hashes are kept.
        store: Where they are kept.
    """
    known: dict[str, str] = {}
    for image in images:
        known |= _of_image(image, store)
    return tuple(
        HashedFile(path, entry.sha256, _known(entry, known), _service(path))
        for path, entry in root
        if entry.kind is Kind.FILE
    )


def _known(entry: Entry, known: Mapping[str, str]) -> str:
    return entry.sha1 or known.get(entry.sha256) or _sha1(entry)


def _of_image(image: Image, store: Store) -> Mapping[str, str]:
    if all(entry.sha1 for _path, entry in image.tree.files()):
        return {}
    if found := store.recall(_KIND, image.manifest):
        kept: dict[str, str] = json.loads(store.read(found))
        return kept
    made = dict(_distinct(image.tree))
    store.remember(_KIND, image.manifest, store.add_bytes(json.dumps(made).encode()))
    return made


def _distinct(tree: Tree) -> Iterator[tuple[str, str]]:
    seen = set()
    for _path, entry in tree.files():
        if entry.sha256 not in seen:
            seen.add(entry.sha256)
            yield entry.sha256, entry.sha1 or _sha1(entry)


def _sha1(entry: Entry) -> str:
    # The content is compared with its SHA-256 where the image is written, in the same build.
    digest = hashlib.sha1(usedforsecurity=False)
    content = entry.content
    for piece in content.pieces() if isinstance(content, Slice) else (content,):
        digest.update(piece)
    return digest.hexdigest()


def _service(path: str) -> str:
    """Return whose folder a path is in: `containers/SECTION/NAME/…`, with a number before NAME."""
    parts = path.split("/")
    if parts[0] != _CONTAINERS or len(parts) <= _NAME + 1:
        return ""
    name = parts[_NAME]
    return name if parts[_SECTION] == "services" else name.partition("-")[2]
