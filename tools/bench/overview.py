"""What processor time the overview of a large fleet takes, over SQLite.

PYTHONPATH=.:device-agent:signing .venv/bin/python tools/bench/overview.py [--devices 100000]
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from random import Random

from sqlalchemy import Connection

from edge.console import overview
from edge.console.filters import versions
from edge.console.store.database import Database
from edge.console.store.tables import DEVICES, GROUPS, MEMBERS, ORDERS, SIGHTINGS

NOW_S = 2_000_000_000
DAY_S = 86_400
TENANT = "default"
TIMES = 20
# An order that is signed takes about so much.
ORDER_BYTES = 1_500
BATCH = 5_000
VERSIONS = [f"1.{minor}.{patch}" for minor in range(6) for patch in range(4)]
AGES_S = [10] * 20 + [1_000, 5_000, 100_000, 900_000]
REASONS = ["no space", "power", "not healthy"]
ENDS = ["succeeded"] * 40 + ["failed", "open", "replaced"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--devices", type=int, default=100_000)
    count = parser.parse_args().devices
    with tempfile.TemporaryDirectory(prefix="edge-") as folder:
        database = Database(f"sqlite:///{Path(folder) / 'console.db'}")
        database.write_now(lambda one: fill(one, count))
        print(f"{count} devices, {TIMES} times each")
        tell("all", database, None)
        tell("a group of half of them", database, ["half"])
        database.close()


def tell(name: str, database: Database, names: list[str] | None) -> None:
    took = []
    for _time in range(TIMES):
        began = time.thread_time()
        database.read_now(lambda one: overview.of(one, TENANT, NOW_S, names))
        took.append((time.thread_time() - began) * 1000)
    took.sort()
    print(f"{name}: median {took[TIMES // 2]:.0f} ms, p95 {took[TIMES * 95 // 100]:.0f} ms")


def fill(connection: Connection, count: int) -> None:
    chance = Random(1)
    connection.execute(GROUPS.insert(), [{"tenant": TENANT, "group": "half"}])
    for first in range(0, count, BATCH):
        numbers = range(first, min(count, first + BATCH))
        connection.execute(DEVICES.insert(), [device(one, chance) for one in numbers])
        connection.execute(SIGHTINGS.insert(), [sighting(one, chance) for one in numbers])
        connection.execute(ORDERS.insert(), [order(one, chance) for one in numbers if one % 3 == 0])
        members = [{"tenant": TENANT, "group": "half", "device": name(one)} for one in numbers[::2]]
        connection.execute(MEMBERS.insert(), members)


def name(number: int) -> str:
    return f"unit-{number:07}"


def device(number: int, chance: Random) -> dict[str, object]:
    version = chance.choice(VERSIONS)
    return {
        "tenant": TENANT,
        "device": name(number),
        "state": "accepted" if number % 50 else "pending",
        "fingerprint": f"{number:064x}",
        "board": "rpi4",
        "product": "gateway",
        "version": version,
        "version_key": versions.key(version),
        "desired": os.urandom(ORDER_BYTES),
        "desired_action": f"{number}-a" if number % 3 == 0 else "",
        "reason": REASONS[number % len(REASONS)] if number % 25 == 0 else "",
        "is_online": bool(number % 2),
    }


def sighting(number: int, chance: Random) -> dict[str, object]:
    seen_s = NOW_S - chance.choice(AGES_S)
    about = {"tenant": TENANT, "device": name(number)}
    return {**about, "first_seen_s": 1, "last_seen_s": seen_s}


def order(number: int, chance: Random) -> dict[str, object]:
    return {
        "tenant": TENANT,
        "action": f"{number}-a",
        "device": name(number),
        "version": "1.6.0",
        "state": chance.choice(ENDS),
        "reason": chance.choice(REASONS),
        "created_at_s": NOW_S - chance.randrange(10 * DAY_S),
        "closed_at_s": NOW_S - chance.randrange(20 * DAY_S),
    }


if __name__ == "__main__":
    main()
