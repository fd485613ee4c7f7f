"""Time to write an image to disks and read it back, against bmaptool and sha256sum.

    tools/bench/flash.py [--runs 5] [--json FILE]

Needs root (loop devices). A sparse image of 4 GiB with 344 MiB mapped in 136 ranges goes to a loop
device over a file; the sides take turns, whole processes from a cold interpreter. `edge flash`
writes, flushes and reads back past the page cache; `bmaptool copy` writes and flushes, and
`sha256sum` of the mapped bytes stands for reading back. Then the same from `.zst`, and to eight
loop devices over files in memory against one.

Targets are told as met or missed and decide nothing.
"""

import argparse
import json
import os
import random
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from edge import process, toolbox
from edge.errors import EdgeError
from edge.image import bmap
from tools.bench.ours import EDGE, ENV
from tools.bench.usage import MIB, Usage, measured

IMAGE_BYTES: Final = 4 << 30
RANGES: Final = 136
MAPPED_BYTES: Final = 344 * MIB
MANY: Final = 8
BOARD: Final = "qemu-arm64"
TARGET_RATIO: Final = 0.8
TARGET_MIB: Final = 64
TARGET_MANY: Final = 1.5
OURS, BMAPTOOL, HASH = "edge flash", "bmaptool copy", "sha256sum"


@dataclass(frozen=True, slots=True)
class Ground:
    """The image in its forms, its mapped bytes alone, and where it goes."""

    image: Path
    packed: Path
    mapped: Path
    target: Path


