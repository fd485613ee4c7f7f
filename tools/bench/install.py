"""Time to install an image of 256 MiB from a local full bundle, against RAUC and SWUpdate.

    tools/bench/pairs.py build
    tools/bench/install.py [--runs 7] [--json FILE] [--image IMG]

Needs root (loop devices, mounts) and Debian's rauc, swupdate, dbus, cpio and squashfs-tools. All
sides write the same image to the same loop device, in turn in one run, each from a cold process and
after all that is dirty was written; what the device holds is compared with the image each time.
`dd conv=fsync` and `sha256sum` of the image run among them.

Ours is the code of `edge-agent install`, from the start of the interpreter to the armed slot: the
bundle's signatures, each stored segment and its result checked, written and flushed with a journal,
read back past the page cache, hash tree made and read back. RAUC checks the bundle's signature and
flushes; SWUpdate hashes while it writes and does not flush. Neither reads back or makes a tree.
`flush` is how long it takes after the end of each until all is on the medium.

Targets are told as met or missed and decide nothing.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from edge.bundle.levels import LEVELS, Level
from edge.errors import EdgeError
from tools.bench import install_device, install_peers, ours, pairs, rauc_adaptive
from tools.bench.bundle import make_image
from tools.bench.install_peers import Ground, Installer
from tools.bench.usage import MIB, Usage, measured

CHILD: Final = Path(__file__).with_name("device_install.py")
ROOM_BYTES: Final = 8 * MIB  # for the hash tree
FIRST: Final = "edge, zstd"
CODINGS: Final[Mapping[Level, str]] = {"fast": "zstd", "release": "lzma"}
YARDSTICKS: Final = ("dd conv=fsync", "sha256sum")
TARGET_CPU_S: Final = 1.2


@dataclass(frozen=True, slots=True)
class Run:
    """One run, and how long the flush after it took."""

    usage: Usage
    flush_s: float


def edge(ground: Ground, *, level: Level) -> Installer:
    """Return our agent on a new device, with a bundle of a level."""
    coding = CODINGS[level]
    folder = ground.folder / f"edge-{coding}"
    folder.mkdir()
    ring = install_device.make_keys(folder / "keys")
    bundle = folder / "update.edge"
    install_device.write_bundle(ground.image, ring, bundle, level=level)
    device = install_device.make(folder / "device", ground.target, ring)
    # As on a device, what is imported was compiled before.
    compiled = {"PYTHONPYCACHEPREFIX": str(folder / "pyc"), "PYTHONDONTWRITEBYTECODE": ""}
    words = (sys.executable, CHILD, device.folder, bundle)
    return Installer(
        f"edge, {coding}",
        bundle.stat().st_size,
        lambda: measured(words, env={**ours.ENV, **compiled}).usage,
        prepare=device.reset,
        check=device.require_armed,
    )


@contextmanager
def installers(ground: Ground, levels: Sequence[Level]) -> Iterator[list[Installer]]:
    """Give all sides, ready to run."""
    keys = rauc_adaptive.make_keys(ground.folder)
    mine = [edge(ground, level=level) for level in levels]
    theirs = [install_peers.swupdate(ground, keys, is_packed=packed) for packed in (False, True)]
    with ExitStack() as stack:
        theirs.append(stack.enter_context(install_peers.rauc(ground, keys)))
        yield [*mine, *theirs, *install_peers.yardsticks(ground)]


def one_run(side: Installer, ground: Ground) -> Run:
    """Install once on a quiet disk; see to it that the image is there."""
    side.prepare()
    os.sync()
    usage = side.run()
    flush_s = _flush_s(ground.target)
    side.check()
    if side.name != "sha256sum":
        require_same(ground.image, ground.target)
    return Run(usage, flush_s)


def _flush_s(target: Path) -> float:
    started_s = time.monotonic()
    handle = os.open(target, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)
    return time.monotonic() - started_s


def require_same(image: Path, target: Path) -> None:
    """See to it that a device begins with the image, then spoil it for the next side.

    Raises:
        SystemExit: It does not.
    """
    with image.open("rb") as wanted, target.open("r+b") as found:
        while piece := wanted.read(MIB):
            if found.read(len(piece)) != piece:
                raise SystemExit(f"{target}: another image than was installed")
        found.seek(0)
        for _ in range(image.stat().st_size // MIB):
            found.write(b"\xa5" * MIB)


def in_turns(sides: Sequence[Installer], ground: Ground, runs: int) -> dict[str, list[Run]]:
    """Run all sides one after the other, `runs` times; a first round that is not counted warms."""
    found: dict[str, list[Run]] = {side.name: [] for side in sides}
    for number in range(runs + 1):
        for side in sides:
            run = one_run(side, ground)
            if number:
                found[side.name].append(run)
    return found


def told(side: Installer, runs: Sequence[Run]) -> str:
    """Return one row of the table."""
    walls_s = [run.usage.wall_s for run in runs]
    cpu_s = [run.usage.cpu_s for run in runs]
    flush_s = statistics.median(run.flush_s for run in runs)
    mib = max(run.usage.rss_bytes for run in runs) / MIB
    cells = [
        side.name,
        f"{min(walls_s):.2f}",
        f"{statistics.median(walls_s):.2f}",
        f"{flush_s:.2f}",
        f"{min(cpu_s):.2f}",
        f"{statistics.median(cpu_s):.2f}",
        f"{mib:.0f}",
        f"{side.sent_bytes / 1e6:.1f}",
        " ".join(f"{wall_s:.2f}" for wall_s in walls_s),
    ]
    return f"| {' | '.join(cells)} |"


HEAD: Final = (
    "| | wall, s: least | median | flush | CPU, s: least | median | MiB | MB | runs |\n"
    + "|---" * 9
    + "|"
)


def verdicts(found: Mapping[str, Sequence[Run]]) -> list[str]:
    """Return how our first side does against each peer, and against the targets."""
    mine = [run.usage for run in found[FIRST]]
    lines = []
    peers = [name for name in found if not name.startswith("edge") and name not in YARDSTICKS]
    for name in (*peers, *YARDSTICKS):
        theirs = [run.usage for run in found[name]]
        ratio = statistics.median(
            one.wall_s / other.wall_s for one, other in zip(mine, theirs, strict=True)
        )
        lines.append(f"{FIRST} / {name}: {ratio:.2f}")
    best_s = min(run.usage.wall_s for name in peers for run in found[name])
    wall_s, cpu_s = min(one.wall_s for one in mine), statistics.median(one.cpu_s for one in mine)
    lines.append(_verdict("wall, best run", wall_s, best_s, "of the best peer"))
    lines.append(_verdict("CPU, median", cpu_s, TARGET_CPU_S, "as asked"))
    return lines


def _verdict(what: str, found_s: float, most_s: float, whose: str) -> str:
    word = "met" if found_s <= most_s else "MISSED"
    return f"{what}: {found_s:.2f} s, at most {most_s:.2f} s {whose}: {word}"


def run(options: argparse.Namespace, folder: Path) -> None:
    """Prepare and run all in a scratch folder."""
    image = options.image or make_image(options.folder, folder / "image.img")
    room = image.stat().st_size + ROOM_BYTES
    levels = [level for level in LEVELS if CODINGS[level] in options.codings.split(",")]
    with install_device.loop_device(folder / "slot.img", room) as target:
        ground = Ground(folder, image, target)
        with installers(ground, levels) as sides:
            found = in_turns(sides, ground, options.runs)
            print(f"install {image.stat().st_size / MIB:.0f} MiB\n\n{HEAD}")
            for side in sides:
                print(told(side, found[side.name]))
    print("\n".join(("", *verdicts(found))))
    if options.json:
        rows = {name: [asdict(one) for one in runs] for name, runs in found.items()}
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--folder", type=Path, default=pairs.default_folder(), help="of the pairs")
    parser.add_argument("--image", type=Path, help="install this image instead")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--codings", default="zstd,lzma", help="of our bundles; zstd is needed")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    options = parser.parse_args()
    if lacking := install_peers.missing():
        raise SystemExit(f"programs are missing: apt-get install {' '.join(lacking)}")
    try:
        with tempfile.TemporaryDirectory(prefix="edge-bench-") as name:
            run(options, Path(name))
    except EdgeError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
