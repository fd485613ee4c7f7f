"""Columns as a query is to see them, where databases differ in how they look for rows."""

from typing import Any

from sqlalchemy import Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class Folded(FunctionElement[str]):
    """A text for LIKE, capital and small letters of ASCII the same."""

    inherit_cache = True
    name = "folded"
    type = Text()


class Aside(FunctionElement[str]):
    """A text by whose index no rows are to be found: another one has them in a better order."""

    inherit_cache = True
    name = "aside"
    type = Text()


@compiles(Folded)
def _folded(element: Folded, compiler: Any, **more: Any) -> str:
    said: str = compiler.process(element.clauses, **more)
    # LIKE of SQLite folds by itself; what is folded before takes twice as long.
    return said if compiler.dialect.name == "sqlite" else f"lower({said})"


@compiles(Aside)
def _aside(element: Aside, compiler: Any, **more: Any) -> str:
    said: str = compiler.process(element.clauses, **more)
    return f"+{said}" if compiler.dialect.name == "sqlite" else said
