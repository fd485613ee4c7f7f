"""Images in the lock, by the real commands: pinned, kept, moved, built without a network."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.image.pins import key
from edge.system.reference import parse_reference
from tests.edge.conftest import Edge
from tests.fakes.image_parts import ARM64, TAR, Layout, digest_of, packed
from tests.fakes.registry import FakeRegistry, fake_registry
from tests.fakes.tiny_project import TinyProject, digests

pytestmark = pytest.mark.tools
RUN = {"Cmd": ["/bin/old"]}
OLD, NEW = packed({"bin/old": b"old"}), packed({"bin/new": b"new"})


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with fake_registry() as served:
        old = served.parts.image([(TAR, OLD)], config=RUN)
        served.name("1", served.parts.index({**old, "platform": ARM64}))
        yield served


def move(registry: FakeRegistry) -> str:
    """Have the tag name a new image, and return the digest of its manifest."""
    new = registry.parts.image([(TAR, NEW)], config={"Cmd": ["/bin/new"]})
    return str(registry.name("1", new)["digest"])


def add(project: TinyProject, image: str) -> None:
    text = project.system.read_text()
    item = f"  - {{name: web, image: '{image}'}}\nfiles:"
    project.system.write_text(text.replace("files:", item))


def lock_of(project: TinyProject) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(project.lock.read_text())
    return document["images"]  # type: ignore[no-any-return]


def image_of(project: TinyProject) -> str:
    document = json.loads((project.folder / "out" / "manifest.json").read_text())
    return str(document["images"]["web"])


@pytest.mark.usefixtures("ready")
def test_an_image_of_a_registry_is_pinned_and_stays_when_its_tag_moves(
    project: TinyProject, build: Edge, edge: Edge, registry: FakeRegistry
) -> None:
    name = f"{registry.host}/web:1"
    add(project, name)
    assert build().status == 0
    first = image_of(project)
    index = registry.tags["1"]["digest"]
    assert lock_of(project) == {
        name: {"index": index, "manifest": first, "layers": [digest_of(OLD)]}
    }
    moved = move(registry)

    assert build("--locked").status == 0
    assert image_of(project) == first

    words = ("lock", project.system, "--board", "tiny", "--item", f"image/{name}")
    assert edge(*words).status == 0
    assert lock_of(project)[name]["manifest"] == moved
    assert lock_of(project)[name]["index"] is None
    assert build("--locked").status == 0
    assert image_of(project) == moved


@pytest.mark.usefixtures("ready")
def test_the_store_is_enough_to_build_again_without_a_registry(
    project: TinyProject, build: Edge
) -> None:
    with fake_registry() as gone:
        gone.name("1", gone.parts.image([(TAR, OLD)], config=RUN))
        add(project, f"{gone.host}/web:1")
        assert build().status == 0
        before = digests(project.folder / "out")

    assert build("--offline", "--locked").status == 0
    assert digests(project.folder / "out") == before
    assert build().status == 0


@pytest.mark.usefixtures("ready")
def test_an_image_that_is_not_pinned_is_not_looked_up_where_that_is_forbidden(
    project: TinyProject, build: Edge, registry: FakeRegistry
) -> None:
    add(project, f"{registry.host}/web:1")

    locked, offline = build("--locked"), build("--offline")

    assert (locked.status, offline.status) == (2, 2)
    assert f"image/{registry.host}/web:1: not in the lock" in locked.err
    assert "--offline forbids to look it up" in offline.err
    assert registry.asked == []


@pytest.mark.usefixtures("ready")
@pytest.mark.parametrize("kind", ["oci", "oci-archive"])
def test_a_layout_on_this_machine_is_looked_at_each_time(
    project: TinyProject, build: Edge, kind: str
) -> None:
    layout = Layout(project.folder / "web").add("1", [(TAR, OLD)], Cmd=["/bin/old"])
    place = {"oci": layout.folder, "oci-archive": project.folder / "web.tar"}[kind]
    layout.archive(project.folder / "web.tar")
    add(project, f"{kind}:{place.name}:1")
    assert build().status == 0
    (name,) = lock_of(project)
    assert name == f"{kind}:{place.name}:1"
    first = image_of(project)
    other = Layout(project.folder / "other").add("1", [(TAR, NEW)], Cmd=["/bin/new"])
    place.rename(place.with_name("moved-away"))

    assert build("--locked", "--offline").status == 0  # it is gone, and in the store
    assert image_of(project) == first

    if kind == "oci":
        other.folder.rename(place)
    else:
        other.archive(place)
    refused = build("--locked")
    assert refused.status == 2
    assert "not what the lock has, and --locked forbids" in refused.err
    assert build().status == 0
    assert image_of(project) != first


def test_a_dry_run_names_the_images_and_asks_nobody(
    project: TinyProject, build: Edge, registry: FakeRegistry
) -> None:
    add(project, f"{registry.host}/web:1")

    ended = build("--dry-run", "--json")

    assert json.loads(ended.out)["images"] == [f"{registry.host}/web:1"]
    assert registry.asked == []


@pytest.mark.usefixtures("ready")
@pytest.mark.parametrize(
    ("image", "status", "told"),
    [
        pytest.param("UPPER:1", 2, "is not a name", id="no reference"),
        pytest.param("oci:nowhere", 3, "not there, and not in the lock", id="no layout"),
        pytest.param("{host}/web:9", 3, "404", id="no such tag"),
    ],
)
def test_an_image_that_is_not_to_be_had_ends_the_build(
    project: TinyProject,
    build: Edge,
    registry: FakeRegistry,
    image: str,
    status: int,
    told: str,
) -> None:
    add(project, image.format(host=registry.host))
    before = digests(project.folder / "out")

    ended = build()

    assert ended.status == status
    assert told in ended.err
    assert digests(project.folder / "out") == before


@pytest.mark.usefixtures("ready")
def test_names_in_an_image_do_nothing_to_the_terminal(
    project: TinyProject, build: Edge, registry: FakeRegistry
) -> None:
    layer = packed({"../\x1b]0;gone\x07": b""})
    registry.name("1", registry.parts.image([(TAR, layer)], config=RUN))
    add(project, f"{registry.host}/web:1")

    ended = build()

    assert ended.status == 5
    assert "leaves the image" in ended.err
    assert "\x1b" not in ended.err


def test_a_mirror_is_named_by_option_or_environment(
    project: TinyProject, build: Edge, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(project, "busy/box:1")
    monkeypatch.setenv("EDGE_REGISTRY_MIRROR", f"docker.io={registry.host}")

    assert build().status == 0

    assert registry.paths()[0] == "/v2/busy/box/manifests/1"
    refused = build("--registry-mirror", "docker.io=http://m.example.com")
    assert refused.status == 2
    assert "--insecure-registry m.example.com" in refused.err


def test_the_limit_of_an_image_is_a_setting(
    project: TinyProject, build: Edge, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(project, f"{registry.host}/web:1")
    monkeypatch.setenv("EDGE_IMAGE_LIMIT_MIB", "0")

    ended = build()

    assert ended.status == 5
    assert "set EDGE_IMAGE_LIMIT_MIB" in ended.err


def test_the_path_of_a_layout_begins_beside_the_lock(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()

    assert key(parse_reference(f"oci:{tmp_path}/web:1", folder), folder) == "oci:../web:1"
