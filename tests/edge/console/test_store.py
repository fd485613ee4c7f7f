"""One writer, batches, savepoints, migrations, and a database that is locked, full or too new."""

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Index, create_engine, func, insert, select

from edge.console.store import database as module
from edge.console.store import migrate
from edge.console.store.campaign_tables import CAMPAIGN_DEVICES
from edge.console.store.database import Database, StoreError
from edge.console.store.tables import METADATA, TENANTS
from edge.errors import InputError, RefusedError, ThingNotFoundError
from tests.fakes.console import sql


def add(name: str) -> module.Step[None]:
    def step(connection: Connection) -> None:
        connection.execute(insert(TENANTS).values(tenant=name))

    return step


def names(connection: Connection) -> list[str]:
    return list(connection.scalars(select(TENANTS.c.tenant).order_by(TENANTS.c.tenant)))


def test_the_migrations_make_the_tables_of_the_code(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        kind = connection.dialect.name

        def is_meant(one: object, *_more: object) -> bool:
            return not isinstance(one, Index) or one.info.get("only", kind) == kind

        opts = {"include_object": is_meant}
        return list(compare_metadata(MigrationContext.configure(connection, opts=opts), METADATA))

    assert database.read_now(differences) == []


def test_a_step_that_raises_takes_back_only_itself(database: Database) -> None:
    def fail(connection: Connection) -> None:
        add("lost")(connection)
        raise ThingNotFoundError("no")

    async def write() -> list[object]:
        steps = (add("a"), fail, add("b"))
        return await asyncio.gather(*map(database.write, steps), return_exceptions=True)

    ends = asyncio.run(write())

    assert [type(one) for one in ends] == [type(None), ThingNotFoundError, type(None)]
    assert database.read_now(names) == ["a", "b"]


def test_a_broken_rule_of_the_tables_is_told_to_the_one_who_broke_it(database: Database) -> None:
    async def write() -> list[object]:
        steps = (add("a"), add("a"), add("b"))
        return await asyncio.gather(*map(database.write, steps), return_exceptions=True)

    ends = asyncio.run(write())

    assert [type(one) for one in ends] == [type(None), StoreError, type(None)]
    assert database.read_now(names) == ["a", "b"]


def test_what_waits_shares_a_commit(database: Database) -> None:
    async def write() -> None:
        await asyncio.gather(*(database.write(add(f"t{number}")) for number in range(300)))

    asyncio.run(write())

    assert database.read_now(lambda one: one.scalar(select(func.count()).select_from(TENANTS)))
    assert len(database.read_now(names)) == 300
    assert database.batches < 150


def test_what_was_told_outlives_the_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'kept.db'}"
    first = Database(url)
    first.write_now(add("kept"))
    first.close()

    second = Database(url)

    assert second.read_now(names) == ["kept"]
    second.close()


def test_a_database_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "later.db"
    Database(f"sqlite:///{file}").close()
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num='9999'")
    connection.close()

    with pytest.raises(RefusedError, match="9999"):
        Database(f"sqlite:///{file}")


@pytest.mark.parametrize("url", ["", "mysql://host/name", "sqlite", "nonsense"])
def test_another_kind_of_database_is_refused(url: str) -> None:
    with pytest.raises(InputError):
        Database(url)


def test_a_locked_database_is_told_and_works_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BUSY_S", 0.05)
    file = tmp_path / "locked.db"
    database = Database(f"sqlite:///{file}")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreError, match="locked"):
        database.write_now(add("a"))
    other.execute("ROLLBACK")
    other.close()
    database.write_now(add("b"))

    assert database.read_now(names) == ["b"]
    database.close()


def test_a_full_database_changes_nothing_and_goes_on(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'full.db'}")

    def fill(connection: Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        for number in range(10_000):
            add(f"{number:0>1000}")(connection)

    async def write() -> list[object]:
        steps = (add("before"), fill, add("beside"))
        return await asyncio.gather(*map(database.write, steps), return_exceptions=True)

    ends = asyncio.run(write())
    sql(database, "PRAGMA max_page_count=100000")
    database.write_now(add("after"))

    assert [str(one) for one in ends] == ["None", "database: database or disk is full", "None"]
    assert database.read_now(names) == ["after", "before", "beside"]
    database.close()


def test_the_devices_of_campaigns_outlive_the_table_that_is_made_anew(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'old.db'}")
    with engine.begin() as connection:
        migrate.upgrade(connection, to="0014")
        for number in range(3):
            values = {"tenant": "us", "campaign": "c-1", "device": f"d-{number}"}
            more = {"wave": 0, "rank": number, "state": "waiting", "action": "7-x"}
            connection.execute(CAMPAIGN_DEVICES.insert().values(values | more))
        asked = select(
            *(CAMPAIGN_DEVICES.c[name] for name in ("device", "rank", "state", "action"))
        )
        before = connection.execute(asked).all()

        migrate.upgrade(connection)

        assert connection.execute(asked).all() == before
        assert len(before) == 3
    engine.dispose()


def test_a_database_that_another_process_writes_to_is_opened_after_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'busy.db'}"
    Database(url).close()
    other = sqlite3.connect(tmp_path / "busy.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    other.execute("DELETE FROM tenants")
    commit = threading.Timer(0.2, lambda: other.execute("COMMIT"))
    commit.start()

    Database(url).close()

    commit.join()
    other.close()
