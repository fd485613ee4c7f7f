"""Which versions of services devices run, and which release is equal to a system's own."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

_TABLE = "device_services"
_IN_ORDER = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table and columns; releases that are here say theirs with the next upload."""
    op.add_column("devices", _text("services"))
    op.add_column("releases", _text("own_version"))
    op.add_column("releases", _key_of_version())
    name = op.f("ix_releases_tenant_own_version")
    op.create_index(name, "releases", ["tenant", "own_version"], unique=False)
    op.create_table(
        _TABLE,
        *(sa.Column(one, sa.Text(), nullable=False) for one in ("tenant", "device", "service")),
        _text("version"),
        _key_of_version(),
        sa.ForeignKeyConstraint(
            ["tenant", "device"],
            ["devices.tenant", "devices.device"],
            name=op.f(f"fk_{_TABLE}_devices"),
        ),
        sa.PrimaryKeyConstraint("tenant", "device", "service", name=op.f(f"pk_{_TABLE}")),
    )
    for columns in (
        ["tenant", "service", "device"],
        ["tenant", "service", "version", "device"],
        ["tenant", "service", "version_key", "device"],
    ):
        op.create_index(op.f(f"ix_{_TABLE}_{'_'.join(columns)}"), _TABLE, columns, unique=False)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def _key_of_version() -> sa.Column[str]:
    return sa.Column("version_key", _IN_ORDER, server_default="", nullable=False)
