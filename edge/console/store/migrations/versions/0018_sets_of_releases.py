"""Campaigns that bring several releases to a device: what it took of them, and ran before."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Make the columns; campaigns of before have one release for a device, and go on."""
    for name in ("service", "taken", "from_services", "left_services"):
        op.add_column(
            "campaign_devices", sa.Column(name, sa.Text(), server_default="", nullable=False)
        )
    is_one = sa.text("taken != ''")
    op.create_index(
        "ix_campaign_devices_taken",
        "campaign_devices",
        ["tenant", "campaign"],
        sqlite_where=is_one,
        postgresql_where=is_one,
    )