def make_image(folder: Path) -> tuple[Path, Path]:
    """Write the image with its block map, and its mapped bytes alone; half of them compress."""
    image, mapped = folder / "disk.img", folder / "mapped"
    each = MAPPED_BYTES // RANGES // 4096 * 4096
    chance = random.Random(136)
    spans = []
    with image.open("wb") as stream, mapped.open("wb") as alone:
        stream.truncate(IMAGE_BYTES)
        for number in range(RANGES):
            start = number * (IMAGE_BYTES // RANGES) // 4096 * 4096
            noise = chance.randbytes(each // 2)
            data = noise + b"text that is in every file. " * (each // 56)
            data = data[:each].ljust(each, b"\0")
            stream.seek(start)
            stream.write(data)
            alone.write(data)
            spans.append((start, start + each))
    with image.open("rb") as stream:
        ranges = bmap.ranges_of(spans)
        document = bmap.document(stream, image_bytes=IMAGE_BYTES, ranges=ranges)
    image.with_name("disk.img.bmap").write_bytes(document)
    return image, mapped


@contextmanager
def loop_device(file: Path) -> Iterator[Path]:
    """Give a loop device over a new file as long as the image."""
    with file.open("wb") as stream:
        stream.truncate(IMAGE_BYTES)
    device = process.run(["losetup", "--find", "--show", file]).stdout.decode().strip()
    try:
        yield Path(device)
    finally:
        process.run(["losetup", "--detach", device])
        file.unlink()


def ours(image: Path, targets: Sequence[Path], state: Path) -> Usage:
    """Write with `edge flash`."""
    words: list[str | Path] = [
        *EDGE,
        "--quiet",
        "flash",
        image,
        "--board",
        BOARD,
        "--unsigned",
        "--yes",
    ]
    for target in targets:
        words += ["--to", target]
    return measured(words, env={**ENV, "XDG_STATE_HOME": str(state)}).usage


def bmaptool(image: Path, target: Path) -> Usage:
    """Write with bmaptool; it hashes what it reads, and flushes."""
    words: list[str | Path] = [*toolbox.tool("bmaptool"), "--quiet", "copy", image, target]
    return measured(words).usage


def require_same(ground: Ground) -> None:
    """See to it that the target holds the mapped bytes, then spoil them for the next side.

    Raises:
        SystemExit: It does not.
    """
    each = MAPPED_BYTES // RANGES // 4096 * 4096
    with ground.mapped.open("rb") as wanted, ground.target.open("r+b") as found:
        for number in range(RANGES):
            start = number * (IMAGE_BYTES // RANGES) // 4096 * 4096
            found.seek(start)
            if found.read(each) != wanted.read(each):
                raise SystemExit(f"{ground.target}: another image than was written")
            found.seek(start)
            found.write(bytes(each))
        os.fsync(found.fileno())


def in_turns(
    sides: Mapping[str, Callable[[], Usage]], ground: Ground, runs: int
) -> dict[str, list[Usage]]:
    """Run all sides one after the other; a first round that is not counted warms."""
    found: dict[str, list[Usage]] = {name: [] for name in sides}
    for number in range(runs + 1):
        for name, side in sides.items():
            os.sync()
            usage = side()
            if name != HASH:
                require_same(ground)
            if number:
                found[name].append(usage)
    return found


def told(name: str, runs: Sequence[Usage]) -> str:
    """Return one row of the table."""
    walls_s = [run.wall_s for run in runs]
    cells = [
        name,
        f"{min(walls_s):.2f}",
        f"{statistics.median(walls_s):.2f}",
        f"{statistics.median(run.cpu_s for run in runs):.2f}",
        f"{max(run.rss_bytes for run in runs) / MIB:.0f}",
        " ".join(f"{wall_s:.2f}" for wall_s in walls_s),
    ]
    return f"| {' | '.join(cells)} |"


HEAD: Final = "| | wall, s: least | median | CPU, s: median | MiB | runs |\n" + "|---" * 6 + "|"


def table(title: str, found: Mapping[str, Sequence[Usage]]) -> None:
    """Print a table."""
    print(f"\n{title}\n\n{HEAD}")
    for name, runs in found.items():
        print(told(name, runs))


def ratio(mine: Sequence[Usage], *theirs: Sequence[Usage]) -> float:
    """Return the median of our wall time over the sum of theirs, round by round."""
    rounds = zip(*theirs, strict=True)
    due_s = [sum(usage.wall_s for usage in round_) for round_ in rounds]
    found = [one.wall_s / due for one, due in zip(mine, due_s, strict=True)]
    return float(statistics.median(found))


def verdict(what: str, found: float, most: float) -> str:
    """Return a line about a target."""
    return f"{what}: {found:.2f}, at most {most:.2f}: {'met' if found <= most else 'MISSED'}"


def run(options: argparse.Namespace, folder: Path) -> None:
    """Prepare and run all in a scratch folder."""
    image, mapped = make_image(folder)
    packed = folder / "disk.img.zst"
    process.run([*toolbox.tool("zstd"), "-q", "-3", "-o", packed, image])
    figures: dict[str, dict[str, list[Usage]]] = {}
    with loop_device(folder / "target.img") as target:
        ground = Ground(image, packed, mapped, target)
        figures["from .img"] = plain = in_turns(
            {
                OURS: lambda: ours(image, [target], folder),
                BMAPTOOL: lambda: bmaptool(image, target),
                HASH: lambda: measured(["sha256sum", mapped]).usage,
            },
            ground,
            options.runs,
        )
        figures["from .img.zst"] = from_zst = in_turns(
            {
                OURS: lambda: ours(packed, [target], folder),
                BMAPTOOL: lambda: bmaptool(packed, target),
            },
            ground,
            options.runs,
        )
    figures["many"] = many = many_targets(image, folder, options)
    for title, found in figures.items():
        table(title, found)
    peak = max(one.rss_bytes for one in (*plain[OURS], *from_zst[OURS])) / MIB
    print()
    print(
        verdict(
            "edge / (bmaptool + sha256sum)",
            ratio(plain[OURS], plain[BMAPTOOL], plain[HASH]),
            TARGET_RATIO,
        )
    )
    print(verdict("edge / bmaptool, from .zst", ratio(from_zst[OURS], from_zst[BMAPTOOL]), 1.0))
    print(verdict("memory, MiB", peak, TARGET_MIB))
    print(verdict(f"{MANY} targets / one", ratio(many[str(MANY)], many["1"]), TARGET_MANY))
    if options.json:
        rows = {
            title: {name: [asdict(one) for one in runs] for name, runs in found.items()}
            for title, found in figures.items()
        }
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


def many_targets(image: Path, folder: Path, options: argparse.Namespace) -> dict[str, list[Usage]]:
    """Write to one and to many loop devices over files in memory, in turn."""
    found: dict[str, list[Usage]] = {"1": [], str(MANY): []}
    with ExitStack() as stack:
        memory = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/dev/shm")))
        targets = [
            stack.enter_context(loop_device(memory / f"{number}.img")) for number in range(MANY)
        ]
        for number in range(options.runs + 1):
            for count in (1, MANY):
                usage = ours(image, targets[:count], folder)
                if number:
                    found[str(count)].append(usage)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="edge-bench-") as name:
            run(options, Path(name))
    except EdgeError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
