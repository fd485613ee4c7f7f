"""Alembic runs this: it applies migrations through the connection that it was given."""

from alembic import context

from edge.console.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
)
context.run_migrations()
