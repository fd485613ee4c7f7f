"""Tables as a console may have them, for filters."""

from collections.abc import Iterable

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    exists,
    select,
)

from edge.console.filters import sql, versions
from edge.console.filters.fields import Field
from edge.console.filters.row import DeviceRow
from edge.console.filters.sql import Condition, Where, WhereVersion
from edge.console.filters.terms import Term

META = MetaData()
_TEXTS = ("state", "board", "product", "version", "version_key", "slot", "phase", "reason")
DEVICES = Table(
    "devices",
    META,
    Column("id", String, primary_key=True),
    *(Column(name, String, nullable=False) for name in _TEXTS),
    Column("online", Boolean, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("enrolled", Integer, nullable=False),
)
MEMBERS = Table(
    "members",
    META,
    Column("device", String),
    Column("kind", String),
    Column("name", String),
    Column("value", String),
    Column("key", String),
)


class FilterColumns:
    """Where filters find things in these tables."""

    def text(self, field: Field) -> ColumnElement[str]:
        return DEVICES.c[field.name]

    def version_key(self, field: Field) -> ColumnElement[str]:
        return DEVICES.c[f"{field.name}_key"]

    def flag(self, field: Field) -> ColumnElement[bool]:
        return DEVICES.c[field.name]

    def at_s(self, field: Field) -> ColumnElement[int]:
        return DEVICES.c[field.name]

    def has(self, field: Field, attribute: str, where: Where) -> Condition:
        own = MEMBERS.c.device == DEVICES.c.id, MEMBERS.c.kind == field.name
        named = MEMBERS.c.name == attribute
        return exists().where(*own, named, where(MEMBERS.c.value))

    def runs(self, service: str, where: WhereVersion) -> Condition:
        own = MEMBERS.c.device == DEVICES.c.id, MEMBERS.c.kind == "version"
        named = MEMBERS.c.name == service
        return exists().where(*own, named, where(MEMBERS.c.value, MEMBERS.c.key))


def fill(connection: Connection, rows: Iterable[DeviceRow]) -> None:
    """Make the tables and put devices into them."""
    META.create_all(connection)
    for row in rows:
        texts = {name: getattr(row, name) for name in ("id", *_TEXTS) if name != "version_key"}
        connection.execute(
            DEVICES.insert().values(
                **texts,
                version_key=versions.key(row.version),
                online=row.is_online,
                seen=row.seen_at_s or 0,
                enrolled=row.enrolled_at_s or 0,
            )
        )
        members = [("tag", "", one) for one in row.tags]
        members += [("group", "", one) for one in row.groups]
        for kind in ("line", "station", "order"):
            members += [(kind, "", one) for one in getattr(row, f"{kind}s")]
        members += [("attr", name, value) for name, value in row.attributes.items()]
        members += [("service", "", name) for name in row.services]
        for name, called in row.services.items():
            members += [("version", name, one) for one in called or ("",)]
        for kind, name, value in members:
            said = {"device": row.id, "kind": kind, "name": name, "value": value}
            said["key"] = versions.key(value)
            connection.execute(MEMBERS.insert().values(**said))


def found(connection: Connection, term: Term, *, now_s: int) -> set[str]:
    """Return the ids of the devices that a filter means."""
    wanted = sql.condition(term, FilterColumns(), now_s=now_s)
    return set(connection.execute(select(DEVICES.c.id).where(wanted)).scalars())
