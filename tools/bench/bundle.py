"""Time to make and to verify a full bundle, against `rauc bundle` and `sha256sum`.

    tools/bench/pairs.py build
    tools/bench/bundle.py [--runs 5] [--only make,release,verify] [--image IMG]

- make: a bundle of a 256 MiB image (real root file systems and kernels, one after the other) with
  `--level fast`, and by Debian's `rauc` in its plain and verity formats with zstd level 3;
- release: the release level without a cache, and after a change of 64 KiB with it;
- verify: a bundle of 640 MiB, four fifths of them random, against `sha256sum` of the same file.

The sides take turns in one run. Targets are told as met or missed and decide nothing.
"""

import argparse
import os
import random
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from edge.errors import EdgeError
from tools.bench import ours, pairs, rauc_adaptive
from tools.bench.usage import MIB, Usage, measured

IMAGE_BYTES = 256 * MIB
CHANGE_BYTES = 64 << 10
PARTS = ("kern-new", "big-new", "sec-old", "kern-old")
VERIFY_RANDOM_MIB, VERIFY_TEXT_MIB = 512, 128
RAUC_ZSTD = "--mksquashfs-args=-comp zstd -Xcompression-level 3"
PARTS_OF_RUN = ("make", "release", "verify")
TARGET_MAKE, TARGET_VERIFY = 1.0, 2.0

Command = Sequence[str | Path]


def make_image(folder: Path, output: Path) -> Path:
    """Write an image of 256 MiB from the images of the pairs."""
    left_bytes = IMAGE_BYTES
    with output.open("wb") as stream:
        for name in PARTS:
            data = (folder / f"{name}.img").read_bytes()[:left_bytes]
            stream.write(data)
            left_bytes -= len(data)
    if left_bytes:
        raise SystemExit(f"the images in {folder} are too small together")
    return output


