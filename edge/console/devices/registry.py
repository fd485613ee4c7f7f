"""The devices of a tenant: how they come in, what is known of them, how they are put out.

Steps of a transaction; each act has its entry in the audit log. A device that is known by its
certificate (pre-authorised) is let in with that one alone. One that is known by its id (registered
by the factory) is bound to the first certificate with that name of the tenant's authority. One that
nobody named waits until somebody accepts it.
"""

from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select, update

from edge.console import audit, tenants
from edge.console.audit import Actor
from edge.console.devices import papers, quarantine, renewals
from edge.console.devices.certificates import Certificate
from edge.console.devices.states import ACTS, State
from edge.console.store.ddi_tables import DDI_ACTIONS, DDI_DEVICES, REPORTED
from edge.console.store.enrolment_tables import RENEWALS
from edge.console.store.factory_tables import HEARD_BOOTS, QUARANTINE
from edge.console.store.service_tables import DEVICE_SERVICES
from edge.console.store.tables import ATTRIBUTES, DEVICES, MEMBERS, ORDERS, SIGHTINGS, TAGS
from edge.errors import InputError, RefusedError, ThingNotFoundError
from edge_signing.errors import FormatError
from edge_signing.trust.names import check_device

_FINGERPRINT_BYTES: Final = 32
_PUT_OUT: Final = "the device was put out or enrolled anew"

# What there may be of a device that waits.
_OF_WAITING: Final = (
    *(MEMBERS, TAGS, ATTRIBUTES, REPORTED, DDI_DEVICES, RENEWALS, SIGHTINGS),
    *(HEARD_BOOTS, QUARANTINE, DEVICE_SERVICES),
)


def register(
    connection: Connection, actor: Actor, device: str, fingerprint: bytes | None = None
) -> None:
    """Let a device in that has not called yet, by its certificate or else by its id.

    Raises:
        InputError: It can not be called that, or the fingerprint is none.
        RefusedError: The id or the certificate is taken.
    """
    _check(device, fingerprint)
    _require_free(connection, device, fingerprint)
    _add(connection, actor, device, State.ACCEPTED, fingerprint)
    known_by = fingerprint.hex() if fingerprint else ""
    audit.record(connection, actor, "device.register", _subject(device), {"certificate": known_by})


def knock(
    connection: Connection,
    certificate: Certificate,
    now_s: int,
    *,
    newcomer: State = State.PENDING,
) -> State | None:
    """Return how a device stands whose certificate no accepted device has; None for a stranger.

    Binds a device that was registered by its id, and makes one that nobody named a newcomer.
    The certificate was verified by TLS; that its authority is the tenant's is asked here.
    """
    found = tenants.of_certificate(connection, certificate)
    if found is None:
        return None
    tenant, authority = found
    row = _anywhere(connection, certificate.device)
    if row is not None and row.tenant != tenant:
        return None
    actor = Actor(tenant, f"device:{certificate.device}", now_s)
    is_new = papers.note(connection, tenant, certificate, authority, now_s)
    if renewals.is_retired(connection, certificate.fingerprint.hex()):
        return None
    if row is None:
        _add(connection, actor, certificate.device, newcomer, certificate.fingerprint)
        _record(connection, actor, "ask", certificate)
        return newcomer
    return _met(connection, actor, row, certificate, is_new=is_new)


def _met(
    connection: Connection,
    actor: Actor,
    row: Row[Any],
    certificate: Certificate,
    *,
    is_new: bool,
) -> State | None:
    """Return how a device stands that has shown a certificate which is not a retired one."""
    print_ = certificate.fingerprint.hex()
    if row.fingerprint == print_:
        return State(row.state)
    if row.fingerprint is None and row.state == State.ACCEPTED:
        _set(connection, actor.tenant, certificate.device, fingerprint=print_)
        _record(connection, actor, "bind", certificate)
        return State.ACCEPTED
    if renewals.is_offered(connection, actor.tenant, certificate.device, print_):
        return _renewed(connection, actor, row, certificate)
    if is_new:
        # From now on MQTT can not tell the two apart.
        _record(connection, actor, "other-certificate", certificate)
    return None


def _renewed(
    connection: Connection, actor: Actor, row: Row[Any], certificate: Certificate
) -> State:
    """Let the certificate count that a device asked for; the one before never does again."""
    if row.state == State.ACCEPTED:
        renewals.retire(connection, actor, certificate.device, row.fingerprint, is_renewed=True)
        print_ = certificate.fingerprint.hex()
        _set(connection, actor.tenant, certificate.device, fingerprint=print_)
        _record(connection, actor, "renewed", certificate)
    return State(row.state)


