"""What SQLite is told of the sizes of things, so that it plans for large fleets, and always alike.

Without, it takes ten rows for what a tenant has, and goes through all of them to save a sort. What
it would count itself (`ANALYZE`) is that of a day, and of a fleet that was small when it began.

Source: SQLite, The Query Optimizer Overview, on plans controlled by SQLITE_STAT tables.
"""

from collections.abc import Sequence
from math import prod
from typing import Final

from sqlalchemy import Connection, text

ROWS: Final = 1_000_000
# Of an index with a condition: it has what is under way, and not what waits.
SOME_ROWS: Final = 1_000
# How many values a column has in one tenant; as many as there are rows, if it is not named here.
_VALUES: Final = {
    "tenant": 1,
    "is_live": 2,
    "is_online": 2,
    "slot": 2,
    "board": 4,
    "state": 4,
    "wave": 5,
    "product": 10,
    "campaign": 20,
    "name": 20,
    "service": 20,
    "group": 50,
    "version": 100,
    "version_key": 100,
    "tag": 200,
    "value": 1_000,
}


def tell(connection: Connection) -> None:
    """Write what each index of an SQLite database is to be taken for."""
    connection.exec_driver_sql("ANALYZE sqlite_schema")  # makes the table
    connection.exec_driver_sql("DELETE FROM sqlite_stat1")
    asked = text(
        "SELECT name, tbl_name, coalesce(sql, '') LIKE '% WHERE %' FROM sqlite_schema"
        " WHERE type = 'index'"
    )
    for index, table, is_partial in connection.execute(asked).tuples().all():
        asked = text("SELECT name FROM pragma_index_info(:index) ORDER BY seqno")
        columns = connection.scalars(asked, {"index": index}).all()
        _write(connection, table, index, columns, SOME_ROWS if is_partial else ROWS)
    for table in _trees(connection):
        asked = text("SELECT name FROM pragma_table_info(:table) WHERE pk > 0 ORDER BY pk")
        # The tree of its key is called as the table is.
        _write(connection, table, table, connection.scalars(asked, {"table": table}).all())
    connection.exec_driver_sql("ANALYZE sqlite_schema")  # reads it


def _trees(connection: Connection) -> Sequence[str]:
    """Return the tables whose rows stand in the tree of their key: of that no index is listed."""
    asked = text(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%WITHOUT ROWID%'"
    )
    return connection.scalars(asked).all()


def _write(
    connection: Connection, table: str, index: str, columns: Sequence[str], rows: int = ROWS
) -> None:
    row = {"table": table, "index": index, "said": _said(columns, rows)}
    new = text("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (:table, :index, :said)")
    connection.execute(new, row)


def _said(columns: Sequence[str], rows: int) -> str:
    """Return the rows of all, and of one value of the first column, of the first two, and so on."""
    values = [_VALUES.get(one, rows) for one in columns]
    alike = [max(1, rows // prod(values[:end])) for end in range(1, len(values) + 1)]
    return " ".join(map(str, [rows, *alike]))
