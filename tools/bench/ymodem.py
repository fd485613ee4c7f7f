"""Our sender of YMODEM against `sb` of lrzsz, to the same receiver (`rb`), on the same line.

tools/bench/ymodem.py [--baud 115200] [--kib 200] [--fast-kib 4096] [--runs 5]

The line is two pseudo terminals with a relay between them. The paced line carries each byte in ten
bits at the rate; the other one as fast as it can. The sides take turns in each round.
"""

import argparse
import os
import random
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import tty
from dataclasses import dataclass
from pathlib import Path

from edge import toolbox
from edge.flash.duration import block_s
from edge.flash.protocols import ymodem
from edge.flash.protocols.steps import Line
from edge.flash.transports import driver
from tests.fakes.descriptor_port import DescriptorPort

HEADER_BYTES = ymodem.SHORT_BYTES + ymodem.FRAME_BYTES
READ_BYTES = 65536
SLICE_BYTES = 64  # what the paced relay delivers at a time: 5.6 ms at 115200 baud
SIDES = ("edge", "sb")
PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class Round:
    """What one transfer took.

    Attributes:
        data_s: From the first byte of block 1 to the ACK of the last one.
        sent_bytes: What went to the receiver: more than needed if blocks were repeated.
        whole_s: From the start of the sender to the end of the receiver.
        cpu_s: Of the sender.
        rss_bytes: Of the sender, at most.
    """

    data_s: float
    sent_bytes: int
    whole_s: float
    cpu_s: float
    rss_bytes: int


class Relay:
    """Carries bytes between two lines, and knows when the data began and ended."""

    def __init__(self, sender: int, receiver: int, baud: int | None, data_bytes: int) -> None:
        self._ends = {sender: receiver, receiver: sender}
        self._sender = sender
        self._byte_s = 10 / baud if baud else 0.0
        self._slice_bytes = SLICE_BYTES if baud else READ_BYTES
        self._due: list[tuple[float, int, bytes]] = []
        self._free_s = dict.fromkeys(self._ends, 0.0)
        self._data_ends = HEADER_BYTES + data_bytes
        self.sent_bytes = 0
        self.begin_s = self.end_s = 0.0

    def step(self) -> None:
        """Take in what is there, and deliver what is due: each byte behind the one before it."""
        now_s = time.perf_counter()
        wait_s = max(min((due[0] for due in self._due), default=now_s + 0.02) - now_s, 0)
        for end in select.select(list(self._ends), [], [], wait_s)[0]:
            data = os.read(end, READ_BYTES)
            start_s = max(time.perf_counter(), self._free_s[end])
            self._note(end, data, start_s)
            for at in range(0, len(data), self._slice_bytes):
                piece = data[at : at + self._slice_bytes]
                start_s += len(piece) * self._byte_s
                self._due.append((start_s, end, piece))
            self._free_s[end] = start_s
        now_s = time.perf_counter()
        for due in [due for due in self._due if due[0] <= now_s]:
            self._due.remove(due)
            os.write(self._ends[due[1]], due[2])

    def _note(self, end: int, data: bytes, start_s: float) -> None:
        if end == self._sender:
            if self.sent_bytes <= HEADER_BYTES < self.sent_bytes + len(data):
                self.begin_s = start_s
            self.sent_bytes += len(data)
        elif not self.end_s and self.sent_bytes >= self._data_ends:
            self.end_s = start_s + len(data) * self._byte_s


