"""Groups of devices."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "groups",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("group", sa.Text(), nullable=False),
        sa.Column("filter", sa.Text(), server_default="", nullable=False),
        sa.Column("notes", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "group", name=op.f("pk_groups")),
    )
    op.create_table(
        "members",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("group", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "device"],
            ["devices.tenant", "devices.device"],
            name=op.f("fk_members_devices"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "group"], ["groups.tenant", "groups.group"], name=op.f("fk_members_groups")
        ),
        sa.PrimaryKeyConstraint("tenant", "group", "device", name=op.f("pk_members")),
    )
    with op.batch_alter_table("members") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_members_tenant_device"), ["tenant", "device"], unique=False
        )
