"""How long overviews, filtered lists and reports take with 1,000,000 known devices, over SQLite.

    PYTHONPATH=.:device-agent:signing .venv/bin/python tools/bench/million.py [--devices 1000000]

Each question is asked as the API asks it, a page of 100 with the number of all that are meant, and
takes turns with the others. `--folder` keeps the database for another run.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

from sqlalchemy import Connection, update

from edge.console import overview
from edge.console.audit import Actor
from edge.console.desk import Caller, Via
from edge.console.devices import device_filter, finding, groups, listing, reports, services
from edge.console.filters import versions
from edge.console.overviews import Overviews
from edge.console.store.database import Database
from edge.console.store.service_tables import DEVICE_SERVICES
from edge.console.store.tables import ATTRIBUTES, DEVICES, GROUPS, MEMBERS, TAGS
from edge.console.visitor import Visitor
from edge_signing.messages import EventId, ReportEvent, Status
from tools.bench import overview as fleet

PAGE = 100
SMALL = 10_000
REPORTS = 2_000
LOOKS, LOOK_EVERY_S = 100, 0.3
# What it is of, and one device in so many.
LABELS = {"berlin": 10, "canary": 1_000}
MEMBERS_OF = {"eu": 5, "lab": 2_000}
SITES = 1_000
OWN = "0123456789abcdef"
FILTERS = (
    "",
    "version<1.2",
    "version<1.0.1 and tag:berlin",
    "version>=9",
    "tag:canary",
    "tag:none",
    "tag:berlin and group:eu",
    "group:lab",
    "group:eu and version>=1.5",
    "attr.site=site-7",
    "attr.site~SITE-7?",
    "seen<5m",
    "seen>7d",
    "seen=never",
    "online=yes and state=accepted",
    "state=pending",
    "id=unit-0500000",
    "id~*99999",
    "id~unit-05*",
    "reason~*power*",
    "not tag:berlin",
    "service:web",
    "not service:web",
    "service.web<1.1",
    "service.web=1.5 and group:eu",
    "service.web>=9",
    "board=rpi3 or product=camera",
)
SORTED = ("-seen", "-version")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--devices", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--folder", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="edge-") as name:
        folder = chosen.folder or Path(name)
        database = filled(folder / f"console-{chosen.devices}.db", chosen.devices)
        print(f"{chosen.devices:,} devices, {chosen.times} times each, milliseconds", flush=True)
        for title, took in asked(database, chosen.times).items():
            tell(title, took)
        for title, groups in (("all", None), ("half of them", frozenset({"half"}))):
            asyncio.run(looked_at(database, f"overview of {title} as pages ask for it", groups))
        small = filled(folder / f"console-{SMALL}.db", SMALL)
        report({chosen.devices: database, SMALL: small})
        small.close()
        database.close()


def filled(path: Path, count: int) -> Database:
    """Return a database of so many devices; the one that is there, or a new one."""
    is_there = path.exists()
    database = Database(f"sqlite:///{path}")
    if not is_there:
        began_s = time.monotonic()
        database.write_now(lambda one: fleet.fill(one, count))
        database.write_now(lambda one: label(one, count))
        print(f"{count:,} devices stored in {time.monotonic() - began_s:.0f} s", flush=True)
    return database


def label(connection: Connection, count: int) -> None:
    """Give devices tags, attributes and groups."""
    connection.execute(
        GROUPS.insert(), [{"tenant": fleet.TENANT, "group": one} for one in MEMBERS_OF]
    )
    for first in range(0, count, fleet.BATCH):
        numbers = range(first, min(count, first + fleet.BATCH))
        same = {
            number: {"tenant": fleet.TENANT, "device": fleet.name(number)} for number in numbers
        }
        rows = [
            {**same[number], "tag": tag}
            for number in numbers
            for tag, each in LABELS.items()
            if number % each == 0
        ]
        connection.execute(TAGS.insert(), rows)
        rows = [
            {**same[number], "group": group}
            for number in numbers
            for group, each in MEMBERS_OF.items()
            if number % each == 0
        ]
        connection.execute(MEMBERS.insert(), rows)
        rows = [
            {**same[number], "name": "site", "value": f"site-{number % SITES}"}
            for number in numbers
        ]
        connection.execute(ATTRIBUTES.insert(), rows)
        rows = [running(number, same[number]) for number in numbers]
        connection.execute(DEVICE_SERVICES.insert(), rows)
    connection.execute(update(DEVICES).values(services=services.said({"web": "web+1.0"})))


def running(number: int, same: dict[str, str]) -> dict[str, str]:
    """Return what a device runs of a service: one of ten versions, one of them the system's own."""
    minor = number % 10
    version = f"web+1.{minor}" if minor else OWN
    key = versions.key(f"1.{minor}") if minor else ""
    return {**same, "service": "web", "version": version, "version_key": key}


