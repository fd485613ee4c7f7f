"""Builds that end early: a folder in use, a full disk, an interrupt. The old output stays."""

import errno
import os
import resource
import signal
import subprocess
import sys

import pytest

from tests.edge.conftest import Edge, Ended
from tests.fakes.tiny_project import TinyProject, digests

pytestmark = pytest.mark.tools


@pytest.mark.usefixtures("ready")
def test_a_folder_with_files_of_others_is_not_replaced(project: TinyProject, build: Edge) -> None:
    mine = project.folder / "out" / "notes.txt"
    mine.write_text("mine")

    ended = build()

    assert ended.status == 5
    assert "what no build made: notes.txt" in ended.err
    assert mine.read_text() == "mine"


def test_an_output_that_is_a_file_is_refused(project: TinyProject, build: Edge) -> None:
    (project.folder / "out").write_text("mine")

    ended = build()

    assert ended.status == 2
    assert "out: not a folder" in ended.err
    assert (project.folder / "out").read_text() == "mine"


@pytest.mark.parametrize(
    "place",
    [
        "edge.debian.apt.atomic.file",
        "edge.oci.blob_tree.Store.writer",
        "edge.block_file.write_all",
        "edge.image.root_image.write",
        "edge.image.disk.extent.write",
        "edge.image.manifest.atomic.file",
    ],
)
def test_a_full_disk_is_told_wherever_it_shows(
    project: TinyProject,
    ready: dict[str, str],
    build: Edge,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    (project.folder / "services/two/two.conf").write_text("changed\n")

    def full(*_words: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(place, full)

    ended = build()

    assert ended.status == 1
    assert "No space left on device" in ended.err
    assert "hint: make room there" in ended.err
    assert digests(project.folder / "out") == ready
    assert project.droppings() == []


@pytest.mark.parametrize("most_bytes", [2 << 20, 12 << 10], ids=["our own file", "a tool's file"])
def test_a_file_that_may_not_grow_is_told_as_a_full_disk(
    project: TinyProject, ready: dict[str, str], build: Edge, most_bytes: int
) -> None:

    ended = limited_build(project, most_bytes)

    assert ended.status == 1
    assert "hint: make room there" in ended.err
    assert digests(project.folder / "out") == ready
    assert project.droppings() == []


def limited_build(project: TinyProject, most_bytes: int) -> Ended:
    """Build offline in a process whose files may have so many bytes; the disk image is larger."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    words = ["build", str(project.system), "-b", "tiny", "-o", str(project.folder / "out")]
    command = [sys.executable, "-m", "edge.cli.main", *words, "--offline"]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit, check=False)
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    "place",
    [
        "edge.oci.layer.blob_tree.write_layer",
        "edge.image.root_image.write",
        "edge.image.bmap.document",
        "edge.image.manifest.write",
    ],
)
def test_an_interrupted_build_leaves_the_old_output_and_nothing_else(
    project: TinyProject,
    ready: dict[str, str],
    build: Edge,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    (project.folder / "services/two/two.conf").write_text("changed\n")

    def interrupted(*_words: object, **_options: object) -> None:
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(place, interrupted)
        ended = build()

    assert ended.status == 130
    assert "interrupted" in ended.err
    assert digests(project.folder / "out") == ready
    assert project.droppings() == []
    assert build().status == 0
    assert digests(project.folder / "out") != ready
