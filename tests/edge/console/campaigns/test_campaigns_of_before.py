"""Campaigns that a console of before has begun, whose devices got one release each."""

import json
import shutil
import sqlite3
from dataclasses import replace
from itertools import count
from pathlib import Path

from sqlalchemy import Connection, create_engine

from edge.console.campaigns import store, verifying
from edge.console.campaigns.campaign import Event
from edge.console.campaigns.ledger import opened
from edge.console.campaigns.members import MemberEvent
from edge.console.campaigns.plan import Limit, Pace, Wave
from edge.console.store import migrate
from edge.console.store.database import Database
from tests.edge.console.campaigns.ground import ALL_AT_ONCE, TENANT, Ground

_NEW = ("service", "taken", "from_services", "left_services")
PLAN = replace(
    ALL_AT_ONCE,
    waves=(Wave(percent=100, limit=Limit(count=9, percent=None)),),
    pace=Pace(at_once=3),
)


def made_old(now: Path, old: Path) -> str:
    """Write what a database has as the version before knew it; return the journal."""
    engine = create_engine(f"sqlite:///{old}")
    with engine.begin() as upgraded:
        migrate.upgrade(upgraded, to="0017")
    engine.dispose()
    connection = sqlite3.connect(old)
    connection.execute("ATTACH ? AS now", (str(now),))
    asked = "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    for (table,) in connection.execute(asked).fetchall():
        if table != "alembic_version":
            known = connection.execute(f"PRAGMA main.table_info({table})").fetchall()
            names = ", ".join(f'"{column[1]}"' for column in known)
            connection.execute(f"INSERT INTO main.{table} SELECT {names} FROM now.{table}")
    (body,) = connection.execute("SELECT body FROM main.campaigns").fetchone()
    known = json.loads(body)
    del known["halfway"]
    connection.execute("UPDATE main.campaigns SET body = ?", (json.dumps(known),))
    journal = connection.execute("SELECT what FROM main.campaign_journal").fetchall()
    connection.commit()
    connection.close()
    return " ".join(what for (what,) in journal)


def passed(connection: Connection, id_: str, device: str, now_s: int) -> None:
    """Let a device commit a release on the way, as that was told then: it waits once more."""
    with opened(connection, TENANT, id_, now_s) as ledger:
        ledger.happen(store.member(connection, TENANT, id_, device), MemberEvent.PASSED)


def test_a_campaign_of_before_goes_on_and_is_taken_back(
    keys: Path, stock: Path, tmp_path: Path
) -> None:
    shutil.copytree(stock, tmp_path / "tenants")

    def begin(file: Path) -> Ground:
        return Ground(Database(f"sqlite:///{file}"), keys, tmp_path / "tenants")

    now, old = tmp_path / "now.db", tmp_path / "old.db"
    ground = begin(now)
    ground.fleet(10)
    id_ = ground.start(PLAN)
    first, second, third = sorted(ground.ordered())
    ground.update(first)
    ground.fail(second)
    ground.write(lambda c: passed(c, id_, third, ground.now_s))
    ground.database.close()
    journal = made_old(now, old)
    assert not any(f'"{name}"' in journal for name in _NEW)

    again = begin(old)
    again.now_s, again.words, again.numbers = ground.now_s, count(1000), count(1000)
    again.play(id_, until=lambda: not again.campaign(id_).campaign.is_live)
    assert again.states(id_) == {"succeeded": 8, "present": 1, "failed": 1}
    again.decide(id_, Event.REVERTED)
    again.play(id_, until=lambda: not again.campaign(id_).campaign.is_live)

    assert again.states(id_) == {"reverted": 8, "present": 1, "failed": 1}
    found = again.read(lambda one: verifying.verify(one, TENANT, id_))
    assert found.differences == ()
    again.database.close()
