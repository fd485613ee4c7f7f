"""From a system file and stub images to the root that LinuxKit would make."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from edge.oci.layout import read_image
from edge.oci.linuxkit.assemble import assemble
from edge.oci.linuxkit.wanted import wanted
from edge.oci.store import Store
from edge.oci.tree import Entry, Kind, Tree
from edge.system.defaults import Defaults
from edge.system.load import load
from edge.system.reference import complete
from tests.fakes.stub_images import StubImages

TYPES = {Kind.FILE: "0", Kind.FOLDER: "5", Kind.LINK: "2"}
Row = tuple[str, str, str, int, int, int, str]


def linuxkit_root(file: Path, stubs: Path, store: Store, *, architecture: str) -> Tree:
    """Return the root of a system file whose images are in one layout, by their whole names."""
    system = load([file], defaults=Defaults.LINUXKIT)
    images = [
        (
            part,
            read_image(
                f"oci:{stubs}:{complete(part.image or '')}", stubs, store, architecture=architecture
            ),
        )
        for part in system.parts
    ]
    return assemble(wanted(system, images, store))


def rows(root: Tree) -> dict[str, Row]:
    """Return what a tar of a root tells of each path."""
    return {
        path: (
            *(path, TYPES[entry.kind], oct(entry.mode), entry.uid, entry.gid, entry.size_bytes),
            entry.target,
        )
        for path, entry in root
    }


def documents(root: Tree) -> dict[str, Any]:
    """Return the configurations of all containers."""
    names = ("/config.json", "/runtime.json")
    return {path: json.loads(entry.read()) for path, entry in root if path.endswith(names)}


@pytest.fixture
def stubs(tmp_path: Path) -> StubImages:
    """Images with one program each; `kernel` has a kernel."""
    images = StubImages(tmp_path / "stubs")
    for name in ("init", "app", "web", "tool", "data"):
        images.add(
            f"docker.io/me/{name}:1", {f"bin/{name}": name.encode()}, Entrypoint=[f"/{name}"]
        )
    return images


@pytest.fixture
def made(tmp_path: Path, stubs: StubImages) -> Callable[..., Tree]:
    """Return the root of the text of a system file, and of more files beside it."""

    def make(text: str, **files: str) -> Tree:
        for name, contents in files.items():
            (tmp_path / name).write_text(contents)
        file = tmp_path / "s.yml"
        file.write_text(text)
        store = Store(tmp_path / "store")
        return linuxkit_root(file, stubs.folder, store, architecture="arm64")

    return make


Made = Callable[..., Tree]
Expected = Mapping[str, Any]

APP = "services:\n- name: app\n  image: me/app:1\n"
CONFIG, RUNTIME = "containers/services/app/config.json", "containers/services/app/runtime.json"


def entry(root: Tree, path: str) -> Entry:
    """Return what stands at a path."""
    found = root.get(path)
    assert found is not None, path
    return found


def held(root: Tree, path: str) -> bytes:
    """Return the content of a file."""
    return entry(root, path).read()
