"""Until when the user of a device that speaks DDI may put an order off."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Add the column; what is ordered already is as it was."""
    with op.batch_alter_table("ddi_actions") as batch_op:
        batch_op.add_column(
            sa.Column("until_s", sa.BigInteger(), server_default="0", nullable=False)
        )
