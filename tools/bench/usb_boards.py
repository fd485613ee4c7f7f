"""What it costs to write boards in USB boot beside a plain write of their disks.

    tools/bench/usb_boards.py [--mib 32] [--runs 3] [--card-mb-s 10]

Boards on protocol level are plugged into the kernel of a virtual machine (tests/fakes/usb/rig.py).
In turn: `dd` past the page cache to the disk that a board shows, `edge flash` of one board from its
boot ROM on, and of four at once. Seconds of the clock in the machine, whose processors are
emulated; the boards are played outside of it. With --card-mb-s their cards take that long, as real
ones do; else they take data at once, and what is measured is the machine.
"""

import argparse
import random
import signal
import statistics
import sys
import tempfile
from pathlib import Path

from tests.fakes.usb import rig, rpi_rom, storage_board
from tests.fakes.usb.gadget import Gadget
from tests.fakes.usb.rig import Rig
from tests.fakes.usb.rpi_rom import Story
from tests.fakes.usb.usbip import Plug

MIB = 1 << 20
BOARDS = 4


def board(card: bytearray, bytes_per_s: int) -> Gadget:
    """Return a Raspberry Pi in USB boot that becomes a disk with this card."""
    disk = storage_board.gadget(card, bytes_per_s=bytes_per_s)
    return rpi_rom.rom(0x2711, Story(then=lambda _story: disk))


def plugged(machine: Rig, number: int, gadget: Gadget) -> Plug:
    """Return a port with a board in it."""
    plug = Plug(machine, number)
    plug.put(gadget)
    plug.wait()
    return plug


def flash(machine: Rig, folder: Path, bytes_per_s: int, count: int, *words: str) -> float:
    """Return the seconds of `edge flash` for so many boards."""
    image = (folder / "card.img").read_bytes()
    cards = [bytearray(len(image) + 8 * MIB) for _number in range(count)]
    plugs = [
        plugged(machine, number, board(card, bytes_per_s)) for number, card in enumerate(cards)
    ]
    argv = ["flash", "card.img", "--board", "rpi4", "--unsigned", "--boot-files", "boot", "--yes"]
    done = machine.run("edge", *argv, "--all", "--jobs", str(count), *words, folder=folder)
    for plug in plugs:
        plug.put(None)
    if done.status or any(card[: len(image)] != image for card in cards):
        raise SystemExit(done.said)
    return done.time_s


def plain(machine: Rig, folder: Path, bytes_per_s: int) -> float:
    """Return the seconds of `dd` to the disk of one board."""
    card = bytearray((folder / "card.img").stat().st_size + 8 * MIB)
    plug = plugged(machine, 0, storage_board.gadget(card, bytes_per_s=bytes_per_s))
    disk = machine.ask("disk", number=0)
    words = ("if=card.img", f"of={disk}", "bs=1M", "oflag=direct", "status=none")
    done = machine.run("dd", *words, folder=folder)
    plug.put(None)
    if done.status:
        raise SystemExit(done.said)
    return done.time_s


def measured(
    machine: Rig, folder: Path, mib: int, runs: int, bytes_per_s: int
) -> dict[str, list[float]]:
    """Return the seconds of all, by name."""
    (folder / "card.img").write_bytes(random.Random(3).randbytes(mib * MIB))
    (folder / "boot").mkdir()
    for name, length in (("bootcode4.bin", 100_000), ("config.txt", 20), ("boot.img", 8 * MIB)):
        (folder / "boot" / name).write_bytes(bytes(length))
    flash(machine, folder, bytes_per_s, 1)  # what is read from the host the first time
    found: dict[str, list[float]] = {"plain": [], "unread": [], "one": [], "four": []}
    for _run in range(runs):
        found["plain"].append(plain(machine, folder, bytes_per_s))
        found["unread"].append(flash(machine, folder, bytes_per_s, 1, "--no-verify"))
        found["one"].append(flash(machine, folder, bytes_per_s, 1))
        found["four"].append(flash(machine, folder, bytes_per_s, BOARDS))
    return found


def told(found: dict[str, list[float]]) -> str:
    """Return what was found, for people."""
    middle = {name: statistics.median(times) for name, times in found.items()}
    lines = [
        f"{name:8} {min(times):6.2f} {middle[name]:6.2f} {max(times):6.2f} s"
        for name, times in found.items()
    ]
    lines.append(f"from boot ROM to disk, over dd: {middle['unread'] - middle['plain']:.1f} s")
    lines.append(f"four boards, of one: {middle['four'] / middle['one']:.2f}")
    return "".join(f"{line}\n" for line in lines)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--mib", type=int, default=32)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--card-mb-s", type=int, default=0)
    said = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_words: sys.exit(1))  # the machine goes off with us
    with tempfile.TemporaryDirectory() as folder, rig.running() as machine:
        bytes_per_s = said.card_mb_s * 1_000_000
        found = measured(machine, Path(folder), said.mib, said.runs, bytes_per_s)
        sys.stdout.write(told(found))


if __name__ == "__main__":
    main()
