"""What lines told of devices, as it is stored: the newest record of a device, and those before."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, func, insert, select, update
from sqlalchemy.sql import Select

from edge.console.audit import Actor
from edge.console.devices.certificates import Certificate
from edge.console.store.factory_tables import RECORDS, STATIONS
from edge.factory.made import Fate, Made
from edge_signing import canonical

DAY_S: Final = 86400
_SAME: Final = (
    *("line", "station", "number", "digest", "device", "fate", "made_at_s", "operator"),
    *("product", "board", "board_serial", "order", "release", "image", "key"),
)


class Standing(StrEnum):
    """How a record stands; stored, so the names never change."""

    NEWEST = "newest"
    PAST = "past"
    CONFLICT = "conflict"
    DISMISSED = "dismissed"


_NOTHING: Final = (0, 0, 0, 0)
_COUNTED: Final = (Standing.NEWEST, Standing.PAST)


@dataclass(frozen=True, slots=True)
class Paper:
    """What the certificate says that a record brings; empty texts for none.

    Attributes:
        fingerprint: SHA-256 of it in hex.
        serial: Its serial number in hex.
    """

    fingerprint: str = ""
    serial: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it is stored.

    Attributes:
        id: Of the console, in the order in which it heard of them.
        standing: Whether it is the one that counts.
        problem: Why it does not.
        facts: What the line told, by the names of `Made`.
    """

    id: int
    standing: Standing
    problem: str
    received_at_s: int
    device: str
    fingerprint: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Station:
    """A station, and how many devices it has made."""

    line: str
    station: str
    good: int
    scrapped: int
    conflicts: int
    last_made_at_s: int
    last_sync_s: int


def known(connection: Connection, tenant: str, made: Made) -> list[Row[Any]]:
    """Return what is stored under the number of a record: itself, or something else."""
    same = (
        RECORDS.c.tenant == tenant,
        RECORDS.c.line == made.line,
        RECORDS.c.station == made.station,
        RECORDS.c.number == made.number,
    )
    return list(connection.execute(select(RECORDS).where(*same).order_by(RECORDS.c.id)))


def newest(connection: Connection, tenant: str, device: str) -> Row[Any] | None:
    """Return the record of a device that counts."""
    asked = select(RECORDS).where(*_of(tenant, device), RECORDS.c.standing == Standing.NEWEST)
    return connection.execute(asked).first()


def other_with_key(connection: Connection, tenant: str, made: Made) -> str | None:
    """Return another device that has the key of a record."""
    if not made.key:
        return None
    asked = select(RECORDS.c.device).where(
        RECORDS.c.tenant == tenant,
        RECORDS.c.key == made.key,
        RECORDS.c.device != made.device,
        RECORDS.c.standing.in_(_COUNTED),
    )
    return connection.scalar(asked.limit(1))


def serial_of(connection: Connection, tenant: str, device: str, fingerprint: str) -> str:
    """Return the serial number of a certificate that a record brought; empty if none did."""
    asked = select(RECORDS.c.serial).where(
        *_of(tenant, device),
        RECORDS.c.fingerprint == fingerprint,
        RECORDS.c.standing.in_(_COUNTED),
    )
    return connection.scalar(asked.limit(1)) or ""


def store(
    connection: Connection,
    actor: Actor,
    made: Made,
    paper: Paper,
    standing: Standing,
    problem: str = "",
) -> None:
    """Store a record; one that is the newest takes the place of the one before."""
    if standing is Standing.NEWEST:
        before = (*_of(actor.tenant, made.device), RECORDS.c.standing == Standing.NEWEST)
        connection.execute(update(RECORDS).where(*before).values(standing=Standing.PAST))
    facts = made.to_json()
    values = {
        **{name: facts[name] for name in _SAME},
        "tenant": actor.tenant,
        "content": made.content(),
        "standing": standing,
        "problem": problem,
        "fingerprint": paper.fingerprint,
        "serial": paper.serial,
        "retired": " ".join(facts["retired"]),
        "tests": canonical.encode(facts["tests"]).decode(),
        "received_at_s": actor.now_s,
    }
    connection.execute(insert(RECORDS).values(values))


def is_put_out(connection: Connection, tenant: str, certificate: Certificate) -> bool:
    """Whether a line says that a certificate is to be taken no more."""
    found = newest(connection, tenant, certificate.device)
    if found is None:
        return False
    if found.fate == Fate.SCRAPPED:
        return True
    return f"{certificate.parsed.serial_number:x}" in found.retired.split()


