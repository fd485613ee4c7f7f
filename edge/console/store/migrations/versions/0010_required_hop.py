"""From which release on another one can be taken directly."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the column; releases that are here say it anew with the next upload."""
    column = sa.Column("from_counter", sa.BigInteger(), server_default="0", nullable=False)
    with op.batch_alter_table("releases") as batch_op:
        batch_op.add_column(column)
