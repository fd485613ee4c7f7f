"""Terminals of devices, and their records."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_TEXTS = ("who", "opened_by", "reason", "command", "checked_by", "ended")
_NUMBERS = (
    *("number", "asked_at_s", "not_after_s", "answered_at_s"),
    *("ended_at_s", "chunks", "length_bytes"),
)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "terminals",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("session", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), server_default="", nullable=False) for name in _TEXTS),
        *(
            sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)
            for name in _NUMBERS
        ),
        sa.Column("status", sa.BigInteger(), server_default="-1", nullable=False),
        sa.Column("is_whole", sa.Boolean(), nullable=False),
        sa.Column("grant_bytes", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("closing", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant", "device"],
            ["devices.tenant", "devices.device"],
            name=op.f("fk_terminals_devices"),
        ),
        sa.PrimaryKeyConstraint("tenant", "session", name=op.f("pk_terminals")),
    )
    with op.batch_alter_table("terminals") as batch_op:
        for column in ("device", "state"):
            name = batch_op.f(f"ix_terminals_tenant_{column}")
            batch_op.create_index(name, ["tenant", column], unique=False)
    op.create_table(
        "terminal_chunks",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("session", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "session", "number", name=op.f("pk_terminal_chunks")),
    )
