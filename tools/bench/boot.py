"""Time from power-on to all services ready, against the same kernel with a bare busybox init.

    tools/bench/boot.py BUILD [--runs 5]

BUILD is a build of examples/minimal.yml for qemu-arm64. All sides start in QEMU from the same kind
of disk, through the same U-Boot, boot script and kernel, and take turns in one run:

- bare: the initramfs holds nothing but busybox, whose init prints one line;
- verified: our initramfs and verified root, but busybox is its init and prints one line;
- edge: all services are ready.
"""

import argparse
import re
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from edge import process, toolbox
from edge.cli.main import main as edge
from edge.emulator import machine
from edge.image import cpio
from edge.image.slot import INITRAMFS, KERNEL
from edge.paths import PROJECT
from tests.fakes import slots

READY = r"edge: slot a: all \d+ services ready after (\S+) s"
BARE = "bare busybox is up"
INITTAB = f"::sysinit:/bin/busybox echo {BARE}\n::askfirst:/bin/busybox sh\n"
BARE_ROOT = """
files:
  - {{path: usr/sbin/init, symlink: ../bin/busybox}}
  - {{path: etc/inittab, contents: "{inittab}"}}
"""
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


def with_bare_root(folder: Path) -> Path:
    """Build the minimal system with busybox as the init of its root."""
    system = folder / "verified.yml"
    system.write_text(BARE_ROOT.format(inittab=INITTAB.replace("\n", "\\n")))
    shutil.copy(PROJECT / "examples" / "minimal.yml", folder / "minimal.yml")
    output = folder / "out"
    words = ["-q", "build", str(folder / "minimal.yml"), str(system)]
    if edge([*words, "--board", "qemu-arm64", "-o", str(output)]):
        raise SystemExit("the peer's system does not build")
    return output


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
        verified_build = with_bare_root(folder)
        ours, bare, verified = (folder / f"{side}.img" for side in ("ours", "bare", "verified"))
        machine.make_disk(options.build, ours)
        machine.make_disk(options.build, bare)
        machine.make_disk(verified_build, verified)
        slots.fill_boot(bare, "a", folder)
        first_s = start_s(options.build, ours, READY)
        times_s: dict[str, list[float]] = {"bare": [], "verified": [], "edge": []}
        for _ in range(options.runs):
            times_s["bare"].append(start_s(options.build, bare, re.escape(BARE)))
            times_s["verified"].append(start_s(verified_build, verified, re.escape(BARE)))
            times_s["edge"].append(start_s(options.build, ours, READY))
    for name, values in times_s.items():
        print(told(name, values))
    print(f"{'edge, first start (formats data)':34}        {first_s:6.2f} s")
    for name in ("bare", "verified"):
        pairs = zip(times_s["edge"], times_s[name], strict=True)
        ratio = statistics.median(mine / theirs for mine, theirs in pairs)
        print(f"ratio edge / {name}: {ratio:.2f}, target at most 1.50")


if __name__ == "__main__":
    main()
