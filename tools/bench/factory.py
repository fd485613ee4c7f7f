"""What a line costs: 1,000 simulated boards at 16 ports of one station, on a real disk.

    .venv/bin/python -m tools.bench.factory [--boards 1000] [--ports 16] [--fails 30]

Steps take no time, so all that is measured is the line: engine, threads, ledger with its fsync. At
the end all records are counted and the ledger is verified. The memory is that of the process after
a tenth of the boards and at the end. What the real steps cost besides flashing (key, certificate,
file system of the first settings, label) is measured by itself. One JSON object is printed.
"""

import argparse
import json
import resource
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge.factory import demo, line, reading
from edge.factory.entry import Kind
from edge.factory.events import Event, Light, PortEvent
from edge.factory.identity import authority, station
from edge.factory.labels import render
from edge.factory.labels.label import Label
from edge.factory.ports import Seen
from edge.factory.records import made_of
from edge.factory.simulated import Lot
from edge.factory.steps.identifying import StationIdentifier
from edge.factory.steps.step import Job
from edge.image import provision
from edge.keys.secrets import nobody


def resident_kib() -> int:
    for text in Path("/proc/self/status").read_text().splitlines():
        if text.startswith("VmRSS"):
            return int(text.split()[1])
    return 0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--boards", type=int, default=1000)
    parser.add_argument("--ports", type=int, default=16)
    parser.add_argument("--fails", type=int, default=30)
    parser.add_argument("--dir", type=Path, help="On which disk; else that of temporary files.")
    chosen = parser.parse_args()
    lot = Lot(11, chosen.boards, chosen.fails)
    memory: list[int] = []
    good = 0

    def look_on(event: Event) -> None:
        nonlocal good
        if isinstance(event, PortEvent) and event.light is Light.GOOD and event.unit:
            good += 1
            if good == chosen.boards // 10:
                memory.append(resident_kib())

    with tempfile.TemporaryDirectory(dir=chosen.dir) as name:
        folder = Path(name) / "line"
        begun, begun_s = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
        shown = demo.run(
            folder,
            lot,
            chosen.ports,
            now_ms=lambda: time.time_ns() // 1_000_000,
            look_on=look_on,
            look_every_s=0.01,
        )
        ended = resource.getrusage(resource.RUSAGE_SELF)
        wall_s = time.monotonic() - begun_s
        memory.append(resident_kib())
        figures = _figures(folder, lot, shown, begun, ended, wall_s, memory)
        figures["cpu_ms_of_real_steps"] = real_steps_ms(Path(name) / "real", 20)
        print(json.dumps(figures))


def real_steps_ms(folder: Path, count: int) -> float:
    """Return the CPU time of identity, first settings and label, programs included."""
    now = datetime.now(UTC)
    (folder / "line").mkdir(parents=True)
    factory = authority.create(
        folder / "line", f"file:{folder / 'ca.key'}", product="gateway", now=now
    )
    year = timedelta(days=365)
    station.issue(factory, "S1", prefix="gw-", devices=count, lifetime=year, now=now)
    opened = station.open_station(folder / "line" / station.FOLDER / "S1", nobody)
    server_ca = (folder / "line" / authority.CERTIFICATE).read_bytes()
    identifier = StationIdentifier(opened, server_ca, lambda: now)
    begun_s = _cpu_s()
    for number in range(count):
        device = f"gw-{number:06}"
        given = identifier.give(Job(f"S1-{number}", device, "1", Seen("", "")))
        provision.file_system(given.files, most_bytes=64 << 20)
        render.rendered(Label(device, "gateway", given.key), render.Form.PDF, None)
    return round(1000 * (_cpu_s() - begun_s) / count, 1)


def _cpu_s() -> float:
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(one.ru_utime + one.ru_stime for one in map(resource.getrusage, kinds))


def _figures(
    folder: Path,
    lot: Lot,
    shown: demo.Shown,
    begun: "resource.struct_rusage",
    ended: "resource.struct_rusage",
    wall_s: float,
    memory: list[int],
) -> dict[str, object]:
    model, begun_s = line.read(folder), _cpu_s()
    entries = list(reading.of_line(folder, model))
    read_s = _cpu_s() - begun_s
    made = Counter(one.board_serial for one in made_of(entries))
    serials = {one.serial for one in lot.boards()}
    runs = sum(one.said.kind is Kind.END for one in entries)
    cpu_s = ended.ru_utime - begun.ru_utime + ended.ru_stime - begun.ru_stime
    return {
        "boards": lot.count,
        "runs": runs,
        "records": made.total(),
        "lost": len(serials - set(made)),
        "double": sum(count - 1 for count in made.values()),
        "false": len(set(made) - serials),
        "findings": len(shown.findings),
        "entries": shown.entries,
        "cpu_us_to_read_an_entry": round(1e6 * read_s / len(entries)),
        "wall_s": round(wall_s, 1),
        "cpu_ms_per_board": round(1000 * cpu_s / lot.count, 1),
        "memory_mib": [round(one / 1024, 1) for one in memory],
        "ledger_bytes_per_board": (folder / "stations/S1/ledger.jsonl").stat().st_size // lot.count,
    }


if __name__ == "__main__":
    main()
