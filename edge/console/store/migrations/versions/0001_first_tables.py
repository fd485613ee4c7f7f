"""The first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    _answers()
    _audit()
    _authorities()
    _devices()
    _releases()
    _retired_certificates()
    _tenants()
    _tokens()
    _attributes()
    _events()
    _orders()
    _sightings()
    _tags()


def _answers() -> None:
    op.create_table(
        "answers",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "token", "key", name=op.f("pk_answers")),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "number", name=op.f("pk_audit")),
    )
    with op.batch_alter_table("audit") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_audit_tenant_subject"), ["tenant", "subject"], unique=False
        )


def _authorities() -> None:
    op.create_table(
        "authorities",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.Column("added_at_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "fingerprint", name=op.f("pk_authorities")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_authorities_fingerprint")),
    )


def _devices() -> None:
    op.create_table(
        "devices",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=True),
        sa.Column("epoch", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("notes", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("boot_id", sa.Text(), server_default="", nullable=False),
        sa.Column("past_boots", sa.Text(), server_default="", nullable=False),
        sa.Column("seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("action", sa.Text(), server_default="", nullable=False),
        sa.Column("phase", sa.Text(), server_default="", nullable=False),
        sa.Column("slot", sa.Text(), server_default="", nullable=False),
        sa.Column("board", sa.Text(), server_default="", nullable=False),
        sa.Column("product", sa.Text(), server_default="", nullable=False),
        sa.Column("version", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "version_key",
            sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"),
            server_default="",
            nullable=False,
        ),
        sa.Column("counter", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("release", sa.Text(), server_default="", nullable=False),
        sa.Column("done_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("planned_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("bytes_per_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("status_at_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("is_online", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("desired_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("desired_action", sa.Text(), server_default="", nullable=False),
        sa.Column("desired_release", sa.Text(), server_default="", nullable=False),
        sa.Column("desired_renew_at_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("desired", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "device", name=op.f("pk_devices")),
        sa.UniqueConstraint("device", name=op.f("uq_devices_device")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_devices_fingerprint")),
    )
    with op.batch_alter_table("devices") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_devices_tenant_state"), ["tenant", "state"], unique=False
        )


def _releases() -> None:
    op.create_table(
        "releases",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("counter", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("boards", sa.Text(), server_default="", nullable=False),
        sa.Column("notes", sa.Text(), server_default="", nullable=False),
        sa.Column("patches", sa.Text(), server_default="", nullable=False),
        sa.Column("is_published", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("added_at_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "path", name=op.f("pk_releases")),
        sa.UniqueConstraint(
            "tenant", "product", "version", name=op.f("uq_releases_tenant_product_version")
        ),
    )


def _retired_certificates() -> None:
    op.create_table(
        "retired_certificates",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("retired_at_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "fingerprint", name=op.f("pk_retired_certificates")),
    )


def _tenants() -> None:
    op.create_table(
        "tenants",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("keys_folder", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_tenants")),
    )


def _tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("expires_at_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("revoked_at_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "token", name=op.f("pk_tokens")),
        sa.UniqueConstraint("token", name=op.f("uq_tokens_token")),
    )


def _attributes() -> None:
    op.create_table(
        "attributes",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "device"],
            ["devices.tenant", "devices.device"],
            name=op.f("fk_attributes_devices"),
        ),
        sa.PrimaryKeyConstraint("tenant", "device", "name", name=op.f("pk_attributes")),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("boot_id", sa.Text(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("at_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("received_at_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), server_default="", nullable=False),
        sa.Column("version", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "device"],
            ["devices.tenant", "devices.device"],
            name=op.f("fk_events_devices"),
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_events")),
        sa.UniqueConstraint(
            "tenant", "device", "boot_id", "n", name=op.f("uq_events_tenant_device_boot_id_n")
        ),
    )
    with op.batch_alter_table("events") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_events_tenant_number"), ["tenant", "number"], unique=False
        )


def _orders() -> None:
    op.create_table(
        "orders",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("release", sa.Text(), server_default="", nullable=False),
        sa.Column("version", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("closed_at_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "device"],
            ["devices.tenant", "devices.device"],
            name=op.f("fk_orders_devices"),
        ),
        sa.PrimaryKeyConstraint("tenant", "action", name=op.f("pk_orders")),
    )
    with op.batch_alter_table("orders") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_orders_tenant_device"), ["tenant", "device"], unique=False
        )


def _sightings() -> None:
    op.create_table(
        "sightings",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("first_seen_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_seen_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("via", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "device"],
            ["devices.tenant", "devices.device"],
            name=op.f("fk_sightings_devices"),
        ),
        sa.PrimaryKeyConstraint("tenant", "device", name=op.f("pk_sightings")),
    )


def _tags() -> None:
    op.create_table(
        "tags",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "device"], ["devices.tenant", "devices.device"], name=op.f("fk_tags_devices")
        ),
        sa.PrimaryKeyConstraint("tenant", "device", "tag", name=op.f("pk_tags")),
    )
    with op.batch_alter_table("tags") as batch_op:
        batch_op.create_index(batch_op.f("ix_tags_tenant_tag"), ["tenant", "tag"], unique=False)