def note_station(connection: Connection, actor: Actor, line: str, station: str) -> None:
    """Note that a station was heard."""
    same = (
        STATIONS.c.tenant == actor.tenant,
        STATIONS.c.line == line,
        STATIONS.c.station == station,
    )
    of_station = (
        RECORDS.c.tenant == actor.tenant,
        RECORDS.c.line == line,
        RECORDS.c.station == station,
    )
    number = connection.scalar(select(func.max(RECORDS.c.number)).where(*of_station)) or 0
    values = {"last_sync_s": actor.now_s, "number": number}
    if not connection.execute(update(STATIONS).where(*same).values(values)).rowcount:
        named = {"tenant": actor.tenant, "line": line, "station": station}
        connection.execute(insert(STATIONS).values({**named, **values}))


def lacking(
    connection: Connection, tenant: str, line: str, station: str, contents: Iterable[str]
) -> list[str]:
    """Return which of the records of a station are not here, by the hashes of what they say."""
    wanted = list(contents)
    asked = select(RECORDS.c.content).where(
        RECORDS.c.tenant == tenant,
        RECORDS.c.line == line,
        RECORDS.c.station == station,
        RECORDS.c.content.in_(wanted),
    )
    here = set(connection.scalars(asked))
    return [one for one in wanted if one not in here]


def of_device(connection: Connection, tenant: str, device: str) -> list[Record]:
    """Return what lines told of a device, newest first; what conflicts is at the end."""
    asked = select(RECORDS).where(*_of(tenant, device))
    order = (RECORDS.c.standing.not_in(_COUNTED), RECORDS.c.made_at_s.desc())
    return _records(connection, asked.order_by(*order, RECORDS.c.id.desc()))


def conflicts(connection: Connection, tenant: str, most: int) -> list[Record]:
    """Return the records that conflict with others, those heard last first."""
    asked = select(RECORDS).where(
        RECORDS.c.tenant == tenant, RECORDS.c.standing == Standing.CONFLICT
    )
    return _records(connection, asked.order_by(RECORDS.c.id.desc()).limit(most))


def stations(connection: Connection, tenant: str) -> list[Station]:
    """Return the stations of a tenant's lines."""
    counts = (
        select(
            RECORDS.c.line,
            RECORDS.c.station,
            _count(RECORDS.c.standing == Standing.NEWEST, RECORDS.c.fate == Fate.GOOD),
            _count(RECORDS.c.standing == Standing.NEWEST, RECORDS.c.fate == Fate.SCRAPPED),
            _count(RECORDS.c.standing == Standing.CONFLICT),
            func.max(RECORDS.c.made_at_s),
        )
        .where(RECORDS.c.tenant == tenant)
        .group_by(RECORDS.c.line, RECORDS.c.station)
    )
    found = {(row[0], row[1]): tuple(row[2:]) for row in connection.execute(counts)}
    asked = select(STATIONS).where(STATIONS.c.tenant == tenant)
    return [
        Station(
            row.line,
            row.station,
            *(*found.get((row.line, row.station), _NOTHING), row.last_sync_s),
        )
        for row in connection.execute(asked.order_by(STATIONS.c.line, STATIONS.c.station))
    ]


def days(connection: Connection, tenant: str, since_s: int) -> list[tuple[int, str, int]]:
    """Return how many devices each line made well on each day: when it began (UTC), line, count."""
    # By its name: PostgreSQL takes the same expression with another parameter for another one.
    day = (RECORDS.c.made_at_s - RECORDS.c.made_at_s % DAY_S).label("day")
    asked = (
        select(day, RECORDS.c.line, func.count())
        .where(
            RECORDS.c.tenant == tenant,
            RECORDS.c.standing == Standing.NEWEST,
            RECORDS.c.made_at_s >= since_s,
            RECORDS.c.fate == Fate.GOOD,
        )
        .group_by("day", RECORDS.c.line)
        .order_by("day", RECORDS.c.line)
    )
    return [(int(row[0]), row[1], int(row[2])) for row in connection.execute(asked)]


def dismiss(connection: Connection, tenant: str, record: int) -> Row[Any] | None:
    """Let a record conflict no longer: somebody has looked at it; None if there is none."""
    same = (
        RECORDS.c.tenant == tenant,
        RECORDS.c.id == record,
        RECORDS.c.standing == Standing.CONFLICT,
    )
    row = connection.execute(select(RECORDS).where(*same)).first()
    if row is not None:
        connection.execute(update(RECORDS).where(*same).values(standing=Standing.DISMISSED))
    return row


def _count(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count().filter(and_(*conditions))


def _of(tenant: str, device: str) -> tuple[ColumnElement[bool], ...]:
    return RECORDS.c.tenant == tenant, RECORDS.c.device == device


def _records(connection: Connection, asked: Select[Any]) -> list[Record]:
    found = []
    for row in connection.execute(asked):
        facts = {name: row._mapping[name] for name in _SAME}
        facts["retired"] = row.retired.split()
        facts["tests"] = canonical.decode(row.tests.encode())
        standing = Standing(row.standing)
        head = (row.id, standing, row.problem, row.received_at_s, row.device, row.fingerprint)
        found.append(Record(*head, facts))
    return found
