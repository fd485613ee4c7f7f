"""Fixtures for whole builds: a tiny project with a repository of its own."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge import process, toolbox
from edge.cli.main import main
from edge.toolbox import tree
from tests.fakes import token as tokens
from tests.fakes.debian_repository import served
from tests.fakes.tiny_project import TinyProject, digests
from tests.fakes.token import Token


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit status and both outputs."""

    status: int
    out: str
    err: str


Edge = Callable[..., Ended]


@pytest.fixture(scope="session")
def tools() -> Path:
    """The real tool tree, which every cache of a test gets."""
    toolbox.tool("mkfs.erofs")
    return tree.folder().parent.resolve()


@contextmanager
def _in_use(project: TinyProject, user: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGE_CACHE", str(project.cache))
        patch.setenv("EDGE_BOARDS", str(project.boards))
        patch.setenv("XDG_DATA_HOME", str(user))
        patch.delenv("SOURCE_DATE_EPOCH", raising=False)
        patch.setattr("edge.image.inputs.mirror", lambda _setting: project.repository.mirror())
        yield


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, tools: Path) -> TinyProject:
    """A project that is not to be changed, built for board `tiny` in its folder `out`."""
    folder = tmp_path_factory.mktemp("built")
    with served(folder / "repository") as repository:
        project = TinyProject(folder / "project", repository, folder / "cache")
        project.write()
        project.cache.mkdir()
        (project.cache / "tools").symlink_to(tools)
        with _in_use(project, folder / "user"):
            output = project.folder / "out"
            assert main(["build", str(project.system), "--board", "tiny", "-o", str(output)]) == 0
    return project


@pytest.fixture
def project(built: TinyProject, tmp_path: Path) -> Iterator[TinyProject]:
    """A project to change, never built, in use: the command finds its boards, cache and mirror."""
    _copy(built.repository.folder, tmp_path / "repository")
    _copy(built.folder, tmp_path / "project")
    with served(tmp_path / "repository") as repository:
        project = TinyProject(tmp_path / "project", repository, tmp_path / "cache")
        project.lock.unlink()
        shutil.rmtree(project.folder / "out")
        project.cache.mkdir()
        for name in ("tools", "compiled"):
            (project.cache / name).symlink_to((built.cache / name).resolve())
        with _in_use(project, built.folder.parent / "user"):
            yield project


@pytest.fixture
def ready(built: TinyProject, project: TinyProject) -> dict[str, str]:
    """The project was built already; the digests of its output."""
    _copy(built.folder / "out", project.folder / "out")
    _copy(built.lock, project.lock)
    _copy(built.store, project.store)
    return digests(project.folder / "out")


def _copy(source: Path, target: Path) -> None:
    process.run(["cp", "-a", "--sparse=always", source, target])


@pytest.fixture
def edge(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Edge:
    """Run the command `edge` in this process."""

    def run(*words: object) -> Ended:
        capfd.readouterr()
        monkeypatch.setattr("edge.debian.archive._refreshed", set())  # as in a process of its own
        status = main([str(word) for word in words])
        out, err = capfd.readouterr()
        return Ended(status, out, err)

    return run


@pytest.fixture
def build(project: TinyProject, edge: Edge) -> Edge:
    """Build the project for board `tiny` into its folder `out`; more words follow."""

    def run(*words: object, board: str = "tiny") -> Ended:
        output = project.folder / "out"
        return edge("build", project.system, "--board", board, "-o", output, *words)

    return run


@pytest.fixture(scope="session")
def token_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tokens."""
    folder = tmp_path_factory.mktemp("softhsm")
    tokens.make(folder)
    return folder


@pytest.fixture
def token(token_folder: Path, tmp_path: Path) -> Token:
    """A token called `safe`, with a file that holds its PIN."""
    return Token.plugged_in(tmp_path)
