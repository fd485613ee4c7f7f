"""What campaigns take: one over a large fleet while it is made, one with devices while it runs.

    PYTHONPATH=.:device-agent:signing .venv/bin/python tools/bench/campaign.py create
    PYTHONPATH=.:device-agent:signing .venv/bin/python tools/bench/campaign.py run

`create` makes a campaign over all known devices in SQLite while others go on reporting, and says
how long both took. `run` lets simulated devices update, by MQTT and HTTP with certificates of their
own, through waves and with a cap; in the end the journal, the orders and the reports in the
database are held against what the devices say that they did.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy import select

from edge.console.app import SWITCH_S
from edge.console.audit import Actor
from edge.console.campaigns import plan as plans
from edge.console.campaigns import store
from edge.console.campaigns.campaign import Event
from edge.console.campaigns.conductor import Conductor
from edge.console.campaigns.members import UNDER_WAY
from edge.console.campaigns.plan import Limit, Pace, Plan, Times, Wave
from edge.console.desk import Caller, Via
from edge.console.front_desk import FrontDesk
from edge.console.repository.vaults import Vaults
from edge.console.site import Site
from edge.console.store.tables import RELEASES
from edge.keys import create as keys
from edge_signing.messages import Status
from tests.agent.power import system
from tests.agent.power.system import System, tiny_units
from tests.fakes import console
from tests.fakes.console import TENANT, Console
from tests.fakes.operator import Operator
from tests.fakes.pki import Pki
from tools.bench import campaign_check, connected, million, overview, proc

EDGE = connected.EDGE
RELEASE = "gateway/1.1.0/release.json"
LARGE = "gateway/9.0.0/release.json"
Process = subprocess.Popen[str]  # noqa: TID251
REPORT_EVERY_S = 0.02
LOOK_S = 5.0
BOARDS = ("rpi4",)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["create", "run"])
    parser.add_argument("--devices", type=int)
    parser.add_argument("--folder", type=Path, help="With a database of tools/bench/million.py.")
    parser.add_argument("--cap", type=int, default=500)
    parser.add_argument("--mqtt-percent", type=int, default=20)
    parser.add_argument("--poll", type=float, default=30.0)
    parser.add_argument("--ramp", type=float, default=200.0)
    parser.add_argument("--speed", type=float, default=8.0)
    parser.add_argument("--faults", default="flapping=5%,slow=2%,fails=1%")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        serve(chosen.serve)
        return
    with tempfile.TemporaryDirectory(prefix="edge-bench-") as name:
        folder = chosen.folder or Path(name)
        if chosen.what == "create":
            sys.setswitchinterval(SWITCH_S)
            asyncio.run(create(folder, chosen.devices or 1_000_000))
        else:
            run(Path(name), chosen.devices or 10_000, chosen)


async def create(folder: Path, count: int) -> None:
    """Make a campaign over all devices, while some of them report."""
    database = million.filled(folder / f"console-{count}.db", count)
    database.write_now(know)
    vaults = Vaults(folder, utc_now)
    desk = FrontDesk(database, vaults)
    now_s = int(datetime.now(UTC).timestamp())
    conductor = Conductor(
        database, vaults, desk, now_s=lambda: now_s, word=lambda: os.urandom(4).hex()
    )
    alone = await reports(desk, count, asyncio.create_task(asyncio.sleep(5)))
    print(f"reports while nothing else is done: {said(alone)}", flush=True)
    plan = Plan((LARGE,), waves=plans.waves("1%,10%,50%,100%", Wave()))
    began_s, began_cpu_s = time.monotonic(), time.process_time()
    making = asyncio.create_task(conductor.create(Actor(TENANT, "bench", now_s), "bench", plan))
    meanwhile = await reports(desk, count, making)
    took_s, cpu_s = time.monotonic() - began_s, time.process_time() - began_cpu_s
    made = await making
    print(
        f"a campaign over {made.campaign.total:,} of {count:,} devices: {took_s:.1f} s,"
        f" {cpu_s:.1f} s of CPU with the reports; memory {proc.memory_bytes(os.getpid()) >> 20} MiB"
    )
    print(f"reports meanwhile: {said(meanwhile)}")
    await conductor.decide(Actor(TENANT, "bench", now_s), made.id, Event.ABORTED)
    await conductor.remove(Actor(TENANT, "bench", now_s), made.id)
    database.close()


def utc_now() -> datetime:
    return datetime.now(UTC)


def know(connection: Any) -> None:
    """Store a release that is for all devices, if it is not there."""
    there = select(RELEASES.c.path).where(RELEASES.c.path == LARGE)
    if connection.execute(there).first() is None:
        row: dict[str, object] = {"tenant": TENANT, "path": LARGE, "product": "gateway"}
        row["version"] = "9.0.0"
        connection.execute(RELEASES.insert().values(row | {"boards": "rpi4", "is_published": True}))


async def reports(desk: FrontDesk, count: int, other: "asyncio.Task[Any]") -> list[float]:
    """Let devices report until something else is done; return how long each waited."""
    chance, took, waiting = random.Random(5), [], set()

    async def one(number: int) -> None:
        caller = Caller(TENANT, overview.name(chance.randrange(count)), Via.HTTP)
        told = Status(f"c{number}-{time.time_ns()}", 1, "", "idle", "a", "rpi4", "gateway", "1.2.0")
        began_s = time.monotonic()
        await desk.take_status(caller, told)
        took.append(time.monotonic() - began_s)

    number = 0
    while not other.done():
        number += 1
        task = asyncio.create_task(one(number))
        waiting.add(task)
        task.add_done_callback(waiting.discard)
        await asyncio.sleep(REPORT_EVERY_S)
    await asyncio.gather(*waiting)
    return took


def said(took: list[float]) -> str:
    ordered = sorted(one * 1000 for one in took)
    last = ordered[len(ordered) * 95 // 100]
    middle = statistics.median(ordered)
    return (
        f"{len(ordered)} of them, median {middle:.1f} ms, p95 {last:.1f} ms,"
        f" the slowest {ordered[-1]:.0f} ms"
    )


def serve(folder: Path) -> None:
    """Run a console; each line of the input is answered with how it stands, `start` begins."""
    other, ring = Pki.make(folder / "other"), folder / "keys"
    with tiny_units(), console.running(folder / "console", other, ring, mqtt_port=0) as site:
        release(site, Operator(folder / "operator", ring))
        campaign = ""
        ports = {"port": site.running.port, "mqtt_port": site.running.mqtt_port}
        print(json.dumps({**ports, "ca": str(site.site.authority)}), flush=True)
        for line in sys.stdin:
            order, _space, plan = line.strip().partition(" ")
            if order == "start":
                campaign = begin(site, plans.unpack(plan.encode()))
            print(json.dumps(standing(site, campaign)), flush=True)


def release(site: Console, operator: Operator) -> None:
    """Bring the console what devices run, and what they are to run."""
    with patch.multiple(system, LARGER=system.BLOCKS, KEPT=system.KEPT):
        old, following = System.make("1.0.0", 41), System.make("1.1.0", 42)
    for one in (old, following):
        operator.release(replace(one, release=replace(one.release, boards=BOARDS)))
        site.good("POST", "/releases", operator.bundle(one.release.version))


def begin(site: Console, plan: Plan) -> str:
    office = site.running.office
    actor = Actor(TENANT, "bench", office.now_s())
    made = site.wait(office.campaigns.create(actor, "bench", plan))
    site.wait(office.campaigns.decide(actor, made.id, Event.STARTED))
    return str(made.id)


def standing(site: Console, campaign: str) -> dict[str, Any]:
    """Return what the console knows and has taken."""
    facts: dict[str, Any] = {"cpu_s": time.process_time(), "campaign": campaign}
    facts["memory_bytes"] = proc.memory_bytes(os.getpid())
    if campaign:
        database = site.running.office.database
        stored = database.read_now(lambda one: store.get(one, TENANT, campaign))
        facts |= {
            "state": stored.campaign.state,
            "counts": stored.campaign.counts,
            "reason": stored.campaign.reason,
        }
        facts |= {"wave": stored.campaign.open_wave}
    return facts


def run(folder: Path, count: int, chosen: argparse.Namespace) -> None:
    """Let devices update through waves, and hold all that is known of it together."""
    pki = Pki.make(folder / "pki")
    keys.init(folder / "keys", now=datetime.now(UTC), products=("gateway",))
    with console.running(folder / "console", pki, folder / "keys"):
        pass
    connected.fill(folder, count, count)
    with serving(folder) as (server, facts):
        broker = connected.child_of(server.pid, "mosquitto")
        with fleet(folder, pki, facts, count, chosen) as devices:
            arrive(server, broker, count, chosen)
            plan = Plan(
                (RELEASE,),
                waves=plans.waves("1%,10%,50%,100%", Wave(limit=Limit(percent=20, sample=50))),
                evidence=None,
                pace=Pace(at_once=chosen.cap),
                times=Times(soak_s=5, silence_s=300, timeout_s=3600, answer_s=600, seen_s=0),
            )
            told = campaign(server, broker, devices, plan)
            devices.terminate()
            out, _none = devices.communicate(timeout=120)
    url = Site(folder / "console").database_url
    campaign_check.tell(url, told["campaign"], plan, json.loads(out), count)


@contextmanager
def serving(folder: Path) -> Iterator[tuple[Process, dict[str, Any]]]:
    words = [sys.executable, __file__, "run", "--serve", str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) as child:  # noqa: TID251
        assert child.stdout is not None
        assert child.stdin is not None
        yield child, json.loads(child.stdout.readline())
        child.stdin.close()
        child.wait(60)


def ask(server: Process, line: str = "") -> dict[str, Any]:
    assert server.stdout is not None
    assert server.stdin is not None
    server.stdin.write(f"{line}\n")
    server.stdin.flush()
    found: dict[str, Any] = json.loads(server.stdout.readline())
    return found


@contextmanager
def fleet(
    folder: Path, pki: Pki, facts: dict[str, Any], count: int, chosen: argparse.Namespace
) -> Iterator[Process]:
    words = [*EDGE, "simulate", "--devices", str(count), "--json", "--product", "gateway"]
    words += ["--http", f"https://localhost:{facts['port']}/", "--identities", str(folder / "ids")]
    words += ["--mqtt", f"mqtts://localhost:{facts['mqtt_port']}", "--faults", chosen.faults]
    words += ["--factory-ca", str(pki.factory.file), "--factory-key", str(pki.factory.key_file)]
    words += ["--server-ca", str(facts["ca"]), "--ramp", str(chosen.ramp)]
    words += ["--mqtt-percent", str(chosen.mqtt_percent), "--poll", str(chosen.poll)]
    words += ["--speed", str(chosen.speed), "--bad-release", "1.1.0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:  # noqa: TID251
        try:
            yield child
        finally:
            with contextlib.suppress(ProcessLookupError):
                child.terminate()


def arrive(server: Process, broker: int, count: int, chosen: argparse.Namespace) -> None:
    """Wait until all are there, and say what that took."""
    began_s = time.monotonic()
    while (found := connected.connections(broker)) < count * chosen.mqtt_percent // 100:
        if time.monotonic() - began_s > chosen.ramp * 4:
            break
        time.sleep(1)
    time.sleep(chosen.poll)
    facts = ask(server)
    print(
        f"{count:,} devices came in {time.monotonic() - began_s:.0f} s, {found:,} by MQTT:"
        f" console {facts['cpu_s']:.0f} s of CPU, {facts['memory_bytes'] >> 20} MiB;"
        f" broker {proc.cpu_s(broker):.0f} s, {proc.memory_bytes(broker) >> 20} MiB",
        flush=True,
    )


def campaign(server: Process, broker: int, devices: Process, plan: Plan) -> dict[str, Any]:
    """Run a campaign to its end; return how it ended."""
    used = {"broker": proc.cpu_s(broker), "devices": proc.cpu_s(devices.pid)}
    before, began_s = ask(server), time.monotonic()
    facts = ask(server, f"start {plans.pack(plan).decode()}")
    print(f"made and started in {time.monotonic() - began_s:.1f} s", flush=True)
    most = 0
    while facts["state"] not in ("finished", "aborted", "reverted", "paused"):
        time.sleep(LOOK_S)
        facts = ask(server)
        most = max(most, sum(facts["counts"].get(str(one), 0) for one in UNDER_WAY))
        shown = {name: count for name, count in facts["counts"].items() if count}
        print(f"{time.monotonic() - began_s:5.0f} s wave {facts['wave']}: {shown}", flush=True)
    took_s = time.monotonic() - began_s
    print(
        f"{facts['state']} {facts['reason']} after {took_s:.0f} s, at most {most} under way when"
        f" looked at: console {facts['cpu_s'] - before['cpu_s']:.0f} s of CPU"
        f" ({100 * (facts['cpu_s'] - before['cpu_s']) / took_s:.0f} %),"
        f" {facts['memory_bytes'] >> 20} MiB;"
        f" broker {proc.cpu_s(broker) - used['broker']:.0f} s,"
        f" {proc.memory_bytes(broker) >> 20} MiB; devices"
        f" {proc.cpu_s(devices.pid) - used['devices']:.0f} s,"
        f" {proc.memory_bytes(devices.pid) >> 20} MiB",
        flush=True,
    )
    return facts


if __name__ == "__main__":
    main()
