"""Real builds, made once and shared by the tests that boot them."""

import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge import paths, process, toolbox
from edge.cli.main import main
from edge.emulator import machine
from edge.keys import create
from tests.e2e.releases import BASE, OLD, Releases
from tests.fakes.ports import free_port
from tests.fakes.update_site import UpdateSite

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
            # Only the plain ones are flashed, which takes the signature of their disks.
            assert main([*words, *([] if name == "minimal" else ["--no-update"])]) == 0
            made[name, board] = folder
        return made[name, board]

    return call


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> UpdateSite:
    """The server's side of updates: its ports are in the settings of every release."""
    folder = tmp_path_factory.mktemp("site")
    ring = create.init(folder / "keys", now=datetime.now(UTC)).ring
    return UpdateSite(folder, ring, port=free_port(), mqtt_port=free_port())


@pytest.fixture(scope="session")
def releases(work: Path, site: UpdateSite) -> Releases:
    """The releases of the updates; the base is published, after one that is older."""
    made = Releases(work, site)
    made.publish(OLD)
    made.publish(BASE)
    return made


@pytest.fixture(scope="session")
def fresh_disk(
    releases: Releases, site: UpdateSite, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A disk with the base release and an identity, never started: to be copied."""
    disk = tmp_path_factory.mktemp("fresh") / "disk.img"
    machine.make_disk(releases.build(BASE), disk)
    site.provision(disk)
    return disk
