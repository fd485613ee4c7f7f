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


def upgrade(connection: Connection) -> None:
    """Apply the migrations that a database has not seen; all of them or none.

    Raises:
        RefusedError: A later version of the console has written it.
    """
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    head = scripts.get_current_head()
    found = MigrationContext.configure(connection).get_current_revision()
    if found == head:
        return
    if found is not None and found not in {one.revision for one in scripts.walk_revisions()}:
        raise RefusedError(
            f"the database has the tables of version {found!r}, which is not known here",
            hint="a later version of edge wrote it: use that one",
        )
    command.upgrade(config, "head")
