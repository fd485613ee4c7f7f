"""When a folder may be replaced by a build."""

from pathlib import Path

import pytest

from edge.errors import InputError, RefusedError
from edge.image.outputs import NAMES, require_replaceable


def test_nothing_an_empty_folder_and_an_earlier_build_may_be_replaced(tmp_path: Path) -> None:
    require_replaceable(tmp_path / "new")
    require_replaceable(tmp_path)
    for name in NAMES:
        (tmp_path / name).touch()
    require_replaceable(tmp_path)


def test_other_files_are_named_but_not_all_of_many(tmp_path: Path) -> None:
    for number in range(9):
        (tmp_path / f"mine{number}").touch()

    with pytest.raises(RefusedError, match="mine0, mine1, mine2, mine3, mine4, …") as caught:
        require_replaceable(tmp_path)

    assert "another with -o" in (caught.value.hint or "")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(InputError, match="not a folder"):
        require_replaceable(tmp_path / "file")
