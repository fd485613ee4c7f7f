"""What is asked of devices once, and what they answer."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "commands",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), server_default="", nullable=False),
        sa.Column("lines", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("asked_by", sa.Text(), server_default="", nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)
            for name in ("asked_at_s", "expires_at_s", "answered_at_s", "length_bytes")
        ),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant", "device"],
            ["devices.tenant", "devices.device"],
            name=op.f("fk_commands_devices"),
        ),
        sa.PrimaryKeyConstraint("tenant", "command", name=op.f("pk_commands")),
    )
    with op.batch_alter_table("commands") as batch_op:
        for column in ("device", "state"):
            name = batch_op.f(f"ix_commands_tenant_{column}")
            batch_op.create_index(name, ["tenant", column], unique=False)
    op.create_table(
        "command_parts",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("part", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("is_last", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "command", "part", name=op.f("pk_command_parts")),
    )
