"""Fixtures for trust: a yard with a ring, a repository with one release, and a device."""

import shutil
from pathlib import Path

import pytest

from tests.fakes.forge import Yard


@pytest.fixture(scope="session")
def _first_yard(tmp_path_factory: pytest.TempPathFactory) -> Yard:
    made = Yard(tmp_path_factory.mktemp("first-yard"))
    made.release()
    return made


@pytest.fixture
def yard(_first_yard: Yard, tmp_path: Path) -> Yard:
    """A copy of a yard that was made once."""
    shutil.copytree(_first_yard.folder, tmp_path, dirs_exist_ok=True)
    return Yard(tmp_path)


@pytest.fixture(autouse=True)
def _no_wait_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda _handle: None)