def asked(database: Database, times: int) -> dict[str, list[tuple[float, float]]]:
    """Return how long each question took, of the wall and of a processor, in milliseconds."""
    half = ["half"]
    questions: dict[str, Callable[[Connection], object]] = {
        "overview": lambda one: overview.of(one, fleet.TENANT, fleet.NOW_S),
        "overview of who is limited to half of them": lambda one: overview.of(
            one, fleet.TENANT, fleet.NOW_S, half
        ),
    }
    for text in FILTERS:
        questions[f"list {text or 'of all'}"] = partial(page, text=text, sort="id")
    for sort in SORTED:
        questions[f"list version<1.2, {sort}"] = partial(page, text="version<1.2", sort=sort)
    took: dict[str, list[tuple[float, float]]] = {title: [] for title in questions}
    for _time in range(times):
        for title, question in questions.items():
            began_s, began_cpu_s = time.perf_counter(), time.thread_time()
            database.read_now(question)
            used_s = time.thread_time() - began_cpu_s
            took[title].append(((time.perf_counter() - began_s) * 1000, used_s * 1000))
    return took


async def looked_at(database: Database, title: str, groups: frozenset[str] | None) -> None:
    """Say how long pages wait for an overview that they ask for again and again.

    The first one comes to a console that has just begun, when those before it counted long ago.
    """
    await Overviews(database, lambda: fleet.NOW_S).of(visitor(groups, 0))
    kept, took = Overviews(database, lambda: fleet.NOW_S), []
    for number in range(LOOKS):
        began_s = time.perf_counter()
        found = await kept.of(visitor(groups, 600 + number))
        took.append((time.perf_counter() - began_s) * 1000)
        if not number:
            print(f"{title}: {fleet.NOW_S + 600 - found.counted_at_s} s old at first", flush=True)
        await asyncio.sleep(LOOK_EVERY_S)
    first, ordered = took[0], sorted(took[1:])
    middle, last = ordered[len(ordered) // 2], ordered[len(ordered) * 95 // 100]
    print(
        f"{title}: the first waits {first:.0f} ms; wall median {middle:.2f}, p95 {last:.2f},"
        f" the longest {ordered[-1]:.2f}",
        flush=True,
    )


def visitor(groups: frozenset[str] | None, at_s: int) -> Visitor:
    actor = Actor(fleet.TENANT, "bench", fleet.NOW_S + at_s)
    return Visitor(actor, "bench", frozenset(), groups)


def page(connection: Connection, text: str, sort: str) -> None:
    """Ask for a page as the API does."""
    named = groups.named(connection, fleet.TENANT)
    meant = device_filter.meant(text, fleet.TENANT, fleet.NOW_S, named)
    most = finding.COUNT_MOST
    listing.page(connection, meant, most=PAGE, sort=sort, count_most=most)


def tell(title: str, took: list[tuple[float, float]]) -> None:
    said = []
    for name, times in zip(("wall", "CPU"), zip(*took, strict=True), strict=True):
        ordered = sorted(times)
        middle, last = ordered[len(took) // 2], ordered[len(took) * 95 // 100]
        said.append(f"{name} median {middle:.0f}, p95 {last:.0f}")
    print(f"{title}: {'; '.join(said)}", flush=True)


def report(databases: dict[int, Database]) -> None:
    """Measure what one report costs, in turns, each committed by itself."""
    took: dict[tuple[str, int], list[float]] = {}
    chance = Random(3)
    for number in range(REPORTS):
        for count, database in databases.items():
            name = fleet.name(chance.randrange(count))
            for what, step in (("status", status), ("event", event)):
                began_s = time.perf_counter()
                database.write_now(partial(step, device=name, number=number))
                took.setdefault((what, count), []).append((time.perf_counter() - began_s) * 1000)
    for (what, count), times in sorted(took.items()):
        ordered = sorted(times)
        middle, last = ordered[len(times) // 2], ordered[len(times) * 95 // 100]
        print(f"{what}, {count:,} devices: median {middle:.2f} ms, p95 {last:.2f} ms", flush=True)


def status(connection: Connection, device: str, number: int) -> None:
    said = Status(f"b{number}", 1, "", "idle", "a", "rpi4", "gateway", f"1.{number % 6}.0")
    said = replace(said, services={"web": f"web+1.{number % 6}"})
    caller = Caller(fleet.TENANT, device, Via.HTTP)
    reports.take_status(connection, caller, said, fleet.NOW_S)


def event(connection: Connection, device: str, number: int) -> None:
    said = ReportEvent(EventId(f"b{number}", 1), 1, "failed", "none", "1.0", "no space")
    caller = Caller(fleet.TENANT, device, Via.HTTP)
    reports.take_events(connection, caller, [said], fleet.NOW_S)


if __name__ == "__main__":
    main()
