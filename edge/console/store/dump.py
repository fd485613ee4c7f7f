"""All rows of a database as files, one a table, for any other database of a console.

A row is a line of JSON; bytes are `{"base64": "…"}`. The files say nothing of the tables: those are
made by the migrations that the database had seen, and brought to this version when the rows are in.
"""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Column, Connection, MetaData, Table, func, insert, select, text
from sqlalchemy.exc import SQLAlchemyError

from edge.console.store import migrate
from edge.console.store.database import StoreError
from edge.console.store.people_tables import INVITATIONS, SESSIONS
from edge.console.store.tables import METADATA
from edge.errors import InputError, RefusedError

_AT_ONCE: Final = 500
_SUFFIX: Final = ".jsonl"
# What somebody ended in the meantime must not be back: he logs in again.
_LEFT_OUT: Final = (SESSIONS, INVITATIONS)


def write(connection: Connection, folder: Path) -> dict[str, int]:
    """Write all rows, as they are at one moment; return how many each table has.

    Sessions of people and links for them are left out.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    counts = {}
    for table in METADATA.sorted_tables:
        if table in _LEFT_OUT:
            continue
        count = 0
        with (folder / f"{table.name}{_SUFFIX}").open("w", encoding="utf-8") as stream:
            for row in connection.execute(select(table).order_by(*table.primary_key.columns)):
                values = {name: _said(value) for name, value in row._mapping.items()}
                stream.write(json.dumps(values, separators=(",", ":")) + "\n")
                count += 1
        counts[table.name] = count
    return counts


def read(connection: Connection, folder: Path, revision: str) -> dict[str, int]:
    """Fill an empty database with rows; return how many each table got.

    Args:
        connection: Of the transaction; nothing is kept of it after an error.
        folder: With the files.
        revision: The last migration that their database had seen.

    Raises:
        RefusedError: The database is not empty, or a later version of the console wrote the files.
        InputError: A row is none of its table.
    """
    if migrate.revision(connection) is not None:
        raise RefusedError("the database has a console in it already")
    migrate.upgrade(connection, to=revision)
    known = MetaData()
    known.reflect(connection)
    counts = {}
    for table in known.sorted_tables:
        file = folder / f"{table.name}{_SUFFIX}"
        if file.is_file():
            counts[table.name] = _fill(connection, table, file)
            _count_on(connection, table)
    migrate.upgrade(connection)
    return counts


def _fill(connection: Connection, table: Table, file: Path) -> int:
    count = 0
    for rows in _rows(table, file):
        try:
            connection.execute(insert(table), rows)
        except SQLAlchemyError as error:
            raise StoreError(f"{file.name}: after row {count}: {error}") from error
        count += len(rows)
    return count


def _rows(table: Table, file: Path) -> Iterator[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    with file.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            try:
                said = json.loads(line)
                rows.append({name: _meant(value) for name, value in said.items()})
            except (ValueError, AttributeError, TypeError) as error:
                raise InputError(f"{file.name}:{number}: no row: {error}") from error
            if set(rows[-1]) != set(table.columns.keys()):
                raise InputError(f"{file.name}:{number}: not the columns of {table.name}")
            if len(rows) == _AT_ONCE:
                yield rows
                rows = []
    if rows:
        yield rows


def _count_on(connection: Connection, table: Table) -> None:
    """Let a database that gives numbers go on above those that are there."""
    if connection.dialect.name != "postgresql":
        return
    for column in _numbered(table):
        last = connection.scalar(select(func.max(column)))
        if last is not None:
            sequence = func.pg_get_serial_sequence(table.name, column.name)
            connection.execute(select(func.setval(sequence, last)))


def _numbered(table: Table) -> list[Column[Any]]:
    return [column for column in table.primary_key.columns if column.server_default is not None]


def _said(value: object) -> object:
    if isinstance(value, bytes | memoryview):
        return {"base64": base64.b64encode(value).decode()}
    return value


def _meant(value: object) -> object:
    if isinstance(value, dict):
        return base64.b64decode(value["base64"], validate=True)
    return value