def transfer(side: str, file: Path, folder: Path, baud: int | None) -> Round:
    """Send a file once and return what that took."""
    near, near_end = os.openpty()
    far, far_end = os.openpty()
    tty.setraw(near_end)
    tty.setraw(far_end)
    blocks = -(-file.stat().st_size // ymodem.LONG_BYTES)
    relay = Relay(near, far, baud, blocks * (ymodem.LONG_BYTES + ymodem.FRAME_BYTES))
    command = {
        "edge": [sys.executable, __file__, "--send", str(file)],
        "sb": [*toolbox.tool("sb"), "-k", "--quiet", str(file)],
    }[side]
    receiver = subprocess.Popen(  # noqa: TID251
        [*toolbox.tool("rb"), "--quiet"], stdin=far_end, stdout=far_end, cwd=folder
    )
    begin_s = time.perf_counter()
    with tempfile.TemporaryFile() as errors:
        sender = subprocess.Popen(command, stdin=near_end, stdout=near_end, stderr=errors)  # noqa: TID251
        while receiver.poll() is None:
            relay.step()
        whole_s = time.perf_counter() - begin_s
        # `rb` throws its last ACK away when it ends, and `sb` would wait for it for a minute.
        deadline_s = time.perf_counter() + PATIENCE_S
        while (status := os.wait4(sender.pid, os.WNOHANG))[0] == 0:
            relay.step()
            if time.perf_counter() > deadline_s:
                os.kill(sender.pid, signal.SIGTERM)
    sender.returncode = 0
    if receiver.returncode:
        raise SystemExit(f"{side}: the receiver ended with {receiver.returncode}")
    for descriptor in (near, near_end, far, far_end):
        os.close(descriptor)
    if (folder / file.name).read_bytes() != file.read_bytes():
        raise SystemExit(f"{side}: the file did not arrive as it was")
    usage = status[2]
    return Round(
        relay.end_s - relay.begin_s,
        relay.sent_bytes,
        whole_s,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss * 1024,
    )


def send(file: Path) -> None:
    """Be the sender: our terminal is the line."""
    port = DescriptorPort(0)
    dialog = ymodem.send(Line(), file.name, file.read_bytes())
    driver.run(dialog, port, clock_s=time.monotonic, listener=lambda _event: None)


def compare(baud: int | None, size_bytes: int, runs: int) -> None:
    """Print a table of both sides on one line."""
    rounds: dict[str, list[Round]] = {side: [] for side in SIDES}
    with tempfile.TemporaryDirectory(prefix="edge-bench-") as name:
        folder = Path(name) / "received"
        folder.mkdir()
        file = Path(name) / "file.bin"
        file.write_bytes(random.Random(1).randbytes(size_bytes))
        for _run in range(runs):
            for side in SIDES:
                rounds[side].append(transfer(side, file, folder, baud))
                (folder / file.name).unlink()
    print(f"\n{f'{baud} baud' if baud else 'a line without a rate'}, {size_bytes / 1024:.0f} KiB\n")
    print("| | data, s | kB/s | of the line | whole, s | CPU, s | MiB | runs (data, s) |")
    print("|---|---|---|---|---|---|---|---|")
    blocks = -(-size_bytes // ymodem.LONG_BYTES)
    for side, done in rounds.items():
        data_s = statistics.median(each.data_s for each in done)
        share = blocks * block_s(baud=baud, turnaround_s=0) / data_s if baud else None
        print(
            f"| {side} | {data_s:.3f} | {size_bytes / data_s / 1000:.2f}"
            f" | {f'{share:.1%}' if share else '-'}"
            f" | {statistics.median(each.whole_s for each in done):.2f}"
            f" | {statistics.median(each.cpu_s for each in done):.2f}"
            f" | {max(each.rss_bytes for each in done) >> 20}"
            f" | {' '.join(f'{each.data_s:.3f}' for each in done)} |"
        )
    ours, theirs = (statistics.median(each.data_s for each in rounds[side]) for side in SIDES)
    print(f"\nedge / sb: {ours / theirs:.3f}")


def main() -> None:
    """Run the benchmark, or one sender for it."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--baud", type=int, default=115200)
    options.add_argument("--kib", type=int, default=200, help="on the paced line")
    options.add_argument("--fast-kib", type=int, default=4096, help="on the other line")
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--send", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.send:
        send(chosen.send)
        return
    compare(chosen.baud, chosen.kib << 10, chosen.runs)
    compare(None, chosen.fast_kib << 10, chosen.runs)


if __name__ == "__main__":
    main()
