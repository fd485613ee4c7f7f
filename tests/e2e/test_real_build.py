"""The minimal example for every board, from the real mirror: sound, reproducible, small."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edge import paths, process, toolbox
from edge.cli.main import main
from edge.process import Completed
from edge.toolbox import tree
from tests.edge.image.foreign import check_disk
from tests.fakes.tiny_project import digests

pytestmark = [pytest.mark.slow, pytest.mark.tools]
Tool = Callable[..., Completed]

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "minimal.yml"
MOST_DOWNLOAD_BYTES = {"rpi4": 35_000_000}
DEB_MAGIC = b"!<arch>\n"


@pytest.fixture(autouse=True)
def no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


def new_cache(folder: Path, debs_of: Path) -> Path:
    """Return a cache with the tools, and the packages that another one has, and nothing else."""
    target = folder / "store" / "blobs" / "sha256"
    target.mkdir(parents=True)
    (folder / "tools").symlink_to(tree.folder().parent.resolve())
    for blob in (debs_of / "store" / "blobs" / "sha256").glob("*"):
        with blob.open("rb") as stream:
            is_deb = stream.read(len(DEB_MAGIC)) == DEB_MAGIC
        if is_deb:
            shutil.copyfile(blob, target / blob.name)
    return folder


def build(
    folder: Path, cache: Path, board: str, monkeypatch: pytest.MonkeyPatch, *more: str
) -> dict[str, str]:
    """Build in `folder`, which has the system file, with a cache; return the digests."""
    monkeypatch.setenv("EDGE_CACHE", str(cache))
    output = folder / "out"
    words = ["build", str(folder / EXAMPLE.name), "--board", board, "-o", str(output), *more]
    assert main(words) == 0
    return digests(output)


@pytest.mark.parametrize("board", ["qemu-arm64", "rpi4"])
def test_the_minimal_example_is_sound_reproducible_and_small(
    board: str, tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, scratch = (tmp_path / name for name in ("first", "elsewhere/second", "scratch"))
    for folder in (first, second, scratch):
        folder.mkdir(parents=True)
    shutil.copy(EXAMPLE, first)
    one = new_cache(tmp_path / "cache-one", paths.cache_folder())

    also = ("--format", "disk,disk.zst,tar,kernel+initrd") if board == "qemu-arm64" else ()
    made = build(first, one, board, monkeypatch, *also)

    check_disk(first / "out", tool, scratch)
    two = new_cache(tmp_path / "cache-two", one)
    shutil.copy(EXAMPLE, second)
    shutil.copy(first / "edge.lock", second)
    assert build(second, two, board, monkeypatch, "--locked", "--offline", *also) == made
    if board in MOST_DOWNLOAD_BYTES:
        assert download_bytes(first / "out" / "disk.img", tmp_path) <= MOST_DOWNLOAD_BYTES[board]


def download_bytes(disk: Path, scratch: Path) -> int:
    """Return the length of a disk image as it is downloaded."""
    packed = scratch / "disk.img.zst"
    options = ["-19", "--long=27", "-T1", "-q"]
    process.run([*toolbox.tool("zstd"), *options, disk, "-o", packed])
    return packed.stat().st_size
