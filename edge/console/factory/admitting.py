"""How a device stands by its newest record: decided from what is stored, then done.

A person's word counts more than a line's: whom somebody revoked or put out of use, no record lets
in. What a line scrapped it can make anew, with another certificate. A device that has called before
is not put out for good by a line: it goes into quarantine, for somebody to decide.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from sqlalchemy import Connection, Row, select, update

from edge.console import audit
from edge.console.audit import Actor
from edge.console.devices import quarantine, registry, renewals
from edge.console.devices.quarantine import Reason
from edge.console.devices.states import State
from edge.console.factory import records
from edge.console.factory.records import Paper
from edge.console.store.tables import CERTIFICATES, DEVICES, SIGHTINGS
from edge.errors import ThingNotFoundError
from edge.factory.made import Fate, Made


class Act(Enum):
    """What is done with a device."""

    NOTHING = auto()
    REGISTER = auto()
    ACCEPT = auto()
    BIND = auto()
    SCRAP = auto()
    DOUBT = auto()
    REGISTER_SCRAPPED = auto()


@dataclass(frozen=True, slots=True)
class Move:
    """What a record does with its device.

    Attributes:
        own: Fingerprint of the certificate that the device has until then.
        problem: Why nothing is done.
        is_unlike: The device waits in quarantine with another certificate than the record says.
    """

    act: Act
    own: str | None = None
    problem: str = ""
    is_unlike: bool = False


# How a device stands whose record has come: whom a person put out stays out.
_AFTER: Final[Mapping[State, State]] = {
    State.PENDING: State.ACCEPTED,
    State.QUARANTINED: State.ACCEPTED,
    State.ACCEPTED: State.ACCEPTED,
    State.REVOKED: State.REVOKED,
}


def decide(
    connection: Connection, tenant: str, made: Made, paper: Paper, before: Row[Any] | None
) -> Move:
    """Return what a record does with its device.

    Args:
        connection: To read from.
        tenant: Whose it is.
        made: The newest record of the device.
        paper: What its certificate says.
        before: The record that counted until now.
    """
    try:
        row = registry.get(connection, tenant, made.device)
    except ThingNotFoundError:
        row = None
    if made.fate is Fate.SCRAPPED:
        return _scrapped(connection, row)
    if problem := _taken(connection, tenant, made.device, paper):
        return Move(Act.NOTHING, problem=problem)
    if row is None:
        return Move(Act.REGISTER)
    return _stands(connection, tenant, made, paper, row, before)


def _scrapped(connection: Connection, row: Row[Any] | None) -> Move:
    if row is None:
        return Move(Act.REGISTER_SCRAPPED)
    if row.state == State.DECOMMISSIONED:
        return Move(Act.NOTHING)
    same = (SIGHTINGS.c.tenant == row.tenant, SIGHTINGS.c.device == row.device)
    has_called = connection.scalar(select(SIGHTINGS.c.first_seen_s).where(*same))
    return Move(Act.DOUBT if has_called else Act.SCRAP)


def _stands(
    connection: Connection,
    tenant: str,
    made: Made,
    paper: Paper,
    row: Row[Any],
    before: Row[Any] | None,
) -> Move:
    own = row.fingerprint
    if own == paper.fingerprint:
        # One that was cloned is for a person to decide about.
        waits = row.state == State.PENDING or _waits_for_record(connection, tenant, made.device)
        return Move(Act.ACCEPT if waits else Act.NOTHING)
    if row.state == State.DECOMMISSIONED:
        was_scrapped = before is not None and before.fate == Fate.SCRAPPED
        return Move(Act.BIND if was_scrapped else Act.NOTHING)
    if own is None or _is_retired_by(connection, tenant, made, own, before):
        return Move(Act.BIND, own)
    is_unlike = _waits_for_record(connection, tenant, made.device)
    return Move(Act.NOTHING, own, "the device has another certificate here", is_unlike)


def _waits_for_record(connection: Connection, tenant: str, device: str) -> bool:
    found = quarantine.of(connection, tenant, device)
    return any(one.reason is not Reason.CLONED for one in found)


def _is_retired_by(
    connection: Connection, tenant: str, made: Made, own: str, before: Row[Any] | None
) -> bool:
    """Whether a record says that another certificate is to be taken in place of the device's."""
    if before is not None and before.fingerprint == own:
        return True
    same = (CERTIFICATES.c.tenant == tenant, CERTIFICATES.c.fingerprint == own)
    serial = connection.scalar(select(CERTIFICATES.c.serial).where(*same))
    serial = serial or records.serial_of(connection, tenant, made.device, own)
    return bool(serial) and serial in made.retired


