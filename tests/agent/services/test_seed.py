"""The seed of random numbers, run as the device runs it: arm64 code on a folder.

What emulates the device's processor here does not pass the seed on to a kernel, which the program
sees as a kernel that does not take it.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge import paths, process, toolbox
from edge.toolbox.compile import compile_c

pytestmark = pytest.mark.tools

SOURCE = paths.PROJECT / "device-agent" / "services" / "seed" / "src" / "seed.c"
SEED = bytes(range(32))
STEP = re.compile(r" (unlinkat|fsync|ioctl|getrandom|renameat|openat)\(")


@dataclass(frozen=True)
class Seeding:
    """The program on one folder."""

    program: Path
    folder: Path

    @property
    def kept(self) -> bytes:
        return (self.folder / "seed").read_bytes()

    def __call__(self) -> tuple[int, str]:
        """Run it; return its status and its system calls."""
        words = [*toolbox.tool("qemu-aarch64"), "-strace", str(self.program), str(self.folder)]
        ended = process.run(["sh", "-c", '"$@"; echo $?', "sh", *words], timeout_s=60)
        return int(ended.stdout.split()[-1]), ended.stderr


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    toolbox.install()
    made = tmp_path_factory.mktemp("seed") / "edge-seed"
    compile_c([SOURCE], made, flags=("-Wall", "-Wextra", "-Werror"))
    return made


@pytest.fixture
def seeding(program: Path, tmp_path: Path) -> Seeding:
    folder = tmp_path / "data"
    folder.mkdir()
    return Seeding(program, folder)


def steps(calls: str) -> list[str]:
    return [found[1] for found in STEP.finditer(calls)]


def test_the_first_start_leaves_a_seed_for_its_owner_alone(seeding: Seeding) -> None:
    status, _ = seeding()

    assert status == 0
    assert len(seeding.kept) == 32
    assert (seeding.folder / "seed").stat().st_mode & 0o777 == 0o400
    assert [path.name for path in seeding.folder.iterdir()] == ["seed"]


def test_a_seed_is_gone_from_the_disk_before_the_kernel_gets_it(seeding: Seeding) -> None:
    (seeding.folder / "seed").write_bytes(SEED)

    _, calls = seeding()

    order = steps(calls)
    given = order.index("ioctl")
    assert order[given - 3 : given] == ["unlinkat", "fsync", "openat"]
    assert order[-3:] == ["fsync", "renameat", "fsync"]


def test_a_kernel_that_does_not_take_it_is_told_and_the_seed_is_new_all_the_same(
    seeding: Seeding,
) -> None:
    (seeding.folder / "seed").write_bytes(SEED)

    status, _ = seeding()

    assert status == 1
    assert len(seeding.kept) == 32
    assert seeding.kept != SEED


@pytest.mark.parametrize("found", [b"", SEED[:31]], ids=["empty", "cut short"])
def test_what_is_no_whole_seed_is_not_given(seeding: Seeding, found: bytes) -> None:
    (seeding.folder / "seed").write_bytes(found)

    status, calls = seeding()

    assert status == 0
    assert "ioctl" not in steps(calls)
    assert len(seeding.kept) == 32


def test_a_link_in_the_place_of_the_seed_is_not_followed(seeding: Seeding, tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(SEED)
    (seeding.folder / "seed").symlink_to(tmp_path / "target")

    status, calls = seeding()

    assert status == 0
    assert "ioctl" not in steps(calls)
    assert not (seeding.folder / "seed").is_symlink()
    assert (tmp_path / "target").read_bytes() == SEED
