"""What the tables of the console are made of."""

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Integer, MetaData, Text
from sqlalchemy.dialects import postgresql

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
# SQLite numbers rows by itself only in a column that is called INTEGER.
NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")
# Not in the order of a language.
BYTES_IN_ORDER: Final = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
# Of an index that PostgreSQL has not: it refuses entries of more than 2,704 bytes.
SQLITE_ONLY: Final = {"only": "sqlite"}
# The index by which SQLite looks through all devices.
CARD: Final = "ix_devices_card"


def key(name: str) -> Column[str]:
    """Return a part of the primary key."""
    return Column(name, Text, primary_key=True)


def text(name: str) -> Column[str]:
    """Return a text, empty if it is not said."""
    return Column(name, Text, nullable=False, server_default="")


def integer(name: str) -> Column[int]:
    """Return a number, 0 if it is not said."""
    return Column(name, BigInteger, nullable=False, server_default="0")


def of_device() -> ForeignKeyConstraint:
    """Return what binds a row to the device of its tenant."""
    return ForeignKeyConstraint(["tenant", "device"], ["devices.tenant", "devices.device"])
