"""The root image with its hash tree, and the digests of blocks that are kept for the next one."""

import hashlib
from pathlib import Path
from uuid import UUID

import pytest

from edge.errors import UntrustedError
from edge.image import root_image
from edge.image.content_blocks import FOLDER
from edge.image.root_image import RootImage
from edge.oci.store import Store
from edge.oci.tree import Slice, Tree, file
from edge_agent import verity

SALT, UUID_1 = b"salt", UUID(int=1)
CONTENTS = {"small": b"s", "large": b"l" * 600_000, "odd": bytes(range(256)) * 17}


def tree_of(folder: Path) -> Tree:
    """Return a tree of files that lie in one file on disk, and of one in memory."""
    blob = folder / "blob"
    blob.write_bytes(b"".join(CONTENTS.values()))
    tree, start = Tree(), 0
    for name, content in CONTENTS.items():
        tree.add(name, file(Slice(blob, start, len(content))))
        start += len(content)
    tree.add("made", file(b"made here" * 1000))
    return tree


def written(folder: Path, tree: Tree, *, store: Store, name: str = "rootfs.img") -> RootImage:
    return root_image.write(folder / name, tree, uuid=UUID_1, salt=SALT, store=store)


def test_the_hash_tree_is_the_one_that_is_made_of_the_image(tmp_path: Path) -> None:
    made = written(tmp_path, tree_of(tmp_path), store=Store(tmp_path / "store"))

    image = (tmp_path / "rootfs.img").read_bytes()
    again = tmp_path / "again.img"
    again.write_bytes(image[: made.opened.data_blocks * 4096])
    assert verity.append_tree(again, salt=SALT) == made.opened
    assert again.read_bytes() == image
    assert made.digest == f"sha256:{hashlib.sha256(image).hexdigest()}"


def test_kept_digests_make_the_same_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree, store = tree_of(tmp_path), Store(tmp_path / "store")
    first = written(tmp_path, tree, store=store)
    hashed: list[int] = []
    real = verity.digests_of

    def counting(blocks: bytes | memoryview, salted: "hashlib._Hash") -> list[bytes]:
        hashed.append(len(blocks))
        return real(blocks, salted)

    monkeypatch.setattr(verity, "digests_of", counting)
    tree.add("new", file(b"n" * 5000))
    second = written(tmp_path, tree, store=store, name="second.img")

    alone = written(tmp_path, tree, store=Store(tmp_path / "other"), name="alone.img")
    assert (tmp_path / "second.img").read_bytes() == (tmp_path / "alone.img").read_bytes()
    assert second == alone != first
    assert sum(hashed) < 2 * 600_000  # only the image of the empty store was hashed


@pytest.mark.parametrize("is_known", [False, True], ids=["the first time", "later"])
@pytest.mark.parametrize("offset_bytes", [0, 300_000, 600_001], ids=["small", "large", "odd"])
def test_a_content_that_is_not_what_was_stored_is_refused(
    tmp_path: Path, offset_bytes: int, *, is_known: bool
) -> None:
    tree, store = tree_of(tmp_path), Store(tmp_path / "store")
    if is_known:
        written(tmp_path, tree, store=store)
    with (tmp_path / "blob").open("r+b") as blob:
        blob.seek(offset_bytes)
        blob.write(b"?")

    with pytest.raises(UntrustedError, match="not what was stored there"):
        written(tmp_path, tree, store=store, name="bad.img")

    assert not (tmp_path / "bad.img").exists()


@pytest.mark.parametrize("damage", [b"", b"?", b"x" * 10_000], ids=["none", "short", "other"])
def test_what_was_kept_and_is_damaged_counts_for_nothing(tmp_path: Path, damage: bytes) -> None:
    tree, store = tree_of(tmp_path), Store(tmp_path / "store")
    first = written(tmp_path, tree, store=store)
    (kept,) = (store.folder / FOLDER).iterdir()
    whole = kept.read_bytes()

    kept.write_bytes(damage)

    assert written(tmp_path, tree, store=store, name="again.img") == first
    assert kept.read_bytes() == whole


def test_any_byte_of_what_was_kept_is_checked(tmp_path: Path) -> None:
    tree, store = tree_of(tmp_path), Store(tmp_path / "store")
    first = written(tmp_path, tree, store=store)
    (kept,) = (store.folder / FOLDER).iterdir()
    whole = kept.read_bytes()

    for number, at in enumerate(range(0, len(whole), len(whole) // 4)):
        kept.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert written(tmp_path, tree, store=store, name=f"{number}.img") == first


def test_another_salt_has_digests_of_its_own(tmp_path: Path) -> None:
    tree, store = tree_of(tmp_path), Store(tmp_path / "store")
    first = written(tmp_path, tree, store=store)

    other = root_image.write(tmp_path / "b.img", tree, uuid=UUID_1, salt=b"pepper", store=store)

    assert other.opened.root_hash != first.opened.root_hash
    assert written(tmp_path, tree, store=store, name="c.img") == first
