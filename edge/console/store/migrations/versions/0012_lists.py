"""Indexes for lists and overviews of large fleets."""

from alembic import op

revision = "0012"
down_revision = "0011"

_CARD = (
    "tenant",
    "device",
    "state",
    "board",
    "product",
    "version",
    "version_key",
    "slot",
    "phase",
    "reason",
    "is_online",
    "created_at_s",
    "desired_action",
)
_SAID = ("tenant", "name", "value", "device")


def upgrade() -> None:
    """Make the indexes."""
    op.drop_index(op.f("ix_devices_tenant_state_product_version_is_online"), table_name="devices")
    _make("devices", "tenant", "state", "product", "version", "is_online", "device")
    _make("devices", "tenant", "version_key", "device")
    _make("sightings", "tenant", "last_seen_s", "device")
    op.drop_index(op.f("ix_tags_tenant_tag"), table_name="tags")
    _make("tags", "tenant", "tag", "device")
    # A text of a thousand letters is too long for an index of PostgreSQL.
    if op.get_bind().dialect.name == "sqlite":
        op.create_index("ix_devices_card", "devices", list(_CARD), unique=False)
        _make("attributes", *_SAID)
        _make("reported_attributes", *_SAID)


def _make(table: str, *columns: str) -> None:
    op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns), unique=False)