def changed(image: Path, output: Path) -> Path:
    """Write a copy with 64 KiB in its middle changed."""
    with image.open("rb") as source, output.open("wb") as target:
        target.write(source.read())
        target.seek(IMAGE_BYTES // 2)
        target.write(random.Random(1).randbytes(CHANGE_BYTES))
    return output


def make_large(output: Path) -> Path:
    """Write an image that is mostly random and partly lines of numbers."""
    source = random.Random(2)
    with output.open("wb") as stream:
        for _ in range(VERIFY_RANDOM_MIB):
            stream.write(source.randbytes(MIB))
        for part in range(VERIFY_TEXT_MIB):
            lines = (f"{part} {source.randrange(10**6)}\n" for _ in range(MIB // 8))
            stream.write("".join(lines).encode()[:MIB].ljust(MIB, b"\n"))
    return output


def edge_create(image: Path, keys: Path, output: Path, level: str) -> Command:
    """Return the command that makes our bundle."""
    what = ("--image", f"rootfs={image}", "--board", "qemu-arm64")
    named = ("--product", "bench", "--version", "1.0.0", "--level", level)
    return (*ours.EDGE, "bundle", "create", *what, *named, "--keys", keys, "-o", output)


def rauc_create(content: Path, keys: tuple[Path, Path], output: Path) -> Command:
    """Return the command that makes a bundle of RAUC; its content folder names the format."""
    certificate, key = keys
    signed = (f"--cert={certificate}", f"--key={key}")
    return ("rauc", "bundle", RAUC_ZSTD, *signed, content, output)


def alone(command: Command, folder: Path) -> Usage:
    """Run a command with an empty cache of its own, after all that is dirty was written."""
    with tempfile.TemporaryDirectory(dir=folder) as cache:
        os.sync()
        return measured(command, env={**ours.ENV, "EDGE_CACHE": cache}).usage


def in_turns(commands: Mapping[str, Command], runs: int, output: Path) -> dict[str, list[Usage]]:
    """Run all commands one after the other, `runs` times, each without what the last one wrote."""
    usages: dict[str, list[Usage]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            output.unlink(missing_ok=True)
            usages[name].append(alone(command, output.parent))
    return usages


def told(name: str, usages: Sequence[Usage], size_bytes: int | None = None) -> str:
    """Return one row: medians of wall and processor time, cores in use, peak of memory, runs."""
    wall_s = statistics.median(usage.wall_s for usage in usages)
    cpu_s = statistics.median(usage.cpu_s for usage in usages)
    mib = max(usage.rss_bytes for usage in usages) / MIB
    runs = " ".join(f"{usage.wall_s:.2f}" for usage in usages)
    size = f" | {size_bytes / 1e6:.1f}" if size_bytes is not None else ""
    cores = cpu_s / wall_s
    return f"| {name} | {wall_s:.2f} | {cpu_s:.2f} | {cores:.1f} | {mib:.0f}{size} | {runs} |"


def head(*, with_size: bool) -> str:
    """Return the head of a table."""
    names = ["", "wall, s", "CPU, s", "cores", "MiB", *(["MB"] if with_size else []), "runs"]
    return f"| {' | '.join(names)} |\n|{'---|' * len(names)}"


def ratio(first: Sequence[Usage], second: Sequence[Usage]) -> float:
    """Return the median of wall times of two sides, run by run."""
    both = zip(first, second, strict=True)
    return statistics.median(mine.wall_s / theirs.wall_s for mine, theirs in both)


def bench_make(image: Path, keys: Path, folder: Path, runs: int) -> None:
    """Make bundles with all tools in turn."""
    signing = rauc_adaptive.make_keys(folder)
    output = folder / "out.bundle"
    commands: dict[str, Command] = {"edge": edge_create(image, keys, output, "fast")}
    for form in ("plain", "verity"):
        inside = rauc_adaptive.content(image, folder / form, form=form, adaptive=False)
        commands[f"rauc {form}"] = rauc_create(inside, signing, output)
    if not keys.is_dir():
        del commands["edge"]
    sizes = {}
    for name, command in commands.items():  # the first runs also fill the page cache
        output.unlink(missing_ok=True)
        alone(command, folder)
        sizes[name] = output.stat().st_size
    usages = in_turns(commands, runs, output)
    print(f"\nfull bundle of 256 MiB, level fast\n\n{head(with_size=True)}")
    for name, rows in usages.items():
        print(told(name, rows, sizes[name]))
    for name in ("rauc plain", "rauc verity") if "edge" in usages else ():
        found = ratio(usages["edge"], usages[name])
        word = "met" if found <= TARGET_MAKE else "MISSED"
        print(f"edge / {name}: {found:.2f}, at most {TARGET_MAKE:.2f}: {word}")


def bench_release(image: Path, keys: Path, folder: Path) -> None:
    """Make a bundle at the release level, and the next one from the cache."""
    output = folder / "release.edge"
    env = {**ours.ENV, "EDGE_CACHE": str(folder / "cache")}
    first = measured(edge_create(image, keys, output, "release"), env=env).usage
    size_bytes = output.stat().st_size
    next_image = changed(image, folder / "next.img")
    output.unlink()
    second = measured(edge_create(next_image, keys, output, "release"), env=env).usage
    print(f"\nrelease level, 256 MiB\n\n{head(with_size=True)}")
    print(told("first", [first], size_bytes))
    print(told("after a change of 64 KiB", [second], output.stat().st_size))


def bench_verify(keys: Path, folder: Path, runs: int) -> None:
    """Verify a large bundle and hash the same file, in turn."""
    image = make_large(folder / "large.img")
    bundle = folder / "large.edge"
    alone(edge_create(image, keys, bundle, "fast"), folder)
    image.unlink()
    commands: dict[str, Command] = {
        "edge bundle verify": (*ours.EDGE, "bundle", "verify", bundle, "--keys", keys),
        "sha256sum": ("sha256sum", bundle),
    }
    usages = in_turns(commands, runs, folder / "unused")
    size_mb = bundle.stat().st_size / 1e6
    print(f"\nverify a bundle of {size_mb:.0f} MB\n\n{head(with_size=False)}")
    for name, rows in usages.items():
        speed = size_mb / statistics.median(usage.wall_s for usage in rows)
        print(told(f"{name}, {speed:.0f} MB/s", rows))
    found = ratio(usages["sha256sum"], usages["edge bundle verify"])
    word = "met" if found >= TARGET_VERIFY else "MISSED"
    print(f"times the speed of sha256sum: {found:.2f}, at least {TARGET_VERIFY:.2f}: {word}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--folder", type=Path, default=pairs.default_folder(), help="of the pairs")
    parser.add_argument("--image", type=Path, help="make bundles of this image instead")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", default=",".join(PARTS_OF_RUN), help="parts, commas between")
    parser.add_argument("--peers-only", action="store_true", help="leave out our own side")
    options = parser.parse_args()
    parts = options.only.split(",")
    try:
        with tempfile.TemporaryDirectory(prefix="edge-bench-") as name:
            run(options, parts, Path(name))
    except EdgeError as error:
        raise SystemExit(str(error)) from error


def run(options: argparse.Namespace, parts: Sequence[str], folder: Path) -> None:
    """Run the parts in a scratch folder."""
    keys = folder / "keys"
    if not options.peers_only:
        measured([*ours.EDGE, "keys", "init", "--dir", keys], env=ours.ENV)
    image = options.image or make_image(options.folder, folder / "image.img")
    if "make" in parts:
        bench_make(image, keys, folder, options.runs)
    if "release" in parts and not options.peers_only:
        bench_release(image, keys, folder)
    if "verify" in parts and not options.peers_only:
        bench_verify(keys, folder, options.runs)


if __name__ == "__main__":
    main()
