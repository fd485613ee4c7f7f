"""Small files: whole or as before, and told when they can not be written."""

import os
from pathlib import Path

import pytest

from edge_agent.errors import StoreError
from edge_agent.store import AtomicFiles, FallbackFiles, FolderCalls, files_in


@pytest.mark.parametrize("data", [b"", b"x", b"y" * 70_000])
def test_a_file_is_read_as_it_was_written(tmp_path: Path, data: bytes) -> None:
    files = files_in(tmp_path / "made")

    files.write_atomic("record", b"before")
    files.write_atomic("record", data)

    assert files.read("record") == data
    assert files.names() == ["record"]
    assert (tmp_path / "made" / "record").stat().st_mode & 0o777 == 0o600


def test_what_is_not_there_is_none_and_may_be_removed(tmp_path: Path) -> None:
    files = files_in(tmp_path / "made")

    files.remove("record")

    assert (files.read("record"), files.names()) == (None, [])


def test_the_calls_are_made_in_the_order_that_keeps_the_promise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    for name in ("write", "flush", "rename", "flush_folder"):
        inner = getattr(FolderCalls, name)

        def call(
            self: FolderCalls, *words: object, name: str = name, inner: object = inner
        ) -> None:
            made.append(name)
            assert callable(inner)
            inner(self, *words)

        monkeypatch.setattr(FolderCalls, name, call)

    files_in(tmp_path).write_atomic("record", b"x")

    assert made == ["write", "flush", "rename", "flush_folder"]


def test_a_link_in_the_place_of_a_new_file_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"kept")
    (tmp_path / "record.new").symlink_to(victim)

    with pytest.raises(StoreError):
        files_in(tmp_path).write_atomic("record", b"x")

    assert victim.read_bytes() == b"kept"


def test_what_stands_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "folder").write_bytes(b"")

    files = files_in(tmp_path / "folder")

    with pytest.raises(StoreError, match="File exists"):
        files.write_atomic("record", b"x")
    with pytest.raises(StoreError, match="Not a directory"):
        files.read("record")


class NoFiles(AtomicFiles):
    """A place that takes nothing, and of which nothing can be read."""

    def read(self, name: str) -> bytes | None:
        raise StoreError(f"{name}: {os.strerror(5)}")

    def write_atomic(self, name: str, data: bytes) -> None:
        raise StoreError(f"{name}: {os.strerror(30)} {len(data)}")

    def names(self) -> list[str]:
        raise StoreError(os.strerror(5))


def test_what_the_first_place_does_not_take_goes_to_the_second(tmp_path: Path) -> None:
    second = files_in(tmp_path / "run")
    files = FallbackFiles(NoFiles(FolderCalls(tmp_path)), second)

    files.write_atomic("event", b"x")

    assert (files.read("event"), files.read("other")) == (b"x", None)
    assert files.names() == second.names() == ["event"]


def test_what_the_first_place_takes_again_leaves_the_second(tmp_path: Path) -> None:
    first, second = files_in(tmp_path / "data"), files_in(tmp_path / "run")
    second.write_atomic("event", b"old")

    files = FallbackFiles(first, second)
    files.write_atomic("event", b"new")

    assert (files.read("event"), first.read("event"), second.read("event")) == (
        b"new",
        b"new",
        None,
    )
    files.remove("event")
    assert files.names() == []
