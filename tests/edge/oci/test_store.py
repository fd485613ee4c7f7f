"""The content store."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import InputError, ThingNotFoundError, UntrustedError
from edge.oci.store import Store

HELLO = f"sha256:{hashlib.sha256(b'hello').hexdigest()}"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def blobs(store: Store) -> list[str]:
    return sorted(path.name for path in (store.folder / "blobs/sha256").glob("*"))


def hidden(store: Store) -> list[Path]:
    return list((store.folder / "blobs/sha256").glob(".*"))


@given(st.binary())
def test_what_is_added_is_read_back_under_its_hash(data: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        store = Store(Path(name))

        digest = store.add_bytes(data)

        assert digest == f"sha256:{hashlib.sha256(data).hexdigest()}"
        assert store.read(digest) == data


def test_the_folder_is_an_oci_layout(store: Store) -> None:
    store.add_bytes(b"hello")

    assert (store.folder / "oci-layout").read_bytes() == b'{"imageLayoutVersion":"1.0.0"}'
    assert store.path(HELLO) == store.folder / "blobs" / "sha256" / HELLO[7:]
    assert store.path(HELLO).stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("move", [True, False])
def test_a_file_is_copied_or_moved_in(move: bool, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"hello")

    digest = store.add_file(path, HELLO, move=move)

    assert digest == HELLO
    assert store.read(HELLO) == b"hello"
    assert path.exists() is not move


@pytest.mark.parametrize("move", [True, False])
def test_a_file_with_another_hash_is_not_stored(move: bool, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"hullo")

    with pytest.raises(UntrustedError, match=f"where {HELLO} was expected"):
        store.add_file(path, HELLO, move=move)

    assert blobs(store) == []
    assert path.read_bytes() == b"hullo"


def test_a_blob_can_be_written_piece_by_piece(store: Store) -> None:
    with store.writer() as blob:
        for piece in (b"he", bytearray(b"l"), memoryview(b"lo")):
            blob.write(piece)

    assert (blob.digest, blob.size_bytes) == (HELLO, 5)
    assert store.has(HELLO)


def test_a_blob_that_was_not_written_to_its_end_is_not_there(store: Store) -> None:
    def write() -> None:
        with store.writer() as blob:
            blob.write(b"hel")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()

    assert blobs(store) == []
    assert hidden(store) == []


def test_a_written_blob_with_another_hash_than_expected_is_not_there(store: Store) -> None:
    def write() -> None:
        with store.writer(expected=HELLO) as blob:
            blob.write(b"hullo")

    with pytest.raises(UntrustedError):
        write()

    assert blobs(store) == []
    assert hidden(store) == []


def test_a_damaged_blob_is_named_on_each_checked_read(store: Store) -> None:
    store.add_bytes(b"hello")
    store.path(HELLO).write_bytes(b"hullo")

    for read in (store.read, store.verify, store.open):
        with pytest.raises(UntrustedError, match=f"blob {HELLO} is damaged") as caught:
            read(HELLO)
        assert "edge cache clean" in (caught.value.hint or "")


def test_a_checked_blob_gives_its_path(store: Store) -> None:
    store.add_bytes(b"hello")

    assert store.verify(HELLO).read_bytes() == b"hello"
    with store.open(HELLO) as stream:
        assert stream.read() == b"hello"


def test_a_blob_that_is_not_there_is_named(store: Store) -> None:
    for read in (store.read, store.verify, store.open):
        with pytest.raises(ThingNotFoundError, match=HELLO):
            read(HELLO)


@pytest.mark.parametrize(
    "digest", ["", "sha256:", HELLO[7:], HELLO.upper(), "sha256:../../etc", f"{HELLO}\n"]
)
def test_what_is_no_digest_names_no_file(digest: str, store: Store) -> None:
    with pytest.raises(InputError, match="is not a digest"):
        store.path(digest)


def test_a_result_is_remembered_by_kind_and_key(store: Store) -> None:
    store.add_bytes(b"hello")

    store.remember("layer", "any/key \n", HELLO)

    assert store.recall("layer", "any/key \n") == HELLO
    assert store.recall("image", "any/key \n") is None
    assert store.recall("layer", "other") is None


def test_a_remembered_result_without_its_blob_is_forgotten(store: Store) -> None:
    store.remember("layer", "key", HELLO)

    assert store.recall("layer", "key") is None


def test_a_damaged_memory_is_no_answer(store: Store) -> None:
    store.add_bytes(b"hello")
    store.remember("layer", "key", HELLO)
    for path in (store.folder / "refs/layer").iterdir():
        path.write_bytes(b"\xff\0nonsense")

    assert store.recall("layer", "key") is None


def test_two_writers_of_one_blob_do_not_disturb_each_other(store: Store) -> None:
    with store.writer() as first, store.writer() as second:
        first.write(b"hello")
        second.write(b"hello")

    assert store.read(HELLO) == b"hello"
    assert [*blobs(store), *hidden(store)] == [HELLO[7:]]
