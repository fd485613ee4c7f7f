"""Fixtures for OCI images."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from edge.debian.archive import Package
from edge.oci.store import Store
from edge.oci.tree import Entry
from edge.system.service import ServiceFolder, read_service
from tests.edge.oci.debs import stored_deb

MakePackage = Callable[[str, Mapping[str, Entry]], Package]
MakeService = Callable[..., ServiceFolder]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def package(tmp_path: Path, store: Store) -> MakePackage:
    return lambda name, files: stored_deb(name, files, tmp_path, store)


@pytest.fixture
def service(tmp_path: Path) -> MakeService:
    """Write a service folder and read it: `service(yaml, name="x", **{path: text})`."""

    def make(text: str, *, name: str = "example", **files: str) -> ServiceFolder:
        folder = tmp_path / "services" / name
        folder.mkdir(parents=True, exist_ok=True)
        for path, contents in files.items():
            (folder / path).write_text(contents)
        (folder / "service.yml").write_text(f"description: test\n{text}")
        return read_service(folder)

    return make
