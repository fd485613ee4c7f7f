"""What a large fleet is told by: overviews that are kept, and indexes for campaigns over it."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

_CARD = (
    "tenant",
    "device",
    "state",
    "board",
    "product",
    "version",
    "version_key",
    "slot",
    "phase",
    "reason",
    "is_online",
    "created_at_s",
    "desired_action",
    "counter",
)


def upgrade() -> None:
    """Make the table and the indexes."""
    op.create_table(
        "overviews",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("groups", sa.Text(), nullable=False),
        sa.Column("counted_at_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("took_ms", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "groups", name=op.f("pk_overviews")),
    )
    of_whole = sa.text("device = ''")
    op.create_index(
        "ix_campaign_journal_whole",
        "campaign_journal",
        ["tenant", "campaign", "number"],
        unique=False,
        sqlite_where=of_whole,
        postgresql_where=of_whole,
    )
    if op.get_bind().dialect.name != "sqlite":
        return
    for table, columns in (
        ("devices", ["tenant", "reason", "device"]),
        ("campaign_devices", ["tenant", "campaign", "state", "reason"]),
    ):
        has_one = sa.text("reason != ''")
        op.create_index(f"ix_{table}_reason", table, columns, unique=False, sqlite_where=has_one)
    op.drop_index("ix_devices_card", table_name="devices")
    op.create_index("ix_devices_card", "devices", list(_CARD), unique=False)
