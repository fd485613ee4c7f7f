"""What LinuxKit itself makes of its example system files, and what is made here.

The examples, the images that they name (stubs of them) and what the real tool made are in the
folder that EDGE_LINUXKIT names. Without it the other tests of this folder hold the same rules.
"""

import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from edge.errors import ProblemsError
from edge.oci.store import Store
from edge.system.defaults import Defaults
from edge.system.load import load
from tests.edge.oci.linuxkit.conftest import Row, documents, linuxkit_root, rows

DATA = Path(os.environ.get("EDGE_LINUXKIT", "nowhere"))
NAMES = sorted(path.stem for path in DATA.glob("golden/*.json"))
# Files that the examples expect beside them, with the length that they had.
BESIDE = {"containerd-debug-runtime-config.toml": b"x" * 42}

# Where what is made here differs on purpose: {(case, path): reason}. Paths that the real tool lists
# twice (its tar has each folder once for each image) count once, as they do when it is unpacked.
DEVIATIONS: Mapping[tuple[str, str], str] = {}

pytestmark = pytest.mark.skipif(
    "EDGE_LINUXKIT" not in os.environ, reason="EDGE_LINUXKIT names no folder"
)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the layout of the stub images."""
    folder = tmp_path_factory.mktemp("stubs")
    with tarfile.open(DATA / "stubs.tar") as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("store"))


def copied(name: str, folder: Path) -> Path:
    """Return a copy of an example with the files that it needs beside it."""
    for other, contents in BESIDE.items():
        (folder / other).write_bytes(contents)
    file = folder / f"{name}.yml"
    file.write_bytes((DATA / "examples" / file.name).read_bytes())
    return file


def different(ours: Mapping[str, Any], theirs: Mapping[str, Any], case: str) -> Iterator[str]:
    for path in sorted(ours.keys() | theirs.keys()):
        if (case, path) not in DEVIATIONS and ours.get(path) != theirs.get(path):
            yield f"{path}: {ours.get(path)} is not {theirs.get(path)}"


def test_all_cases_are_there() -> None:
    assert len(NAMES) == 33


@pytest.mark.parametrize("name", NAMES)
def test_a_root_is_the_same_as_linuxkits(
    name: str, unpacked: Path, store: Store, tmp_path: Path
) -> None:
    golden = json.loads((DATA / "golden" / f"{name}.json").read_text())
    file = copied(name, tmp_path)

    root = linuxkit_root(file, unpacked, store, architecture="amd64")

    listed: dict[str, Row] = {row[0]: tuple(row) for row in golden["files"]}  # the last one counts
    assert list(different(rows(root), listed, name)) == []
    assert list(different(documents(root), golden["containers"], name)) == []


def test_what_linuxkit_refuses_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProblemsError):
        load([copied("static-ip", tmp_path)], defaults=Defaults.LINUXKIT)


def test_the_template_needs_its_packages(tmp_path: Path) -> None:
    file = copied("linuxkit-template", tmp_path)
    with pytest.raises(ProblemsError, match="holds no service"):
        load([file], defaults=Defaults.LINUXKIT)
    for name in (
        "init",
        "runc",
        "containerd",
        "ca-certificates",
        "sysctl",
        "dhcpcd",
        "getty",
        "rngd",
    ):
        folder = tmp_path / "pkg" / name
        folder.mkdir(parents=True)
        (folder / "service.yml").write_text(f"description: {name}\n")

    system = load([file], defaults=Defaults.LINUXKIT)

    assert [part.name for part in system.services] == ["getty", "rngd", "nginx"]
