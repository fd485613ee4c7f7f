"""Devices that want a new certificate in place of their own, the same one however often they ask.

Source: RFC 7030, section 4.2.2 (simplereenroll).
"""

from typing import Any, Final

from cryptography import x509
from sqlalchemy import Connection, Row, delete, insert

from edge.certificates.requests import Wanted
from edge.console import audit
from edge.console.audit import Actor
from edge.console.devices import certificates, papers, registry, renewals
from edge.console.devices.certificates import Certificate
from edge.console.devices.states import State
from edge.console.enrolment.enrol import Enrolled, Issue
from edge.console.store.enrolment_tables import RENEWALS
from edge.errors import RefusedError
from edge.factory.identity import prints

# So often at most: each renewal makes the list of revoked certificates longer.
AGAIN_S: Final = 3600


class TooSoonError(RefusedError):
    """The device has renewed its certificate only now.

    Attributes:
        wait_s: How long it has to wait.
    """

    def __init__(self, message: str, *, wait_s: int) -> None:
        super().__init__(message)
        self.wait_s = wait_s


def renew(
    connection: Connection,
    tenant: str,
    shown: Certificate,
    wanted: Wanted,
    *,
    now_s: int,
    issue: Issue,
    authority: x509.Certificate,
) -> Enrolled:
    """Give a device a certificate in place of its own, which counts from the call that shows it.

    Args:
        connection: Of the transaction.
        tenant: Whose device it is.
        shown: Its own certificate, as TLS has verified it.
        wanted: Its request; the key may be the same or another.
        now_s: The time, seconds since 1970.
        issue: Makes a certificate of the tenant's own authority.
        authority: Its certificate.

    Raises:
        RefusedError: The certificate is not the one of the device or of another authority, it has
            expired, or another name is asked for.
        TooSoonError: There was another one a moment ago.
        ThingNotFoundError: There is no such device.
    """
    row = _own_row(connection, tenant, shown, wanted, now_s)
    if certificates.issuer(shown, {"own": authority}) is None:
        raise RefusedError(f"the certificate of {shown.device} is of another authority")
    epoch, digest = int(row.epoch), prints.of_key(wanted.key)
    actor = Actor(tenant, f"device:{shown.device}", now_s)
    before = renewals.of(connection, tenant, shown.device)
    if before is not None:
        is_open = before.fingerprint != row.fingerprint
        if is_open and before.key_digest == digest:
            made = x509.load_der_x509_certificate(bytes(before.certificate))
            return Enrolled(tenant, made, epoch)
        _put_away(connection, actor, before, is_open=is_open)
    made = issue(wanted)
    _store(connection, actor, made, digest, authority)
    return Enrolled(tenant, made, epoch)


def _put_away(connection: Connection, actor: Actor, before: Row[Any], *, is_open: bool) -> None:
    """Make way for another certificate: one that was made but never seen is retired."""
    wait_s = before.issued_at_s + AGAIN_S - actor.now_s
    if wait_s > 0:
        said = f"{before.device} has renewed its certificate only now"
        raise TooSoonError(said, wait_s=wait_s)
    if is_open:
        renewals.retire(connection, actor, before.device, before.fingerprint, is_renewed=True)


def _own_row(
    connection: Connection, tenant: str, shown: Certificate, wanted: Wanted, now_s: int
) -> Row[Any]:
    """Return the row of the device that shows its own certificate, and asks for itself."""
    row = registry.get(connection, tenant, shown.device)
    if row.state != State.ACCEPTED or row.fingerprint != shown.fingerprint.hex():
        raise RefusedError(f"{shown.device}: the certificate is not its own")
    if wanted.device != shown.device:
        raise RefusedError(f"the certificate of {shown.device} is not renewed for {wanted.device}")
    if now_s >= shown.parsed.not_valid_after_utc.timestamp():
        raise RefusedError(f"the certificate of {shown.device} has expired")
    return row


def _store(
    connection: Connection,
    actor: Actor,
    made: x509.Certificate,
    digest: str,
    authority: x509.Certificate,
) -> None:
    der = certificates.der_of(made)
    new = certificates.of_device(der)
    papers.note(connection, actor.tenant, new, authority, actor.now_s)
    same = (RENEWALS.c.tenant == actor.tenant, RENEWALS.c.device == new.device)
    connection.execute(delete(RENEWALS).where(*same))
    values = {
        "tenant": actor.tenant,
        "device": new.device,
        "fingerprint": new.fingerprint.hex(),
        "key_digest": digest,
        "certificate": der,
        "issued_at_s": actor.now_s,
    }
    connection.execute(insert(RENEWALS).values(values))
    details: dict[str, object] = {
        "certificate": new.fingerprint.hex(),
        "ends_at_s": int(made.not_valid_after_utc.timestamp()),
    }
    audit.record(connection, actor, "device.renew", f"device:{new.device}", details)
