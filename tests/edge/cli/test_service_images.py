"""Service images built, pushed to and pulled from a real registry, and carried without one."""

import base64
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.digest import of_file
from edge.oci.layout import read_image
from edge.oci.store import Store
from tests.edge.conftest import Edge
from tests.fakes.docker_registry import PASSWORD, USER, docker_registry
from tests.fakes.image_parts import header, packed_headers
from tests.fakes.tiny_project import TinyProject, digests

pytestmark = pytest.mark.tools
SETTINGS = "capabilities: [CAP_KILL]\nrestart: on-failure\n"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with docker_registry(tmp_path_factory.mktemp("r") / "registry", has_login=True) as host:
        yield host


@pytest.fixture
def login(registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    secret = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    file = tmp_path / "auth.json"
    file.write_text(json.dumps({"auths": {registry: {"auth": secret}}}))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(file))
    return file


@pytest.fixture
def web(project: TinyProject) -> Path:
    """A service folder."""
    return project.service("web", "app-one", SETTINGS)


def another_cache(project: TinyProject, monkeypatch: pytest.MonkeyPatch, name: str) -> Path:
    """Have a cache with the tools and nothing else."""
    folder = project.cache.with_name(name)
    folder.mkdir()
    (folder / "tools").symlink_to((project.cache / "tools").readlink())
    monkeypatch.setenv("EDGE_CACHE", str(folder))
    return folder


@pytest.mark.usefixtures("login")
def test_what_is_pushed_is_pulled_with_its_settings_and_runs_in_a_system(
    project: TinyProject,
    build: Edge,
    edge: Edge,
    web: Path,
    registry: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pushed = json.loads(edge("service", "push", web, f"{registry}/team/web:1.2", "--json").out)
    again = edge("service", "push", web, f"{registry}/team/web", "--locked", "--offline")
    assert again.out == f"{registry}/team/web:{pushed['tag']}@{pushed['manifest']}\n"
    another_cache(project, monkeypatch, "second")

    pulled = json.loads(edge("service", "pull", f"{registry}/team/web:1.2", "--json").out)

    assert pulled == {**pushed, "reference": f"{registry}/team/web@{pushed['manifest']}"}
    item = f"services:\n- {{name: w, image: '{registry}/team/web:1.2'}}\n"
    project.system.write_text(f"init: [{{service: ./services/root}}]\n{item}")
    assert build().status == 0
    manifest = json.loads((project.folder / "out/manifest.json").read_text())
    assert manifest["images"]["w"] == pushed["manifest"]
    assert "KILL" in json.dumps(manifest["privileges"])


@pytest.mark.usefixtures("project")
def test_a_push_without_a_login_is_refused(edge: Edge, web: Path, registry: str) -> None:
    ended = edge("service", "push", web, f"{registry}/team/web")

    assert ended.status == 7
    assert f"docker login {registry}" in ended.err
    assert PASSWORD not in ended.err


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("kind", ["oci", "oci-archive"])
def test_a_service_image_is_written_as_a_layout_the_same_each_time(
    edge: Edge, web: Path, tmp_path: Path, kind: str
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    told = json.loads(edge("service", "build", web, "-o", f"{kind}:{first}", "--json").out)

    assert edge("service", "build", web, "-o", f"{kind}:{second}", "--locked").status == 0

    if kind == "oci":
        assert digests(first) == digests(second)
        assert edge("service", "build", web, "-o", f"{kind}:{first}").status == 0
    else:
        assert of_file(first) == of_file(second)
    image = read_image(f"{kind}:{first}", Path.cwd(), Store(tmp_path / "store"))
    assert image.manifest == told["manifest"]
    assert image.settings.restart == "on-failure"
    assert image.settings.capabilities == ("CAP_KILL",)


@pytest.mark.usefixtures("project")
def test_a_folder_that_is_no_layout_is_not_replaced(edge: Edge, web: Path) -> None:
    ended = edge("service", "build", web, "-o", f"oci:{web}")

    assert ended.status == 5
    assert (web / "service.yml").is_file()


@pytest.mark.usefixtures("project")
def test_a_change_of_a_service_changes_its_tag(edge: Edge, web: Path) -> None:
    before = edge("service", "build", web).out
    (web / "web.conf").write_text("changed\n")

    after = edge("service", "build", web, "--locked", "--offline").out

    assert before.startswith("web:")
    assert after != before


@pytest.mark.usefixtures("ready")
def test_another_machine_builds_from_an_archive_without_a_network(
    project: TinyProject,
    build: Edge,
    edge: Edge,
    web: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    layout = project.folder / "web"
    assert edge("service", "build", web, "-o", f"oci:{layout}").status == 0
    text = project.system.read_text()
    project.system.write_text(text.replace("files:", "  - {name: w, image: 'oci:web'}\nfiles:"))
    assert build().status == 0
    before = digests(project.folder / "out")
    archives = [tmp_path / f"{number}.tar" for number in range(2)]
    for archive in archives:
        assert edge("cache", "export", project.lock, "-o", archive).status == 0
    assert of_file(archives[0]) == of_file(archives[1])
    another_cache(project, monkeypatch, "second")
    project.repository.down = True
    layout.rename(tmp_path / "away")
    assert build("--offline", "--locked").status != 0

    assert edge("cache", "import", archives[0]).status == 0

    assert build("--offline", "--locked").status == 0
    assert digests(project.folder / "out") == before


@pytest.mark.usefixtures("ready")
def test_all_that_was_fetched_goes_into_an_archive_and_nothing_made_of_it(
    project: TinyProject, edge: Edge, tmp_path: Path
) -> None:
    told = json.loads(edge("cache", "export", "-o", tmp_path / "all.tar", "--json").out)

    with tarfile.open(tmp_path / "all.tar") as archive:
        names = {name.rpartition("/")[2] for name in archive.getnames() if "blobs" in name}
    assert told["blobs"] == len(names)
    locked = json.loads(project.lock.read_text())["packages"]
    assert {one["sha256"] for one in locked.values()} <= names
    kept = {path.name for path in (project.store / "blobs/sha256").iterdir()}
    assert names < kept


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("name", "content", "status", "said"),
    [
        pytest.param(f"blobs/sha256/{'ab' * 32}", b"other", 4, "was expected", id="digest"),
        pytest.param("../outside", b"x", 2, "no place in an OCI archive", id="outside"),
        pytest.param("blobs/sha512/ab", b"x", 2, "no place in an OCI archive", id="other hash"),
    ],
)
def test_an_archive_that_lies_is_refused(
    project: TinyProject,
    edge: Edge,
    tmp_path: Path,
    name: str,
    content: bytes,
    status: int,
    said: str,
) -> None:
    file = tmp_path / "bad.tar"
    file.write_bytes(packed_headers([(header(name, content), content)]))

    ended = edge("cache", "import", file)

    assert ended.status == status
    assert said in ended.err
    assert list((project.store / "blobs/sha256").glob("*")) == []


@pytest.mark.usefixtures("project")
def test_what_is_no_archive_is_told(edge: Edge, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a tar" * 100)

    ended = edge("cache", "import", tmp_path / "text")

    assert ended.status == 4
    assert "an archive is what `edge cache export` writes" in ended.err


@pytest.mark.usefixtures("project")
def test_a_lock_that_is_not_there_or_not_fetched_is_told(
    project: TinyProject, edge: Edge, tmp_path: Path
) -> None:
    ended = edge("cache", "export", tmp_path / "no.lock", "-o", tmp_path / "x.tar")

    assert ended.status == 3
    assert not (tmp_path / "x.tar").exists()
    assert project.store.exists() is False
