"""What it costs to write boards in USB boot beside a plain write of their disks.

    tools/bench/usb_boards.py [--mib 32] [--runs 3]

Boards on protocol level are plugged into the kernel of a virtual machine (tests/fakes/usb/rig.py).
In turn: `dd` past the page cache to the disk that a board shows, `edge flash` of one board from its
boot ROM on, and of four at once. Seconds of the clock in the machine, whose processors are
emulated; the boards take their time there too: four at once are more work than four boards are.
"""

import argparse
import contextlib
import io
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from edge.cli.main import main as edge
from tests.fakes.usb import rig, rpi_rom, storage_board, usbip
from tests.fakes.usb.gadget import Gadget
from tests.fakes.usb.rpi_rom import Story
from tests.fakes.usb.usbip import Plug

MIB = 1 << 20
BOARDS = 4
WITHIN_S = 3000
RESULT = "bench: "


def board(card: bytearray) -> Gadget:
    """Return a Raspberry Pi in USB boot that becomes a disk with this card."""
    return rpi_rom.rom(0x2711, Story(then=lambda _story: storage_board.gadget(card)))


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that something took."""
    started_s = time.monotonic()
    work()
    return time.monotonic() - started_s


def flash(mib: int, count: int, *words: str) -> float:
    """Return the seconds of `edge flash` for so many boards."""
    cards = [bytearray((mib + 8) * MIB) for _number in range(count)]
    plugs = [Plug(number) for number in range(count)]
    for plug, card in zip(plugs, cards, strict=True):
        plug.put(board(card))
        plug.wait()
    argv = ["flash", "card.img", "--board", "rpi4", "--unsigned", "--boot-files", "boot", "--yes"]
    said = io.StringIO()
    status = 0

    def run() -> None:
        nonlocal status
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            status = edge([*argv, "--all", "--jobs", str(count), *words])

    took_s = timed(run)
    for plug in plugs:
        plug.put(None)
    image = Path("card.img").read_bytes()
    if status or any(card[: len(image)] != image for card in cards):
        raise SystemExit(said.getvalue())
    return took_s


def plain(mib: int) -> float:
    """Return the seconds of `dd` to the disk of one board."""
    plug = Plug(0)
    plug.put(storage_board.gadget(bytearray((mib + 8) * MIB)))
    plug.wait()
    place = Path("/sys/bus/usb/devices") / usbip.port_path(0)
    while not (found := list(place.glob("*/host*/target*/*/block/*"))):
        time.sleep(0.05)
    argv = ["dd", "if=card.img", f"of=/dev/{found[0].name}", "bs=1M", "oflag=direct", "status=none"]
    took_s = timed(lambda: subprocess.run(argv, check=True))  # noqa: TID251
    plug.put(None)
    return took_s


def inside(mib: int, runs: int) -> None:
    """Measure in the machine, and print what was found as JSON."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path("card.img").write_bytes(random.Random(3).randbytes(mib * MIB))
        Path("boot").mkdir()
        for name, length in (("bootcode4.bin", 100_000), ("config.txt", 20), ("boot.img", 8 * MIB)):
            (Path("boot") / name).write_bytes(bytes(length))
        flash(mib, 1)  # what is loaded the first time
        found: dict[str, list[float]] = {"plain": [], "unread": [], "one": [], "four": []}
        for _run in range(runs):
            found["plain"].append(plain(mib))
            found["unread"].append(flash(mib, 1, "--no-verify"))
            found["one"].append(flash(mib, 1))
            found["four"].append(flash(mib, BOARDS))
    sys.stdout.write(f"{RESULT}{json.dumps(found)}\n")
    sys.stdout.flush()


def outside(mib: int, runs: int) -> None:
    """Start the machine and tell what was found there."""
    words = f"inside --mib {mib} --runs {runs}"
    with rig.running(f"PYTHONPATH=. .venv/bin/python -m tools.bench.usb_boards {words}") as machine:
        lines = list(machine.lines(WITHIN_S))
    results = [line for line in lines if line.startswith(RESULT)]
    if not results:
        raise SystemExit("\n".join(lines[-30:]))
    found = json.loads(results[0].removeprefix(RESULT))
    middle = {name: statistics.median(times) for name, times in found.items()}
    for name, times in found.items():
        sys.stdout.write(f"{name:8} {min(times):6.2f} {middle[name]:6.2f} {max(times):6.2f} s\n")
    overhead_s = middle["unread"] - middle["plain"]
    ratio = middle["four"] / middle["one"]
    sys.stdout.write(f"from boot ROM to disk, over dd: {overhead_s:.1f} s\n")
    sys.stdout.write(f"four boards, of one: {ratio:.2f}\n")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("place", nargs="?", choices=("outside", "inside"), default="outside")
    parser.add_argument("--mib", type=int, default=32)
    parser.add_argument("--runs", type=int, default=3)
    said = parser.parse_args()
    (inside if said.place == "inside" else outside)(said.mib, said.runs)


if __name__ == "__main__":
    main()
