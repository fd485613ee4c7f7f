"""A backup has people and their passwords, and nothing by which somebody is inside."""

from pathlib import Path

from sqlalchemy import Connection, Table, func, select

from edge.console.audit import Actor
from edge.console.people import credentials, invitations, people, sessions
from edge.console.people.roles import Role
from edge.console.store import dump
from edge.console.store.database import Database
from edge.console.store.people_tables import INVITATIONS, SESSIONS

ACTOR = Actor("us", "console", 1000)


def fill(connection: Connection) -> None:
    people.add(connection, ACTOR, "anna", Role.ADMIN)
    credentials.set_password(connection, ACTOR, "anna", "hash")
    noise = "ab".__mul__
    sessions.begin(
        connection, "us", "anna", way="link", address="", browser="", now_s=1000, noise=noise
    )
    invitations.make(connection, ACTOR, "anna", noise=noise)


def count(database: Database, table: Table) -> int | None:
    return database.read_now(lambda one: one.scalar(select(func.count()).select_from(table)))


def test_sessions_and_links_are_not_in_a_backup(database: Database, tmp_path: Path) -> None:
    database.write_now(fill)

    counts = database.read_now(lambda one: dump.write(one, tmp_path))

    stored = [count(database, table) for table in (SESSIONS, INVITATIONS)]
    assert (stored, {"sessions", "invitations"} & set(counts)) == ([1, 1], set())
    assert not [*tmp_path.glob("sessions*"), *tmp_path.glob("invitations*")]
    assert counts["people"] == 1
    assert '"password":"hash"' in (tmp_path / "people.jsonl").read_text()
