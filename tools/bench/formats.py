"""What it takes to make each output format, beside LinuxKit's way, on content of the same kind.

    tools/bench/formats.py prepare FOLDER      # once: needs a Debian mirror
    tools/bench/formats.py run FOLDER [--runs 5]

The formats begin with an empty store: ten images from an OCI layout with gzip layers, checked,
unpacked and written as each format. LinuxKit's way is made of the same root in the same run: a cpio
archive of all files, no two of them one, through gzip at its default level, beside the raw kernel.
The last rows are a disk image with its hash tree after one service changed, the store being full,
and the same with update.edge.
Processor time is user and system of the program with all that it started; memory is that of the
largest process. Python finds its modules compiled, as those of an installed package are.
"""

import argparse
import gzip
import io
import os
import shutil
import statistics
import sys
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from edge import paths
from edge.image import cpio
from edge.toolbox import tree as tools
from tools.bench import formats_content
from tools.bench.usage import MIB, Usage, measured

MB = 1_000_000
COLD = ("tar", "squashfs", "erofs", "kernel+initrd", "oci")
PROGRAM = (sys.executable, "-c", "from edge.cli.main import main; raise SystemExit(main())")


def new_cache(folder: Path) -> Path:
    """Return an empty cache that has the tools and what was compiled."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    real = tools.folder().parent
    (folder / "tools").symlink_to(real.resolve())
    compiled = real.parent / "compiled"
    compiled.mkdir(exist_ok=True)
    (folder / "compiled").symlink_to(compiled.resolve())
    return folder


def build(folder: Path, system: str, cache: Path, *words: str, offline: bool = True) -> Usage:
    """Build a system file of the folder and return what it took."""
    env = {"EDGE_CACHE": str(cache), "PYTHONPATH": os.pathsep.join(sys.path)}
    env["EDGE_BOARDS"] = str(folder / "boards")
    env |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    argv = [*PROGRAM, "-q", "build", str(folder / f"{system}.yml"), *words]
    argv += ["--offline"] if offline else []
    return measured(argv, env=env, cwd=folder).usage


def cold(folder: Path, one: str, runs: int) -> tuple[list[Usage], int]:
    """Return what the runs of one format took, and the bytes of the result."""
    found = []
    out = folder / "out"
    for _run in range(runs):
        cache = new_cache(folder / "cache")
        found.append(build(folder, "system", cache, "-f", one, "-o", str(out)))
    made = [path for path in out.rglob("system*") if path.is_file()]
    made += [path for path in (out / "system-oci").rglob("*") if path.is_file()]
    return found, sum(path.stat().st_size for path in made)


def peer_bytes(tar: Path) -> tuple[int, int]:
    """Return the bytes of LinuxKit's initrd of a root, and of the kernel beside it."""
    sink = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=sink, mode="wb", compresslevel=6, mtime=0) as stream,
        tarfile.open(tar) as archive,
    ):
        kernel_bytes = archive.getmember("./boot/kernel").size
        cpio.write(stream, _separate(archive))
    return len(sink.getvalue()), kernel_bytes


def _separate(archive: tarfile.TarFile) -> Iterator[cpio.CpioEntry]:
    """Give each file with its own content, as LinuxKit does for each image."""
    for member in archive:
        name = member.name.removeprefix("./")
        if name in (".", "", "boot/kernel"):
            continue
        if member.isdir():
            yield cpio.folder(name, mode=member.mode)
        elif member.issym():
            yield cpio.symlink(name, member.linkname)
        else:
            content = archive.extractfile(member)
            yield cpio.file(name, content.read() if content else b"", mode=member.mode)


def changed(folder: Path, runs: int, *words: str) -> tuple[list[Usage], int]:
    """Return what a disk image takes after one service changed, and the bytes of its root.

    The store is the user's, and has all of the first build, which is not counted.
    """
    out = folder / "out-disk"
    named = ("--name", "system", "-b", formats_content.BOARD, "-o", str(out), *words)
    cache = paths.cache_folder()
    if not (folder / "edge.lock").is_file():
        build(folder, "system", cache, *named, offline=False)
    found = []
    for number in range(runs + 1):
        used = build(folder, "changed" if number % 2 else "system", cache, *named)
        found += [used] if number else []
    return found, (out / "slot" / "rootfs.img").stat().st_size


def row(name: str, used: Sequence[Usage], size_bytes: int, share: float | None) -> str:
    """Return one line of the table."""
    cpu = statistics.median(one.cpu_s for one in used)
    memory = max(one.rss_bytes for one in used) / MIB
    told = f"{share:.0%}" if share else ""
    least = min(one.cpu_s for one in used)
    return f"{name:16}{cpu:>8.2f}{least:>8.2f}{memory:>8.0f}{size_bytes / MB:>10.1f}{told:>8}"


def run(folder: Path, runs: int, only: Sequence[str]) -> None:
    """Measure and print the table."""
    build(folder, "system", paths.cache_folder(), "-f", "tar", "--dry-run")  # compiles modules
    print(f"{'format':16}{'CPU s':>8}{'least':>8}{'MiB':>8}{'MB':>10}{'peer':>8}")
    peer = None
    for one in only:
        used, size_bytes = cold(folder, one, runs if one == "tar" else min(runs, 2))
        if one == "tar":
            peer = sum(peer_bytes(folder / "out" / "system.tar"))
        print(row(one, used, size_bytes, size_bytes / peer if peer else None), flush=True)
    for name, more in (("one changed", ("--no-update",)), ("with update", ())):
        print(row(name, *changed(folder, runs, *more), None), flush=True)
    if peer:
        print(f"LinuxKit's kernel and initrd, made its way: {peer / MB:.1f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("action", choices=("prepare", "run"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=COLD)
    words = parser.parse_args()
    folder = words.folder.absolute()
    if words.action == "prepare":
        formats_content.prepare(folder)
    else:
        run(folder, words.runs, words.only)


if __name__ == "__main__":
    main()
