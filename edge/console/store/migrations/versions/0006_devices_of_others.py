"""Devices that speak hawkBit's DDI, and the files that they install."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the tables, and columns to those of before."""
    with op.batch_alter_table("tenants") as batch_op:
        batch_op.add_column(sa.Column("gateway_digest", sa.Text(), nullable=True))
    with op.batch_alter_table("releases") as batch_op:
        batch_op.add_column(sa.Column("kind", sa.Text(), server_default="edge", nullable=False))
    with op.batch_alter_table("orders") as batch_op:
        batch_op.add_column(_integer("cancel_asked_at_s"))
    _files()
    _reported_attributes()
    _ddi_devices()
    _ddi_actions()


def _files() -> None:
    op.create_table(
        "files",
        _text("tenant"),
        _text("release"),
        _text("name"),
        _text("type"),
        _text("boards"),
        _text("sha256"),
        _text("sha1"),
        _text("md5"),
        _integer("length_bytes"),
        _integer("added_at_s"),
        sa.PrimaryKeyConstraint("tenant", "release", "name", name=op.f("pk_files")),
    )


def _reported_attributes() -> None:
    op.create_table(
        "reported_attributes",
        _text("tenant"),
        _text("device"),
        _text("name"),
        _text("value"),
        _of_device("reported_attributes"),
        sa.PrimaryKeyConstraint("tenant", "device", "name", name=op.f("pk_reported_attributes")),
    )


def _ddi_devices() -> None:
    op.create_table(
        "ddi_devices",
        _text("tenant"),
        _text("device"),
        sa.Column("token_digest", sa.Text(), nullable=True),
        _flag("wants_data", "1"),
        _integer("auto_confirm_at_s"),
        sa.Column("auto_confirm_by", sa.Text(), server_default="", nullable=False),
        sa.Column("auto_confirm_remark", sa.Text(), server_default="", nullable=False),
        _of_device("ddi_devices"),
        sa.PrimaryKeyConstraint("tenant", "device", name=op.f("pk_ddi_devices")),
    )


def _ddi_actions() -> None:
    op.create_table(
        "ddi_actions",
        _text("tenant"),
        _text("device"),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        _text("action"),
        _text("state"),
        _text("release"),
        _text("file"),
        _flag("download_only", "0"),
        _flag("is_forced", "1"),
        _flag("is_retrieved", "0"),
        _of_device("ddi_actions"),
        sa.PrimaryKeyConstraint("tenant", "device", "number", name=op.f("pk_ddi_actions")),
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _integer(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)


def _flag(name: str, default: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), server_default=default, nullable=False)


def _of_device(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant", "device"],
        ["devices.tenant", "devices.device"],
        name=op.f(f"fk_{table}_devices"),
    )
