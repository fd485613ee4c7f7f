"""What the certificates of devices said."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "certificates",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("serial", sa.Text(), server_default="", nullable=False),
        sa.Column("issuer", sa.Text(), server_default="", nullable=False),
        sa.Column("ends_at_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("first_seen_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "fingerprint", name=op.f("pk_certificates")),
    )
    with op.batch_alter_table("certificates") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_certificates_tenant_device"), ["tenant", "device"], unique=False
        )
