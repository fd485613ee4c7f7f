"""Devices that come with a key of enrolment: each gets its certificate, the same however often."""

from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509
from sqlalchemy import Connection, insert, select

from edge.certificates.requests import Wanted
from edge.console import audit
from edge.console.audit import Actor
from edge.console.devices import certificates, groups, registry
from edge.console.enrolment import keys
from edge.console.enrolment.keys import EnrolmentKey
from edge.console.store.enrolment_tables import ISSUED
from edge.factory.identity import prints

Issue = Callable[[Wanted], x509.Certificate]


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A certificate that was given out.

    Attributes:
        epoch: Of the enrolment, which the device has to know too.
    """

    tenant: str
    certificate: x509.Certificate
    epoch: int


def enrol(
    connection: Connection, text: str, wanted: Wanted, *, now_s: int, issue: Issue
) -> Enrolled:
    """Give a device a certificate for a key of enrolment; it is let in with that, or waits.

    A device that did not hear the answer asks again, and gets the same one.

    Args:
        connection: Of the transaction.
        text: The key.
        wanted: Its request.
        now_s: The time, seconds since 1970.
        issue: Makes a certificate of the key's tenant.

    Raises:
        RefusedError: The key does not hold or is not for it, or the id is taken.
    """
    key = keys.known(connection, text, now_s)
    if (before := _again(connection, key, wanted)) is not None:
        return before
    keys.use(connection, key, wanted.device)
    made = issue(wanted)
    der = certificates.der_of(made)
    print_ = certificates.fingerprint(der)
    actor = Actor(key.tenant, f"device:{wanted.device}", now_s)
    epoch = registry.enrol(
        connection, actor, wanted.device, bytes.fromhex(print_), is_trusted=key.is_trusted
    )
    registry.note(connection, certificates.of_device(der), now_s)
    values = {
        "tenant": key.tenant,
        "device": wanted.device,
        "key_digest": prints.of_key(wanted.key),
        "enrolment_key": key.key,
        "certificate": der,
        "issued_at_s": now_s,
    }
    connection.execute(insert(ISSUED).values(values))
    if key.group:
        groups.join(connection, key.tenant, key.group, wanted.device)
    details: dict[str, object] = {"key": key.key, "certificate": print_}
    audit.record(connection, actor, "device.enrol", f"device:{wanted.device}", details)
    return Enrolled(key.tenant, made, epoch)


def _again(connection: Connection, key: EnrolmentKey, wanted: Wanted) -> Enrolled | None:
    """Return the certificate that this key of a device already has, if it still is its own."""
    same = (
        ISSUED.c.tenant == key.tenant,
        ISSUED.c.device == wanted.device,
        ISSUED.c.key_digest == prints.of_key(wanted.key),
        ISSUED.c.enrolment_key == key.key,
    )
    der = connection.scalar(select(ISSUED.c.certificate).where(*same))
    if der is None:
        return None
    row = registry.get(connection, key.tenant, wanted.device)
    if row.fingerprint != certificates.fingerprint(bytes(der)):
        return None
    return Enrolled(key.tenant, x509.load_der_x509_certificate(bytes(der)), int(row.epoch))
