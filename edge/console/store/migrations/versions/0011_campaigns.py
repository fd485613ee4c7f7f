"""Campaigns."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make their tables."""
    op.create_table(
        "campaigns",
        *(
            _key("tenant"),
            _key("campaign"),
            _text("name"),
            sa.Column("state", sa.Text(), nullable=False),
        ),
        sa.Column("is_live", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("is_whole", sa.Boolean(), server_default="0", nullable=False),
        _integer("priority"),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        _text("statement"),
        *(_integer("seed"), _integer("entries"), _integer("looked_at_s")),
        *(
            _text("made_by"),
            _integer("created_at_s"),
            _integer("began_at_s"),
            _integer("ended_at_s"),
        ),
        sa.PrimaryKeyConstraint("tenant", "campaign", name=op.f("pk_campaigns")),
    )
    op.create_index(op.f("ix_campaigns_tenant_is_live"), "campaigns", ["tenant", "is_live"])
    _make_devices()
    op.create_table(
        "campaign_journal",
        *(_key("tenant"), _key("campaign")),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        *(_integer("at_s"), _text("device")),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "campaign", "number", name=op.f("pk_campaign_journal")),
    )
    op.create_table(
        "campaign_samples",
        *(_key("tenant"), _key("campaign")),
        sa.Column("at_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "campaign", "at_s", name=op.f("pk_campaign_samples")),
    )
    op.create_table(
        "campaign_approvals",
        *(_key("tenant"), _key("campaign"), _key("person")),
        *(_integer("at_s"), _text("reason"), _text("keyid"), _text("sig")),
        sa.PrimaryKeyConstraint("tenant", "campaign", "person", name=op.f("pk_campaign_approvals")),
    )


def _make_devices() -> None:
    op.create_table(
        "campaign_devices",
        *(_key("tenant"), _key("campaign"), _key("device")),
        sa.Column("wave", sa.Integer(), nullable=False),
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        *(_text("action"), _text("release"), _text("from_release"), _text("from_version")),
        *(_text("reason"), _integer("tries"), _integer("starts"), _integer("deadline_s")),
        *(_integer("planned_bytes"), _integer("changed_at_s")),
        sa.PrimaryKeyConstraint("tenant", "campaign", "device", name=op.f("pk_campaign_devices")),
    )
    op.create_index(
        op.f("ix_campaign_devices_tenant_campaign_state_wave_rank"),
        "campaign_devices",
        ["tenant", "campaign", "state", "wave", "rank"],
    )
    _index_where("action", ["tenant", "action"], "action != ''")
    _index_where("deadline", ["tenant", "campaign", "deadline_s"], "deadline_s > 0")


def _index_where(name: str, columns: list[str], where: str) -> None:
    op.create_index(
        f"ix_campaign_devices_{name}",
        "campaign_devices",
        columns,
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def _integer(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)
