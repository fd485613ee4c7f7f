"""Time from power-on to all services ready, against the same kernel with a bare busybox init.

    tools/bench/boot.py BUILD [--runs 5]

BUILD is a build of examples/minimal.yml for qemu-arm64. Both sides start in QEMU from the same
kind of disk, through the same U-Boot, boot script and kernel; they differ in the initramfs alone:
the peer's holds busybox, whose init prints one line. The sides take turns in one run.
"""

import argparse
import re
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from edge import process, toolbox
from edge.emulator import machine
from edge.image import cpio
from edge.image.slot import INITRAMFS, KERNEL
from tests.fakes import slots

READY = r"edge: slot a: all \d+ services ready after (\S+) s"
BARE = "bare busybox is up"
INITTAB = f"::sysinit:/bin/busybox echo {BARE}\n::askfirst:/bin/busybox sh\n"
TIMEOUT_S = 300


def bare_initramfs(busybox: Path, output: Path) -> None:
    """Write an initramfs with busybox as init."""
    entries = [
        *(cpio.folder(name) for name in ("bin", "dev", "etc")),
        cpio.file("bin/busybox", busybox, mode=0o755),
        cpio.symlink("init", "bin/busybox"),
        cpio.character_device("dev/console", 5, 1),
        cpio.file("etc/inittab", INITTAB.encode()),
    ]
    with output.open("wb") as stream:
        cpio.write(stream, entries)


def take_busybox(build: Path, folder: Path) -> Path:
    """Return busybox, unpacked from the root image of a build."""
    unpacked = folder / "root"
    image = build / "slot" / "rootfs.img"
    process.run([*toolbox.tool("fsck.erofs"), f"--extract={unpacked}", "--force", image])
    shutil.copy(unpacked / "usr/bin/busybox", folder / "busybox")
    shutil.rmtree(unpacked)
    return folder / "busybox"


def start_s(build: Path, disk: Path, pattern: str) -> float:
    """Return the seconds from the start of QEMU to a line on the console."""
    started_s = time.monotonic()
    with machine.running(build, disk=disk) as device:
        device.wait_for(pattern, TIMEOUT_S)
        took_s = time.monotonic() - started_s
        device.cut_power()
    return took_s


def told(name: str, times_s: list[float]) -> str:
    """Return one line: median and all values."""
    listed = " ".join(f"{value:.2f}" for value in times_s)
    return f"{name:34} median {statistics.median(times_s):6.2f} s   ({listed})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("build", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="edge-bench-") as name:
        folder = Path(name)
        bare_initramfs(take_busybox(options.build, folder), folder / INITRAMFS)
        for file in (KERNEL, "slot.env"):
            shutil.copy(options.build / "slot" / file, folder / file)
        ours, bare = folder / "ours.img", folder / "bare.img"
        machine.make_disk(options.build, ours)
        machine.make_disk(options.build, bare)
        slots.fill_boot(bare, "a", folder)
        first_s = start_s(options.build, ours, READY)
        later_s: list[float] = []
        bare_s: list[float] = []
        for _ in range(options.runs):
            bare_s.append(start_s(options.build, bare, re.escape(BARE)))
            later_s.append(start_s(options.build, ours, READY))
    ratios = [mine / theirs for mine, theirs in zip(later_s, bare_s, strict=True)]
    print(told("bare busybox init", bare_s))
    print(told("edge, all services ready", later_s))
    print(f"{'edge, first start (formats data)':34}        {first_s:6.2f} s")
    print(f"ratio edge / bare: median {statistics.median(ratios):.2f}, target at most 1.50")


if __name__ == "__main__":
    main()
