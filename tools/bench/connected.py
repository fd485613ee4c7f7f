"""What a console takes with a large fleet, a part of it connected, and how long it takes to start.

    PYTHONPATH=.:device-agent:signing .venv/bin/python tools/bench/connected.py

The console is `edge console serve` as it is installed: SQLite, TLS, and its own Mosquitto.
Simulated devices connect by MQTT with certificates of their own, having asked by HTTP once each;
all others are known and silent. What the devices take is not counted. Cold start is from the start
of the process to the first good answer of /readyz, with all devices in the database.
"""

import argparse
import json
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, insert

from edge.console.site import Site
from edge.console.store.database import Database
from edge.console.store.tables import DEVICES, SIGHTINGS
from edge.keys import create
from tests.fakes.pki import Pki
from tools.bench import proc

ROWS = 20_000
STARTS = 5
EDGE = (sys.executable, "-c", "import sys; from edge.cli.main import main; sys.exit(main())")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=100_000)
    parser.add_argument("--connected", type=int, default=2_000)
    parser.add_argument("--ramp", type=float, default=60.0)
    parser.add_argument("--steady", type=float, default=30.0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="edge-bench-") as name:
        folder = Path(name)
        pki = Pki.make(folder / "pki")
        create.init(folder / "keys", now=datetime.now(UTC), products=("gateway",))
        with serving(folder, pki):
            pass
        fill(folder, chosen.devices, chosen.connected)
        starts = []
        for _start in range(STARTS):
            with serving(folder, pki) as (started_s, _facts, _pid):
                starts.append(started_s)
        shown = " ".join(f"{one:.2f}" for one in starts)
        print(f"cold start: median {statistics.median(starts):.2f} s ({shown})", flush=True)
        with serving(folder, pki) as (_started_s, facts, pid):
            live(folder, pki, facts, pid, chosen)


def fill(folder: Path, count: int, called: int) -> None:
    """Store so many devices; those that will call are registered by their ids."""
    database = Database(Site(folder / "console").database_url)
    width = len(str(called))
    names = [f"sim-{number:0{width}}" for number in range(1, called + 1)]
    names += [f"silent-{number}" for number in range(count - called)]
    for at in range(0, len(names), ROWS):
        database.write_now(partial(put, names=names[at : at + ROWS]))
    database.close()


def put(connection: Connection, names: list[str]) -> None:
    same = {"tenant": "default", "state": "accepted"}
    rows = [
        {**same, "device": one, "fingerprint": os.urandom(32).hex() if "silent" in one else None}
        for one in names
    ]
    connection.execute(insert(DEVICES), rows)
    seen = [{"tenant": "default", "device": one} for one in names]
    connection.execute(insert(SIGHTINGS), seen)


@contextmanager
def serving(folder: Path, pki: Pki) -> Iterator[tuple[float, dict[str, object], int]]:
    """Run the console; give how long it took to be ready, what it said, and its process."""
    words = [*EDGE, "console", "serve", "--dir", str(folder / "console")]
    words += ["--keys", str(folder / "keys"), "--factory-ca", str(pki.factory.file), "--json"]
    words += ["--port", "0", "--api-port", "0", "--mqtt-port", "0"]
    began_s = time.monotonic()
    with subprocess.Popen(words, stdout=subprocess.PIPE) as child:  # noqa: TID251
        assert child.stdout is not None
        try:
            facts = json.loads(child.stdout.readline())
            context = ssl.create_default_context(cafile=str(facts["ca"]))
            url = f"https://localhost:{facts['api_port']}/readyz"
            with urllib.request.urlopen(url, context=context) as answer:
                assert answer.status == 200
            yield time.monotonic() - began_s, facts, child.pid
        finally:
            child.terminate()
            child.wait(30)


def live(
    folder: Path, pki: Pki, facts: dict[str, object], pid: int, chosen: argparse.Namespace
) -> None:
    """Let devices connect, and say what that takes."""
    broker = child_of(pid, "mosquitto")
    told(f"{chosen.devices:,} devices known, none connected", {"console": pid, "broker": broker})
    words = [*EDGE, "simulate", "--devices", str(chosen.connected), "--via", "mqtt"]
    words += ["--http", f"https://localhost:{facts['port']}/"]
    words += ["--mqtt", f"mqtts://localhost:{facts['mqtt_port']}", "--mix", "ok=100"]
    words += ["--factory-ca", str(pki.factory.file), "--factory-key", str(pki.factory.key_file)]
    words += ["--server-ca", str(facts["ca"]), "--ramp", str(chosen.ramp), "--json"]
    words += ["--seconds", str(chosen.ramp + chosen.steady + 60)]
    before = {"console": proc.cpu_s(pid), "broker": proc.cpu_s(broker)}
    with subprocess.Popen(words, stdout=subprocess.PIPE) as fleet:  # noqa: TID251
        count = wait(broker, chosen.connected)
        used = {"console": proc.cpu_s(pid), "broker": proc.cpu_s(broker)}
        arrived = ", ".join(f"{name} {used[name] - before[name]:.1f} s" for name in used)
        print(f"{count:,} came: CPU {arrived}", flush=True)
        time.sleep(chosen.steady)
        told(f"{connections(broker):,} connected", {"console": pid, "broker": broker})
        for name, one in (("console", pid), ("broker", broker)):
            share = (proc.cpu_s(one) - used[name]) / chosen.steady
            print(f"  {name}: {100 * share:.1f} % of a processor while nothing is ordered")
        fleet.terminate()
        fleet.wait(60)


def wait(broker: int, count: int) -> int:
    """Wait until so many are connected, or no more come."""
    last, since_s = -1, time.monotonic()
    while True:
        found = connections(broker)
        if found >= count or time.monotonic() - since_s > 45:
            return found
        if found > last:
            last, since_s = found, time.monotonic()
        time.sleep(0.5)


def connections(pid: int) -> int:
    """Return how many sockets a process has, but for those that it listens on."""
    folder = Path(f"/proc/{pid}/fd")
    sockets = sum(str(one.readlink()).startswith("socket:") for one in folder.iterdir())
    return max(0, sockets - 4)  # two doors (two families each, at most) and the console


def child_of(pid: int, name: str) -> int:
    """Return the process of a program that another process has started, at any depth."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(name.encode() in word for word in words) and pid in parents(int(folder.name)):
            return int(folder.name)
    raise SystemExit(f"{name}: not among the children of {pid}")


def parents(pid: int) -> set[int]:
    found: set[int] = set()
    while pid > 1:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        except OSError:
            return found
        pid = int(fields[1])
        found.add(pid)
    return found


def told(title: str, processes: dict[str, int]) -> None:
    sizes = [f"{name} {proc.memory_bytes(pid) >> 20} MiB" for name, pid in processes.items()]
    print(f"{title}: memory {', '.join(sizes)}", flush=True)


if __name__ == "__main__":
    main()
