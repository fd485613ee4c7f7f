"""Keys of enrolment."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "enrolment_keys",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("pattern", sa.Text(), server_default="", nullable=False),
        sa.Column("group", sa.Text(), server_default="", nullable=False),
        sa.Column("is_trusted", sa.Boolean(), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)
            for name in ("uses_left", "created_at_s", "expires_at_s", "revoked_at_s")
        ),
        sa.PrimaryKeyConstraint("tenant", "key", name=op.f("pk_enrolment_keys")),
        sa.UniqueConstraint("key", name=op.f("uq_enrolment_keys_key")),
    )
    op.create_table(
        "issued_certificates",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("key_digest", sa.Text(), nullable=False),
        sa.Column("enrolment_key", sa.Text(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant", "device", "key_digest", name=op.f("pk_issued_certificates")
        ),
    )
