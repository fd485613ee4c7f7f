"""Fixtures: a repository on loopback, an archive that looks into it, a store."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.debian.archive import Archive
from edge.oci.store import Store
from tests.fakes.debian_repository import DebianRepository, served

OpenArchive = Callable[..., Archive]


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[DebianRepository]:
    with served(tmp_path / "repository") as repository:
        yield repository


@pytest.fixture
def open_archive(repository: DebianRepository, tmp_path: Path) -> OpenArchive:
    def open_archive(*, security: bool = False) -> Archive:
        mirror = repository.mirror(security=security)
        return Archive(mirror, architecture="arm64", folder=tmp_path / "apt", retries=0)

    return open_archive


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")
