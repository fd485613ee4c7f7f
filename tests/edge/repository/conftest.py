"""Fixtures for the repository: a yard for a demo and one for production."""

from pathlib import Path

import pytest

from tests.fakes.forge import Yard


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path)


@pytest.fixture
def production(tmp_path: Path) -> Yard:
    return Yard(tmp_path, production=True)


@pytest.fixture(autouse=True)
def _no_wait_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda _handle: None)
