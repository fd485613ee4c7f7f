"""From `update: in-place` to the signed release of one service, and to its next one."""

import json
import re

import pytest

from edge.image import manifest
from tests.edge.conftest import Edge
from tests.fakes.tiny_project import TinyProject

pytestmark = pytest.mark.tools

SYSTEM = """
init: [{service: ./services/root}]
services:
  - {service: ./services/one, update: in-place}
  - service: ./services/two
    devices: [{path: /dev/edge/request, type: p, mode: w}]
"""


@pytest.fixture
def edge_here(
    project: TinyProject, ready: object, edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> Edge:
    assert ready is not None
    monkeypatch.chdir(project.folder)
    project.system.write_text(SYSTEM)
    assert edge("keys", "init", "--dir", "keys").status == 0
    return edge


def build(edge: Edge, version: str) -> None:
    words = ["--board", "tiny", "--version", version, "-o", f"out-{version}"]
    ended = edge("-q", "build", "system.yml", *words)
    assert ended.status == 0, ended.err


def test_a_service_has_releases_of_its_own(project: TinyProject, edge_here: Edge) -> None:
    edge = edge_here
    build(edge, "1.0")
    (project.folder / "services/one/one.conf").write_text("another\n")
    build(edge, "1.1")

    found = edge("bundle", "info", "--json", "out-1.1/services/one.edge")
    verified = edge("bundle", "verify", "--deep", "out-1.1/services/one.edge", "--board", "tiny")
    words = ["--repo", "repo", "--patches-from", "last:1", "--no-chunks"]
    for version in ("1.0", "1.1"):
        assert edge("release", "add", f"out-{version}", "--service", "one", *words).status == 0
    system = edge("release", "add", "--json", "out-1.1", *words)
    listed = json.loads(edge("release", "list", "--json", "--repo", "repo").out)["releases"]
    bundle = edge("release", "bundle", "one+1.1", "--from", "one+1.0", "--repo", "repo")

    told = edge("report", "out-1.1").out

    assert re.search(r"^updated in place +image\none +[0-9.]+ KiB$", told, re.MULTILINE)
    assert json.loads(system.out)["services"] == [], "it is there already"
    facts = json.loads(found.out)
    opened = manifest.read(project.folder / "out-1.1")["in_place"]["one"]
    assert (facts["version"], facts["service"]) == ("one+1.1", "one")
    assert [one["root_hash"] for one in facts["images"]] == [opened["root_hash"]]
    assert verified.status == 0, verified.err
    assert [one["version"] for one in listed] == ["one+1.0", "one+1.1", "1.1"]
    assert list(listed[1]["patches"]) == ["one+1.0"]
    assert listed[2]["patches"] == {}
    assert bundle.status == 0, bundle.err


def test_only_what_is_updated_in_place_is_released_alone(edge_here: Edge) -> None:
    build(edge_here, "1.0")

    ended = edge_here("release", "add", "out-1.0", "--service", "two", "--repo", "repo")

    assert ended.status == 3
    assert "no service 'two' that is updated in place" in ended.err
    assert "there: one" in ended.err


def test_an_image_is_the_same_in_each_build_and_only_that_is_released(
    project: TinyProject, edge_here: Edge
) -> None:
    for version in ("1.0", "1.0.1"):
        build(edge_here, version)
    images = [project.folder / f"out-{one}/services/one.img" for one in ("1.0", "1.0.1")]
    assert images[0].read_bytes() == images[1].read_bytes()

    image = project.folder / "out-1.0/services/one.img"
    image.write_bytes(image.read_bytes()[:-1] + b"x")

    ended = edge_here("release", "add", "out-1.0", "--service", "one", "--repo", "repo")

    assert ended.status == 4
    assert "not the file that the build made" in ended.err


def test_the_services_of_a_system_are_released_with_it(
    project: TinyProject, edge_here: Edge
) -> None:
    edge = edge_here
    build(edge, "1.0")
    words = ["--repo", "repo", "--no-chunks"]

    alone = edge("release", "add", "out-1.0", "--no-services", "--version", "0.9", *words)
    both = edge("release", "add", "--json", "out-1.0", "--counter", "3", *words)
    (project.folder / "services/one/one.conf").write_text("another\n")
    build(edge, "1.1")
    other = edge("release", "add", "out-1.1", "--product", "system", "--version", "1.0", *words)

    listed = json.loads(edge("release", "list", "--json", "--repo", "repo").out)["releases"]
    assert alone.status == 0, alone.err
    assert [one["version"] for one in json.loads(both.out)["services"]] == ["one+1.0"]
    assert [(one["version"], one["counter"]) for one in listed] == [
        ("0.9", 0),
        ("1.0", 3),
        ("one+1.0", 3),
    ]
    assert other.status == 2
    assert "one+1.0 is a release already, of another image" in other.err
