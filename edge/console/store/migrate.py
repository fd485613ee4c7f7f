"""Bring a database to the tables of this version, step by step."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from edge.errors import RefusedError

FOLDER: Final = Path(__file__).parent / "migrations"


def upgrade(connection: Connection, *, to: str | None = None) -> None:
    """Apply the migrations that a database has not seen; all of them or none.

    Args:
        connection: Of the transaction.
        to: The last one to apply; all when None.

    Raises:
        RefusedError: A later version of the console has written it, or knows that migration.
    """
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    known = {one.revision for one in scripts.walk_revisions()}
    found, wanted = revision(connection), to or scripts.get_current_head()
    if found == wanted:
        return
    for one in (found, wanted):
        if one is not None and one not in known:
            raise RefusedError(
                f"the tables are those of version {one!r}, which is not known here",
                hint="a later version of edge wrote it: use that one",
            )
    command.upgrade(config, wanted or "head")


def revision(connection: Connection) -> str | None:
    """Return the last migration that a database has seen, None if it has seen none."""
    return MigrationContext.configure(connection).get_current_revision()
