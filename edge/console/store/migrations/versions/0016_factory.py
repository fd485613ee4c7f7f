"""What factory lines told of devices, and quarantine."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Make the tables."""
    with op.batch_alter_table("authorities") as batch_op:
        batch_op.add_column(_text("issued_by"))
    _make_records()
    op.create_table(
        "factory_stations",
        *(_key(name) for name in ("tenant", "line", "station")),
        _integer("last_sync_s"),
        _integer("number"),
        sa.PrimaryKeyConstraint("tenant", "line", "station", name=op.f("pk_factory_stations")),
    )
    op.create_table(
        "quarantine",
        *(_key(name) for name in ("tenant", "device", "reason")),
        _integer("since_s"),
        _text("details"),
        _of_device("quarantine"),
        sa.PrimaryKeyConstraint("tenant", "device", name=op.f("pk_quarantine")),
    )
    op.create_table(
        "heard_boots",
        *(_key(name) for name in ("tenant", "device", "boot_id")),
        *(_integer(name) for name in ("turn", "returns")),
        *(_integer(name) for name in ("first_at_s", "last_at_s", "returned_at_s")),
        _text("via"),
        _text("address"),
        _of_device("heard_boots"),
        sa.PrimaryKeyConstraint("tenant", "device", "boot_id", name=op.f("pk_heard_boots")),
    )


def _make_records() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    unique = ("tenant", "line", "station", "number", "content")
    op.create_table(
        "factory_records",
        sa.Column("id", number, autoincrement=True, nullable=False),
        *(_key(name) for name in ("tenant", "line", "station")),
        _integer("number"),
        *(_key(name) for name in ("digest", "content", "standing")),
        _text("problem"),
        *(_key(name) for name in ("device", "fate")),
        _integer("made_at_s"),
        *(_text(name) for name in ("operator", "product", "board", "board_serial", "order")),
        *(_text(name) for name in ("release", "image", "key", "fingerprint", "serial")),
        *(_text(name) for name in ("retired", "tests")),
        _integer("received_at_s"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_factory_records")),
        sa.UniqueConstraint(*unique, name=op.f(f"uq_factory_records_{'_'.join(unique)}")),
    )
    with op.batch_alter_table("factory_records") as batch_op:
        for columns in (
            ["tenant", "device"],
            ["tenant", "key"],
            ["tenant", "standing", "made_at_s"],
        ):
            name = batch_op.f(f"ix_factory_records_{'_'.join(columns)}")
            batch_op.create_index(name, columns, unique=False)


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def _integer(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)


def _of_device(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant", "device"],
        ["devices.tenant", "devices.device"],
        name=op.f(f"fk_{table}_devices"),
    )
