"""What a record of a line changes: decided first, then done, in one step of a transaction.

The same record again changes nothing. A record counts if it is the first of its device, or follows
the one that counts: a higher number of the same station, or a later one of another station of the
line that keeps the key or retires the certificate before. All else conflicts: it is stored and
shown, and changes nothing, so that who has one station's token can not put out what others made.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from sqlalchemy import Connection, Row, select

from edge.console import audit, tenants
from edge.console.audit import Actor
from edge.console.devices import papers
from edge.console.devices.certificates import Certificate
from edge.console.devices.papers import Number
from edge.console.factory import admitting, records, stations
from edge.console.factory.outcome import Outcome
from edge.console.factory.records import Paper, Standing
from edge.console.store.tables import DEVICES
from edge.errors import RefusedError, UntrustedError
from edge.factory.identity import prints
from edge.factory.made import Fate, Made


@dataclass(frozen=True, slots=True)
class Taken:
    """What a record did.

    Attributes:
        problem: Why it conflicts or is refused.
        has_moved: The device is let in, or is put out, otherwise than before.
        authority: Of a station that was not known before.
    """

    outcome: Outcome
    problem: str = ""
    has_moved: bool = False
    authority: x509.Certificate | None = None


def take(
    connection: Connection, actor: Actor, made: Made, listed: Collection[Number] = ()
) -> Taken:
    """Take a record of a device.

    Args:
        connection: Of the transaction.
        actor: Who brings it.
        made: The record.
        listed: Certificates on lists of revoked ones.
    """
    there = records.known(connection, actor.tenant, made)
    content = made.content()
    for row in there:
        if row.content == content:
            is_conflict = row.standing == Standing.CONFLICT
            return Taken(Outcome.CONFLICT if is_conflict else Outcome.SAME, row.problem)
    owner = connection.scalar(select(DEVICES.c.tenant).where(DEVICES.c.device == made.device))
    if owner not in (None, actor.tenant):
        return Taken(Outcome.REFUSED, f"{made.device}: the id is taken")
    try:
        leaf, authority = _proved(connection, actor, made, listed)
    except (UntrustedError, RefusedError) as error:
        return Taken(Outcome.REFUSED, str(error))
    found = _stored(connection, actor, made, leaf, is_fork=bool(there))
    records.note_station(connection, actor, made.line, made.station)
    return Taken(found.outcome, found.problem, found.has_moved, authority)


def _proved(
    connection: Connection, actor: Actor, made: Made, listed: Collection[Number]
) -> tuple[Certificate | None, x509.Certificate | None]:
    """Return the certificate that a record brings, and the authority of its station if it is new.

    Raises:
        UntrustedError: It does not hold.
        RefusedError: TLS could not tell the station from another one.
    """
    if not made.certificate:
        return None, None
    leaf, station = stations.read(made.certificate)
    if leaf.device != made.device:
        raise UntrustedError(f"certificate: of {leaf.device!r}, and not of {made.device!r}")
    if prints.of_key(leaf.parsed.public_key()) != made.key:
        raise UntrustedError("certificate: of another key than the record says")
    if made.fate is Fate.GOOD and f"{leaf.parsed.serial_number:x}" in made.retired:
        raise UntrustedError("certificate: the record itself retires it")
    if station is not None:
        return leaf, _station(connection, actor, made, leaf, station, listed)
    found = tenants.of_certificate(connection, leaf)
    if found is None or found[0] != actor.tenant:
        raise UntrustedError(
            "certificate: no authority of this console's devices has signed it",
            hint="edge console serve --factory-ca names the authority of the line",
        )
    return leaf, None


def _station(
    connection: Connection,
    actor: Actor,
    made: Made,
    leaf: Certificate,
    station: x509.Certificate,
    listed: Collection[Number],
) -> x509.Certificate | None:
    """Return the certificate of the station that has signed for a device, if it is new."""
    found = stations.verify(connection, actor, leaf, station, listed)
    if found.grant.product != made.product:
        raise UntrustedError(f"station {found.grant.station} does not make {made.product}")
    stations.require_room(connection, actor.tenant, found)
    return station if stations.adopt(connection, actor, station) else None


def _stored(
    connection: Connection,
    actor: Actor,
    made: Made,
    leaf: Certificate | None,
    *,
    is_fork: bool,
) -> Taken:
    before = records.newest(connection, actor.tenant, made.device)
    outcome, problem = _follows(made, before)
    paper = Paper()
    if leaf is not None:
        paper = Paper(leaf.fingerprint.hex(), f"{leaf.parsed.serial_number:x}")
    if is_fork:
        problem = f"{made.station} has said something else as number {made.number}"
    elif other := records.other_with_key(connection, actor.tenant, made):
        problem = f"it has the key of {other}"
    move = None
    if not problem and outcome is not Outcome.OLDER:
        move = admitting.decide(connection, actor.tenant, made, paper, before)
        problem = move.problem
    standing = Standing.PAST if outcome is Outcome.OLDER else Standing.NEWEST
    if problem:
        outcome, standing = Outcome.CONFLICT, Standing.CONFLICT
    _note(connection, actor, made, outcome, problem)
    if leaf is not None and not problem:
        found = tenants.of_certificate(connection, leaf)
        assert found is not None
        papers.note(connection, actor.tenant, leaf, found[1], actor.now_s)
    has_moved = move is not None and admitting.do(connection, actor, made, paper, move)
    records.store(connection, actor, made, paper, standing, problem)
    return Taken(outcome, problem, has_moved)


def _follows(made: Made, before: Row[Any] | None) -> tuple[Outcome, str]:
    """Return how a record stands to the one that counts, and why it can not be the next one."""
    if before is None:
        return Outcome.NEW, ""
    if before.line != made.line:
        return Outcome.CONFLICT, f"line {before.line} has made it already"
    if before.station == made.station:
        is_newer = made.number > before.number
        return Outcome.NEWER if is_newer else Outcome.OLDER, ""
    is_newer = made.made_at_s >= before.made_at_s
    newer_retires = made.retired if is_newer else before.retired.split()
    older_serial = before.serial if is_newer else ""
    is_led_on = made.key == before.key or older_serial in newer_retires
    if not is_newer:
        # What it is older than has taken its place already, if it names its certificate.
        is_led_on = is_led_on or bool(newer_retires)
    if made.fate is Fate.SCRAPPED or before.fate == Fate.SCRAPPED or is_led_on:
        return Outcome.NEWER if is_newer else Outcome.OLDER, ""
    return Outcome.CONFLICT, f"station {before.station} has made it already, with another key"


def _note(connection: Connection, actor: Actor, made: Made, outcome: Outcome, problem: str) -> None:
    details: dict[str, object] = {
        "digest": made.digest,
        "fate": str(made.fate),
        "line": made.line,
        "number": made.number,
        "outcome": str(outcome),
        "station": made.station,
    }
    if problem:
        details["problem"] = problem
    audit.record(connection, actor, "factory.record", f"device:{made.device}", details)