def _taken(connection: Connection, tenant: str, device: str, paper: Paper) -> str:
    """Return why a certificate can not be that of a device; empty if it can."""
    if renewals.is_retired(connection, paper.fingerprint):
        return "its certificate was retired"
    asked = select(DEVICES.c.tenant, DEVICES.c.device).where(
        DEVICES.c.fingerprint == paper.fingerprint
    )
    found = connection.execute(asked).first()
    is_other = found is not None and (found.tenant, found.device) != (tenant, device)
    return "its certificate is another device's" if is_other else ""


def do(connection: Connection, actor: Actor, made: Made, paper: Paper, move: Move) -> bool:
    """Do it; whether the device is let in, or is put out, otherwise than before."""
    if move.is_unlike:
        _tell_unlike(connection, actor, made, paper, move)
    if move.act is Act.NOTHING:
        return False
    if move.act in (Act.REGISTER, Act.REGISTER_SCRAPPED):
        print_ = bytes.fromhex(paper.fingerprint) if paper.fingerprint else None
        registry.register(connection, actor, made.device, print_)
    elif move.act is Act.ACCEPT:
        registry.accept(connection, actor, made.device)
    elif move.act is Act.BIND:
        _bind(connection, actor, made, paper, move.own)
    _put_out(connection, actor, made, move.act)
    _retire(connection, actor, made, paper)
    return True


def _put_out(connection: Connection, actor: Actor, made: Made, act: Act) -> None:
    if act in (Act.SCRAP, Act.REGISTER_SCRAPPED):
        registry.decommission(connection, actor, made.device)
    elif act is Act.DOUBT:
        said: dict[str, object] = {"line": made.line, "station": made.station}
        quarantine.put(connection, actor, made.device, Reason.SCRAPPED, said)


def _bind(connection: Connection, actor: Actor, made: Made, paper: Paper, own: str | None) -> None:
    """Let another certificate be that of a device: another board, under the same id."""
    device = made.device
    row = registry.get(connection, actor.tenant, device)
    renewals.retire(connection, actor, device, own)
    renewals.forget(connection, actor, device, paper.fingerprint)
    quarantine.leave(connection, actor.tenant, device)
    state = _AFTER.get(State(row.state), State.ACCEPTED)
    same = (DEVICES.c.tenant == actor.tenant, DEVICES.c.device == device)
    # It may be another board, which has had other starts.
    values = {"fingerprint": paper.fingerprint, "state": state, "boot_id": "", "past_boots": ""}
    connection.execute(update(DEVICES).where(*same).values(values))
    said: dict[str, object] = {"certificate": paper.fingerprint, "was": own or ""}
    audit.record(connection, actor, "device.remade", f"device:{device}", said)


def _retire(connection: Connection, actor: Actor, made: Made, paper: Paper) -> None:
    """Never let the certificates in again that a record names, as far as they are known."""
    asked = select(CERTIFICATES.c.fingerprint).where(
        CERTIFICATES.c.tenant == actor.tenant,
        CERTIFICATES.c.device == made.device,
        CERTIFICATES.c.serial.in_(made.retired),
        CERTIFICATES.c.fingerprint != paper.fingerprint,
    )
    for print_ in list(connection.scalars(asked)):
        renewals.retire(connection, actor, made.device, print_)


def _tell_unlike(
    connection: Connection, actor: Actor, made: Made, paper: Paper, move: Move
) -> None:
    said: dict[str, object] = {
        "certificate": move.own or "",
        "line": made.line,
        "recorded": paper.fingerprint,
        "station": made.station,
    }
    quarantine.put(connection, actor, made.device, Reason.UNLIKE, said)
