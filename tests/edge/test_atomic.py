"""Outputs that are whole or not there: what is told when the disk says no."""

import errno
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from edge import atomic


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_takes_no_more_is_told_with_the_name_of_the_output(
    tmp_path: Path, code: int
) -> None:
    with (
        pytest.raises(OSError, match="update") as caught,
        atomic.file(tmp_path / "update.edge"),
    ):
        raise OSError(code, os.strerror(code))

    assert caught.value.filename == str(tmp_path / "update.edge")
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_of_the_disk_is_not_blamed_on_the_output(tmp_path: Path) -> None:
    with pytest.raises(ConnectionResetError) as caught, atomic.file(tmp_path / "update.edge"):
        raise ConnectionResetError(errno.ECONNRESET, "reset")

    assert caught.value.filename is None


@pytest.mark.parametrize("make", [atomic.file, atomic.folder])
def test_a_folder_that_takes_nothing_is_told_by_the_output_not_by_the_file_beside(
    make: Callable[[Path], AbstractContextManager[object]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    def refuse(*, dir: Path, prefix: str) -> None:
        raise OSError(errno.EROFS, "Read-only file system", f"{dir}/{prefix}x1y2")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    monkeypatch.setattr("tempfile.mkdtemp", refuse)

    with pytest.raises(OSError, match="Read-only") as caught, make(tmp_path / "out"):
        pass

    assert caught.value.filename == str(tmp_path / "out")
