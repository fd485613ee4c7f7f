"""Whom MQTT lets in: the broker knows a device by the name in its certificate alone.

So a device is let in there only while every other certificate of its name that was ever seen has
expired, or is on a list of revoked ones that the broker enforces, or is one that the device itself
has renewed: who has its key was that device. HTTP looks at the certificate
itself and serves the device all the same.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, or_, select

from edge.console.devices.papers import Number
from edge.console.devices.revocation import Lists
from edge.console.devices.states import State
from edge.console.store.enrolment_tables import RENEWALS
from edge.console.store.tables import CERTIFICATES, DEVICES, RETIRED

_AT_ONCE: Final = 500
_SHOWN: Final = 16
_OUT: Final = (State.REVOKED, State.DECOMMISSIONED, State.QUARANTINED)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a name stands at the broker.

    Attributes:
        refusal: Why MQTT does not serve it; empty if it does.
        is_denied: The broker has to deny it all: who has this name may be somebody else.
        fingerprint: SHA-256 of the certificate that is the right one.
    """

    refusal: str
    is_denied: bool = False
    fingerprint: bytes = b""


def standings(
    connection: Connection, tenant: str, names: Sequence[str], lists: Lists, now_s: int
) -> dict[str, Standing]:
    """Return how names of a tenant stand at the broker."""
    found: dict[str, Standing] = {}
    for some in _parts(names):
        found |= _of_some(connection, tenant, some, lists, now_s)
    return found


def denied(connection: Connection, tenant: str, lists: Lists, now_s: int) -> set[str]:
    """Return all names of a tenant that the broker has to deny."""
    names = sorted(_suspects(connection, tenant, lists))
    found = standings(connection, tenant, names, lists, now_s)
    return {name for name, one in found.items() if one.is_denied}


def _of_some(
    connection: Connection, tenant: str, names: Sequence[str], lists: Lists, now_s: int
) -> dict[str, Standing]:
    asked = select(DEVICES.c.device, DEVICES.c.state, DEVICES.c.fingerprint)
    asked = asked.where(DEVICES.c.tenant == tenant, DEVICES.c.device.in_(names))
    rows = {row.device: row for row in connection.execute(asked)}
    papers = _papers(connection, tenant, names)
    renewed = _renewed(connection, tenant, names)
    for name, some in papers.items():
        own = rows[name].fingerprint if name in rows else None
        papers[name] = [
            one for one in some if one.fingerprint == own or one.fingerprint not in renewed
        ]
    return {name: _stands(rows.get(name), papers[name], lists, now_s) for name in names}


def _papers(connection: Connection, tenant: str, names: Sequence[str]) -> dict[str, list[Row[Any]]]:
    """Return all certificates of names that are known; one that was never seen has no serial."""
    found: dict[str, list[Row[Any]]] = defaultdict(list)
    seen = select(CERTIFICATES).where(
        CERTIFICATES.c.tenant == tenant, CERTIFICATES.c.device.in_(names)
    )
    same = (RETIRED.c.tenant == CERTIFICATES.c.tenant) & (
        RETIRED.c.fingerprint == CERTIFICATES.c.fingerprint
    )
    unseen = (
        select(RETIRED.c.device, RETIRED.c.fingerprint, CERTIFICATES.c.serial)
        .outerjoin(CERTIFICATES, same)
        .where(RETIRED.c.tenant == tenant, RETIRED.c.device.in_(names))
        .where(CERTIFICATES.c.fingerprint.is_(None))
    )
    for asked in (seen, unseen):
        for row in connection.execute(asked):
            found[row.device].append(row)
    return found


def _renewed(connection: Connection, tenant: str, names: Sequence[str]) -> set[str]:
    """Return the certificates that devices have beside their own because they renew.

    The list of revoked ones has those of before, where the broker takes one.
    """
    before = select(RETIRED.c.fingerprint).where(
        RETIRED.c.tenant == tenant, RETIRED.c.device.in_(names), RETIRED.c.is_renewed
    )
    next_ = select(RENEWALS.c.fingerprint).where(
        RENEWALS.c.tenant == tenant, RENEWALS.c.device.in_(names)
    )
    return {*connection.scalars(before), *connection.scalars(next_)}


def _stands(
    device: Row[Any] | None, papers: Sequence[Row[Any]], lists: Lists, now_s: int
) -> Standing:
    own = device.fingerprint if device is not None else None
    other = next((one for one in papers if _may_come(one, own, lists, now_s)), None)
    is_listed = any(one.fingerprint == own and _number(one) in lists.known for one in papers)
    if device is None:
        return Standing("no such device", is_denied=other is not None)
    if device.state != State.ACCEPTED:
        return Standing(f"it is {device.state}", device.state in _OUT or other is not None)
    if is_listed:
        return Standing("its certificate is on the list of revoked ones", is_denied=True)
    if other is not None:
        return Standing(_why(other), is_denied=True)
    if own is None or all(one.fingerprint != own for one in papers):
        # Once it was seen, a list can name it.
        return Standing("its certificate was not seen yet: it has to call by HTTP first")
    return Standing("", fingerprint=bytes.fromhex(own))


def _may_come(one: Row[Any], own: str | None, lists: Lists, now_s: int) -> bool:
    """Whether the broker would let a certificate in that is not the right one."""
    if one.fingerprint == own:
        return False
    if one.serial is None:
        return True
    return bool(one.ends_at_s >= now_s) and _number(one) not in lists.enforced


def _number(one: Row[Any]) -> Number | None:
    return Number(one.issuer, one.serial) if one.serial is not None else None


def _why(one: Row[Any]) -> str:
    named = f"certificate {one.fingerprint[:_SHOWN]} of the same name"
    if one.serial is None:
        return f"{named} was never seen here, so that no list can name it"
    return f"{named} has not expired, and is on no current list of revoked ones"


def _suspects(connection: Connection, tenant: str, lists: Lists) -> set[str]:
    """Return names of which some may have to be denied, and all that have to be."""
    same = (DEVICES.c.tenant == CERTIFICATES.c.tenant) & (DEVICES.c.device == CERTIFICATES.c.device)
    other = or_(
        DEVICES.c.fingerprint.is_(None), DEVICES.c.fingerprint != CERTIFICATES.c.fingerprint
    )
    out = select(DEVICES.c.device).where(DEVICES.c.tenant == tenant, DEVICES.c.state.in_(_OUT))
    retired = select(RETIRED.c.device).where(RETIRED.c.tenant == tenant)
    ours = CERTIFICATES.c.tenant == tenant
    others = select(CERTIFICATES.c.device).outerjoin(DEVICES, same).where(ours, other)
    found = {name for asked in (out, retired, others) for name in connection.scalars(asked)}
    for condition in _listed(lists):
        asked = select(CERTIFICATES.c.device).where(ours, condition)
        found.update(connection.scalars(asked))
    return found


def _listed(lists: Lists) -> Iterator[ColumnElement[bool]]:
    serials = sorted({one.serial for one in lists.known})
    for some in _parts(serials):
        yield CERTIFICATES.c.serial.in_(some)


def _parts(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(names), _AT_ONCE):
        yield names[begin : begin + _AT_ONCE]
