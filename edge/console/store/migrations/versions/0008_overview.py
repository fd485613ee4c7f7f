"""Samples of versions, and indexes for the overview of a fleet."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the table and the indexes."""
    op.create_table(
        "samples",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("at_s", sa.BigInteger(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("devices", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "at_s", "product", "version", name=op.f("pk_samples")),
    )
    with op.batch_alter_table("devices") as batch_op:
        batch_op.drop_index(batch_op.f("ix_devices_tenant_state"))
        batch_op.create_index(
            batch_op.f("ix_devices_tenant_state_product_version_is_online"),
            ["tenant", "state", "product", "version", "is_online"],
            unique=False,
        )
    with op.batch_alter_table("orders") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_orders_tenant_state_closed_at_s"),
            ["tenant", "state", "closed_at_s"],
            unique=False,
        )
