"""The benchmark of installing: our side in small, and what it makes of figures."""

import random
import sys
from pathlib import Path

import pytest

from edge.errors import ToolError
from tools.bench import install, install_device, ours, proc
from tools.bench.install import Run
from tools.bench.usage import MIB, Usage, measured


def runs(*walls_s: float, cpu_s: float = 1.0) -> list[Run]:
    return [Run(Usage(wall_s, cpu_s, MIB), 0.0) for wall_s in walls_s]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image"
    path.write_bytes(random.Random(1).randbytes(MIB) + bytes(MIB))
    return path


def test_ours_installs_a_bundle_up_to_the_armed_slot(image: Path, tmp_path: Path) -> None:
    target, bundle = tmp_path / "slot.img", tmp_path / "update.edge"
    target.write_bytes(b"\xa5" * 4 * MIB)
    ring = install_device.make_keys(tmp_path / "keys")
    install_device.write_bundle(image, ring, bundle, level="fast")
    device = install_device.make(tmp_path / "device", target, ring)
    with pytest.raises(SystemExit, match="not armed"):
        device.require_armed()

    usage = measured((sys.executable, install.CHILD, device.folder, bundle), env=ours.ENV).usage

    device.require_armed()
    install.require_same(image, target)
    assert usage.cpu_s > 0


@pytest.mark.parametrize("is_there", [False, True])
def test_each_run_writes_the_slot_as_it_would_cost_nothing_to_go_back(
    image: Path, tmp_path: Path, is_there: bool
) -> None:
    target, bundle = tmp_path / "slot.img", tmp_path / "update.edge"
    target.write_bytes(b"\xa5" * 4 * MIB)
    ring = install_device.make_keys(tmp_path / "keys")
    install_device.write_bundle(image, ring, bundle, level="fast")
    device = install_device.make(tmp_path / "device", target, ring)
    boot = device.folder / "dev" / "boot-b"
    command = (sys.executable, install.CHILD, device.folder, bundle)
    measured(command, env=ours.ENV)
    written, before_ns = boot.read_bytes(), target.stat().st_mtime_ns

    device.reset()
    if is_there:
        boot.write_bytes(written)
    measured(command, env=ours.ENV)

    device.require_armed()
    assert (target.stat().st_mtime_ns == before_ns) == is_there
    assert boot.read_bytes() == written


def test_a_bundle_that_is_refused_ends_the_benchmark(image: Path, tmp_path: Path) -> None:
    target, bundle = tmp_path / "slot.img", tmp_path / "update.edge"
    target.write_bytes(bytes(4 * MIB))
    mine, other = (install_device.make_keys(tmp_path / name) for name in ("mine", "other"))
    install_device.write_bundle(image, other, bundle, level="fast")
    device = install_device.make(tmp_path / "device", target, mine)

    with pytest.raises(ToolError):
        measured((sys.executable, install.CHILD, device.folder, bundle), env=ours.ENV)


def test_a_target_with_another_image_ends_the_benchmark(image: Path, tmp_path: Path) -> None:
    target = tmp_path / "slot.img"
    target.write_bytes(image.read_bytes()[:-1] + b"\1")

    with pytest.raises(SystemExit, match="another image"):
        install.require_same(image, target)


@pytest.mark.parametrize(
    ("mine_s", "cpu_s", "words"),
    [
        pytest.param(0.9, 1.2, ["met", "met"], id="both met"),
        pytest.param(1.1, 1.3, ["MISSED", "MISSED"], id="none met"),
    ],
)
def test_the_best_run_is_held_against_that_of_the_best_peer(
    mine_s: float, cpu_s: float, words: list[str]
) -> None:
    found = {
        "edge, zstd": runs(2.0, mine_s, cpu_s=cpu_s),
        "edge, lzma": runs(0.1, 0.1),
        "one": runs(1.0, 3.0),
        "other": runs(5.0, 4.0),
        "dd conv=fsync": runs(0.2, 0.2),
        "sha256sum": runs(0.2, 0.2),
    }

    lines = install.verdicts(found)

    assert [line.rpartition(": ")[2] for line in lines[-2:]] == words
    assert lines[0] == f"edge, zstd / one: {(2 + mine_s / 3) / 2:.2f}"


def test_a_process_is_measured_while_it_runs() -> None:
    pid = int(Path("/proc/self").readlink().name)

    assert proc.peak_bytes(pid) >= proc.memory_bytes(pid) > MIB
    assert proc.cpu_s(pid) > 0
    assert proc.wakes(pid) >= 0
