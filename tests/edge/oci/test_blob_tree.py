"""Trees whose contents are in one blob, and what is known of them when they are read back."""

import hashlib
import io
import tarfile
from pathlib import Path

from edge.oci import blob_tree
from edge.oci.store import Store
from edge.oci.tree import Slice, Tree

CONTENTS = {"small": b"s", "large": b"l" * 200_000, "empty": b""}


def spooled(store: Store) -> blob_tree.BlobTree:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in CONTENTS.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    stream.seek(0)
    with tarfile.open(fileobj=stream) as archive:
        members = ((one, archive.extractfile(one)) for one in archive)
        return blob_tree.spool(members, store)


def hashes(tree: Tree) -> dict[str, tuple[bytes, str, str]]:
    return {path: (entry.read(), entry.sha256, entry.sha1) for path, entry in tree.files()}


def are_checked(tree: Tree) -> set[bool]:
    found = (entry.content for _path, entry in tree.files())
    return {content.is_checked for content in found if isinstance(content, Slice)}


def test_both_hashes_are_known_now_and_when_it_is_read_back(tmp_path: Path) -> None:
    store = Store(tmp_path)

    made = spooled(store)
    again = blob_tree.load(made.index, store)

    assert again is not None
    expected = {
        name: (
            content,
            hashlib.sha256(content).hexdigest(),
            hashlib.sha1(content, usedforsecurity=False).hexdigest(),
        )
        for name, content in CONTENTS.items()
    }
    assert hashes(made.tree) == hashes(again.tree) == expected


def test_only_what_was_written_just_now_is_not_hashed_again(tmp_path: Path) -> None:
    store = Store(tmp_path)

    made = spooled(store)
    again = blob_tree.load(made.index, store)

    assert again is not None
    assert are_checked(made.tree) == {True}
    assert are_checked(again.tree) == {False}


def test_an_index_of_an_earlier_version_is_made_anew(tmp_path: Path) -> None:
    store = Store(tmp_path)
    made = spooled(store)
    earlier = store.read(made.index).replace(b'"version":2', b'"version":1')

    assert blob_tree.load(store.add_bytes(earlier), store) is None