def enrol(
    connection: Connection, actor: Actor, device: str, fingerprint: bytes, *, is_trusted: bool
) -> int:
    """Give a device the certificate that was made for it, and return its epoch.

    One that was registered by its id is bound to it; one that is new is let in, or waits.

    Raises:
        RefusedError: The id is that of another device, or of one that has a certificate, or that
            speaks DDI and so may be known by a token.
    """
    row = _anywhere(connection, device)
    if row is None:
        state = State.ACCEPTED if is_trusted else State.PENDING
        _add(connection, actor, device, state, fingerprint)
        return 1
    is_free = row.fingerprint is None and not speaks_ddi(connection, actor.tenant, device)
    if row.tenant != actor.tenant or not is_free or row.state != State.ACCEPTED:
        raise RefusedError(
            f"device {device!r}: the id is taken", hint="edge devices re-enrol makes it free"
        )
    _set(connection, actor.tenant, device, fingerprint=fingerprint.hex())
    return int(row.epoch)


def knock_without_certificate(
    connection: Connection, tenant: str, device: str, now_s: int
) -> State:
    """Make a device a pending one that nobody named, and that a gateway speaks for."""
    actor = Actor(tenant, f"device:{device}", now_s)
    _add(connection, actor, device, State.PENDING, None)
    details: dict[str, object] = {"certificate": ""}
    audit.record(connection, actor, "device.ask", _subject(device), details)
    return State.PENDING


def note(connection: Connection, certificate: Certificate, now_s: int) -> None:
    """Store what the certificate of a device says that was let in before it was seen."""
    found = tenants.of_certificate(connection, certificate)
    if found is not None:
        papers.note(connection, found[0], certificate, found[1], now_s)


def accept(connection: Connection, actor: Actor, device: str) -> None:
    """Let a device in that waits, or that was revoked, with the certificate that it has.

    Raises:
        ThingNotFoundError: There is none of that name.
        RefusedError: It stands otherwise.
    """
    _act(connection, actor, device, "accept")


def revoke(connection: Connection, actor: Actor, device: str) -> None:
    """Let a device in no longer.

    Raises:
        ThingNotFoundError: There is none of that name.
        RefusedError: It stands otherwise.
    """
    _act(connection, actor, device, "revoke")


def reject(connection: Connection, actor: Actor, device: str) -> None:
    """Forget a device that waits, and never let its certificate in.

    Raises:
        ThingNotFoundError: There is none of that name.
        RefusedError: It does not wait.
    """
    row = get(connection, actor.tenant, device)
    if row.state != State.PENDING:
        raise RefusedError(f"{device} is {row.state}, not pending", hint="revoke it instead")
    renewals.retire(connection, actor, device, row.fingerprint)
    for table in (*_OF_WAITING, DEVICES):
        same = (table.c.tenant == actor.tenant, table.c.device == device)
        connection.execute(delete(table).where(*same))
    audit.record(connection, actor, "device.reject", _subject(device))


def decommission(connection: Connection, actor: Actor, device: str) -> None:
    """Put a device out of use for good: its certificate is never let in again.

    Raises:
        ThingNotFoundError: There is none of that name.
        RefusedError: It is already.
    """
    row = get(connection, actor.tenant, device)
    _act(connection, actor, device, "decommission")
    renewals.retire(connection, actor, device, row.fingerprint)
    renewals.forget(connection, actor, device, row.fingerprint)
    _forget_ddi(connection, actor, device)
    _set(connection, actor.tenant, device, fingerprint=None, desired=None)


def re_enrol(
    connection: Connection, actor: Actor, device: str, fingerprint: bytes | None = None
) -> int:
    """Let a device in anew with another certificate; return the epoch that it has to be given.

    The certificate that it had is never let in again. The one of the fingerprint is from now on,
    else the first one of its name.

    Raises:
        ThingNotFoundError: There is none of that name.
        InputError: The fingerprint is none.
        RefusedError: It waits to be accepted, or the certificate is another device's.
    """
    _check(device, fingerprint)
    row = get(connection, actor.tenant, device)
    if row.state == State.PENDING:
        raise RefusedError(f"{device} is pending", hint="accept it, or reject it")
    renewals.retire(connection, actor, device, row.fingerprint)
    renewals.forget(connection, actor, device, row.fingerprint)
    if fingerprint is not None:
        _require_unused(connection, fingerprint)
    _forget_ddi(connection, actor, device)
    quarantine.leave(connection, actor.tenant, device)
    _set(
        connection,
        actor.tenant,
        device,
        state=State.ACCEPTED,
        fingerprint=fingerprint.hex() if fingerprint else None,
        epoch=row.epoch + 1,
        # Its document is of the old epoch.
        desired=None,
        desired_release="",
        desired_action="",
        # It may be another system from now on, which speaks another way.
        boot_id="",
    )
    details: dict[str, object] = {"epoch": row.epoch + 1}
    audit.record(connection, actor, "device.re-enrol", _subject(device), details)
    return int(row.epoch) + 1


