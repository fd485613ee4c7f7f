"""Certificates that devices asked for in place of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Make the table, and tell retired certificates that were renewed from others."""
    op.create_table(
        "renewals",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("key_digest", sa.Text(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "device"],
            ["devices.tenant", "devices.device"],
            name=op.f("fk_renewals_devices"),
        ),
        sa.PrimaryKeyConstraint("tenant", "device", name=op.f("pk_renewals")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_renewals_fingerprint")),
    )
    with op.batch_alter_table("retired_certificates") as batch_op:
        batch_op.add_column(
            sa.Column("is_renewed", sa.Boolean(), server_default="0", nullable=False)
        )
