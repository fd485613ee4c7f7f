"""Real builds, made once and shared by the tests that boot them."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from edge import paths, process, toolbox
from edge.cli.main import main

Build = Callable[..., Path]

# What a person adds for the bench: a shell on the console, and one over ssh.
BENCH = """
services:
  - service: console
  - service: sshd
files:
  - path: etc/edge/authorized_keys
    mode: "0600"
    contents: |
      {key}
"""


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example systems; the lock file lies beside them."""
    folder = tmp_path_factory.mktemp("systems")
    for file in (paths.PROJECT / "examples").glob("*.yml"):
        shutil.copy(file, folder)
    return folder


@pytest.fixture(scope="session")
def ssh_key(work: Path) -> Path:
    """A key pair that the device lets in."""
    toolbox.install()
    key = work / "id"
    words = ["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(key)]
    process.run([*toolbox.tool("ssh-keygen"), *words])
    return key


@pytest.fixture(scope="session")
def build(work: Path, ssh_key: Path) -> Build:
    """Build the minimal system with bench services for a board, plus what a test adds to it."""
    made: dict[tuple[str, str], Path] = {}
    (work / "bench.yml").write_text(BENCH.format(key=Path(f"{ssh_key}.pub").read_text().strip()))

    def call(name: str, *, board: str = "qemu-arm64", extra: str = "") -> Path:
        if (name, board) not in made:
            files: Sequence[Path] = [work / "minimal.yml", work / "bench.yml"]
            if extra:
                (work / f"{name}.yml").write_text(extra)
                files = [*files, work / f"{name}.yml"]
            folder = work / f"out-{name}-{board}"
            words = ["-q", "build", *map(str, files), "--board", board, "-o", str(folder)]
            assert main(words) == 0
            made[name, board] = folder
        return made[name, board]

    return call