def get(connection: Connection, tenant: str, device: str) -> Row[tuple[object, ...]]:
    """Return the row of a device.

    Raises:
        ThingNotFoundError: The tenant has none of that name.
    """
    same = (DEVICES.c.tenant == tenant, DEVICES.c.device == device)
    row = connection.execute(select(DEVICES).where(*same)).first()
    if row is None:
        raise unknown(device)
    return row


def unknown(device: str) -> ThingNotFoundError:
    """Return what is said of a device that is not there."""
    return ThingNotFoundError(f"no device {device!r}", hint="edge devices list")


def state_of(connection: Connection, tenant: str, device: str) -> State | None:
    """Return how a device stands, None if the tenant has none of that name."""
    same = (DEVICES.c.tenant == tenant, DEVICES.c.device == device)
    found = connection.scalar(select(DEVICES.c.state).where(*same))
    return None if found is None else State(found)


def speaks_ddi(connection: Connection, tenant: str, device: str) -> bool:
    """Whether a device speaks hawkBit's DDI, and so installs no Edge release."""
    same = (DDI_DEVICES.c.tenant == tenant, DDI_DEVICES.c.device == device)
    return connection.execute(select(DDI_DEVICES.c.device).where(*same)).first() is not None


def _forget_ddi(connection: Connection, actor: Actor, device: str) -> None:
    """Forget how a device is known over DDI; what was ordered of it there has ended."""
    ours = (DDI_ACTIONS.c.tenant == actor.tenant, DDI_ACTIONS.c.device == device)
    ordered = select(DDI_ACTIONS.c.action).where(*ours)
    order = (
        ORDERS.c.tenant == actor.tenant,
        ORDERS.c.device == device,
        ORDERS.c.state == "open",
        ORDERS.c.action.in_(ordered),
    )
    ended = {"state": "cancelled", "reason": _PUT_OUT, "closed_at_s": actor.now_s}
    connection.execute(update(ORDERS).where(*order).values(ended))
    connection.execute(update(DDI_ACTIONS).where(*ours).values(state="ended"))
    same = (DDI_DEVICES.c.tenant == actor.tenant, DDI_DEVICES.c.device == device)
    connection.execute(delete(DDI_DEVICES).where(*same))


def _act(connection: Connection, actor: Actor, device: str, act: str) -> None:
    row = get(connection, actor.tenant, device)
    before, after = ACTS[act]
    if row.state not in before:
        raise RefusedError(f"{device} is {row.state}: it can not be {_done(act)}")
    _set(connection, actor.tenant, device, state=after)
    quarantine.leave(connection, actor.tenant, device)
    audit.record(connection, actor, f"device.{act}", _subject(device), {"was": row.state})


def _done(act: str) -> str:
    return f"{act}d" if act.endswith("e") else f"{act}ed"


def _set(connection: Connection, tenant: str, device: str, **values: object) -> None:
    same = (DEVICES.c.tenant == tenant, DEVICES.c.device == device)
    connection.execute(update(DEVICES).where(*same).values(values))


def _add(
    connection: Connection, actor: Actor, device: str, state: State, fingerprint: bytes | None
) -> None:
    connection.execute(
        insert(DEVICES).values(
            tenant=actor.tenant,
            device=device,
            state=state,
            fingerprint=fingerprint.hex() if fingerprint else None,
            created_at_s=actor.now_s,
        )
    )
    connection.execute(insert(SIGHTINGS).values(tenant=actor.tenant, device=device))


def _anywhere(connection: Connection, device: str) -> Row[tuple[object, ...]] | None:
    """Return the row of a device of any tenant: ids are given once."""
    return connection.execute(select(DEVICES).where(DEVICES.c.device == device)).first()


def _require_free(connection: Connection, device: str, fingerprint: bytes | None) -> None:
    if _anywhere(connection, device) is not None:
        raise RefusedError(
            f"device {device!r}: the id is taken", hint="if it is pending: edge devices accept"
        )
    if fingerprint is not None:
        _require_unused(connection, fingerprint)


def _require_unused(connection: Connection, fingerprint: bytes) -> None:
    asked = select(DEVICES.c.device).where(DEVICES.c.fingerprint == fingerprint.hex())
    if connection.execute(asked).first() is not None or renewals.is_retired(
        connection, fingerprint.hex()
    ):
        raise RefusedError(f"certificate {fingerprint.hex()[:16]}: it is or was that of a device")


def _check(device: str, fingerprint: bytes | None) -> None:
    try:
        check_device(device)
    except FormatError as error:
        raise InputError(str(error)) from error
    if fingerprint is not None and len(fingerprint) != _FINGERPRINT_BYTES:
        raise InputError(f"fingerprint of {len(fingerprint)} bytes: a SHA-256 has 32")


def _record(connection: Connection, actor: Actor, act: str, certificate: Certificate) -> None:
    details: dict[str, object] = {"certificate": certificate.fingerprint.hex()}
    audit.record(connection, actor, f"device.{act}", _subject(certificate.device), details)


def _subject(device: str) -> str:
    return f"device:{device}"
