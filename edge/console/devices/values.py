"""Texts that a pattern fits, found in an index: by how they begin, or by the values that there are.

Both are for SQLite: it has the indexes, and compares texts by their bytes.
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, select, true, union_all

from edge.console.filters import glob, sql
from edge.console.filters.terms import Compare

# So many letters, which may be capitals or not, are looked for in each way.
_LETTERS_MOST: Final = 4
# If there are more values than that, all rows are looked through.
VALUES_MOST: Final = 5_000


def beginning(rows: Select[Any], column: Any, term: Compare) -> Select[Any] | None:
    """Return those of some rows whose text a pattern fits; None if it may begin in any way.

    Args:
        rows: Selects one column, in the order of `column` by an index.
        column: The text.
        term: The pattern.
    """
    begun = glob.prefixes(str(term.value), _LETTERS_MOST)
    if not begun:
        return None
    parts = [rows.where(*_from(column, one), sql.text(term, column)) for one in begun]
    every = union_all(*parts).subquery("begun")
    return select(*every.c)


def like(rows: Select[Any], column: Any, term: Compare) -> Select[Any]:
    """Return those of some rows whose text a pattern fits, by a look at each value that there is.

    Args:
        rows: Selects one column of rows that an index has in the order of `column`.
        column: The text.
        term: The pattern.
    """
    known = _values(rows, column)
    value: ColumnElement[str] = known.c.value
    fitting = select(value).where(value.is_not(None), sql.text(term, value))
    are_few = select(func.count()).select_from(known).scalar_subquery() <= VALUES_MOST
    few = rows.where(are_few, column.in_(fitting))
    # From nowhere on, if they are few: said as a range, so that no row is looked at.
    many = rows.where(column >= case((~are_few, "")), sql.text(term, column))
    every = union_all(few, many).subquery("fitting")
    return select(*every.c)


def _values(rows: Select[Any], column: Any) -> Any:
    """Return the different values of a column, and how many were found with each, as a table."""
    least = rows.with_only_columns(func.min(column))
    first = select(least.scalar_subquery().label("value"), literal(1).label("number"))
    known = first.cte(recursive=True)
    following = least.where(column > known.c.value).scalar_subquery()
    return known.union_all(
        select(following, known.c.number + 1).where(
            known.c.value.is_not(None), known.c.number <= VALUES_MOST
        )
    )


def _from(column: Any, begun: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return what holds for texts that begin so, as a range."""
    last = ord(begun[-1])
    # Behind the last sign that there is, and before what can not be stored, nothing begins so.
    is_last = last + 1 > _SIGNS_LAST or last + 1 in _NO_SIGNS
    end = true() if is_last else column < begun[:-1] + chr(last + 1)
    return column >= begun, and_(true(), end)


_SIGNS_LAST: Final = 0x10FFFF
_NO_SIGNS: Final = range(0xD800, 0xE000)
