"""How SQLite looks for the rows of what is asked."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, event

from edge.console.store.database import Database

_NOTHING_TO_LOOK_FOR = ("BEGIN", "SAVEPOINT", "RELEASE", "INSERT", "EXPLAIN")


def plans(database: Database, ask: Callable[[Connection], object]) -> list[str]:
    """Return the steps by which all questions of one step of a transaction are answered."""
    found: list[str] = []

    def explain(connection: Connection, *more: Any) -> None:
        _cursor, said, values, *_ = more
        if not said.startswith(_NOTHING_TO_LOOK_FOR):
            raw = connection.connection.dbapi_connection
            assert raw is not None
            rows = raw.cursor().execute(f"EXPLAIN QUERY PLAN {said}", values)
            found.extend(row[3] for row in rows)

    with database._engine.connect() as connection:
        event.listen(connection, "before_cursor_execute", explain)
        ask(connection)
    return found


def without_index(found: list[str]) -> list[str]:
    """Return the steps that look at all rows of a table, or of a tenant."""
    scans = [one for one in found if one.startswith("SCAN") and "CONSTANT" not in one]
    return scans + [one for one in found if "(tenant=?)" in one and "ix_sightings" not in one]
