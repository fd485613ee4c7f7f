"""People, their sessions, and invitations; who made a token."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables."""
    _people()
    _sessions()
    with op.batch_alter_table("tokens") as batch_op:
        batch_op.add_column(sa.Column("made_by", sa.Text(), server_default="", nullable=False))


def _people() -> None:
    op.create_table(
        "people",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("shown_name", sa.Text(), server_default="", nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), server_default="", nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("groups", sa.Text(), nullable=True),
        sa.Column("is_disabled", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("issuer", sa.Text(), server_default="", nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("logged_in_at_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "person", name=op.f("pk_people")),
        sa.UniqueConstraint("person", name=op.f("uq_people_person")),
    )
    op.create_table(
        "invitations",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), server_default="", nullable=False),
        sa.Column("expires_at_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "digest", name=op.f("pk_invitations")),
        sa.UniqueConstraint("digest", name=op.f("uq_invitations_digest")),
    )


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("session", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), server_default="", nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column("browser", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("seen_at_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "person"],
            ["people.tenant", "people.person"],
            name=op.f("fk_sessions_people"),
        ),
        sa.PrimaryKeyConstraint("tenant", "session", name=op.f("pk_sessions")),
        sa.UniqueConstraint("digest", name=op.f("uq_sessions_digest")),
    )
    with op.batch_alter_table("sessions") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_sessions_tenant_person"), ["tenant", "person"], unique=False
        )
