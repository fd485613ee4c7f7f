"""Authorities of stations: signed by an authority that a person named, they sign devices alone.

A station's certificate is learnt from the chain that a device shows or a record brings, and counts
only as what its grant allows (`edge.factory.identity`): ids that begin so, so many of them, until
then. TLS knows nothing of the grant; so it is asked here, also of a device that TLS has verified.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection, distinct, func, select, update

from edge.console import tenants
from edge.console.audit import Actor
from edge.console.devices import certificates, papers
from edge.console.devices.certificates import Certificate
from edge.console.devices.papers import Number
from edge.console.store.factory_tables import RECORDS
from edge.console.store.tables import AUTHORITIES, CERTIFICATES
from edge.errors import InputError, UntrustedError
from edge.factory.identity import chain
from edge.factory.identity.chain import Chain

# Of a device and of its station.
_MOST: Final = 2


def is_station(connection: Connection, authority: x509.Certificate) -> bool:
    """Whether an authority that is known is a station's."""
    print_ = certificates.fingerprint(certificates.der_of(authority))
    asked = select(AUTHORITIES.c.issued_by).where(AUTHORITIES.c.fingerprint == print_)
    return bool(connection.scalar(asked))


def tenant_of(
    connection: Connection, between: Sequence[x509.Certificate]
) -> tuple[str, x509.Certificate] | None:
    """Return the tenant whose authority signed a station, and the station; None for a stranger.

    Args:
        connection: Of the transaction.
        between: What a device showed above its own certificate, verified by TLS.
    """
    if not between:
        return None
    for tenant, root in _named(connection):
        if certificates.is_issued_by(between[0], root):
            return tenant, between[0]
    return None


def verify(
    connection: Connection,
    actor: Actor,
    leaf: Certificate,
    station: x509.Certificate,
    listed: Collection[Number],
) -> Chain:
    """Return what the chain of a device says, which holds now.

    Args:
        connection: Of the transaction.
        actor: Of the tenant that it has to be of, and with the time.
        leaf: The certificate of the device.
        station: That of its station.
        listed: Certificates on lists of revoked ones.

    Raises:
        UntrustedError: It does not hold.
    """
    roots = [one for tenant, one in _named(connection) if tenant == actor.tenant]
    pem = b"".join(one.public_bytes(Encoding.PEM) for one in (leaf.parsed, station))
    found = chain.verified(pem, roots, now=datetime.fromtimestamp(actor.now_s, UTC))
    for root in roots:
        if papers.number_of(station.serial_number, root) in listed:
            raise UntrustedError("the station's certificate is on the list of revoked ones")
    return found


def adopt(connection: Connection, actor: Actor, station: x509.Certificate) -> bool:
    """Let the certificate of a station, which holds, be an authority; whether it is new.

    Raises:
        RefusedError: TLS could not tell it from another one.
    """
    if not tenants.add_authority(connection, actor, station):
        return False
    print_ = certificates.fingerprint(certificates.der_of(station))
    root = next(one for _t, one in _named(connection) if certificates.is_issued_by(station, one))
    named = certificates.fingerprint(certificates.der_of(root))
    same = AUTHORITIES.c.fingerprint == print_
    connection.execute(update(AUTHORITIES).where(same).values(issued_by=named))
    return True


def require_room(connection: Connection, tenant: str, found: Chain) -> None:
    """Refuse a device that is one more than its station may make.

    Raises:
        UntrustedError: It is.
    """
    if _others(connection, tenant, found, have_records=True) >= found.grant.devices:
        raise UntrustedError(
            f"station {found.grant.station} may make {found.grant.devices} devices, and has",
            hint="edge factory station renew gives it a new certificate",
        )


def require_place(connection: Connection, tenant: str, found: Chain) -> None:
    """Refuse a device without a record when as many wait as its station may make.

    So who has the key of a station does not fill the database.

    Raises:
        UntrustedError: They do.
    """
    if _others(connection, tenant, found, have_records=False) >= found.grant.devices:
        raise UntrustedError(f"{found.grant.devices} devices of the station wait for their records")


def _others(connection: Connection, tenant: str, found: Chain, *, have_records: bool) -> int:
    """Count the station's other certificates that are noted: with a record, or without one."""
    own = certificates.fingerprint(certificates.der_of(found.certificate))
    recorded = (
        select(RECORDS.c.fingerprint)
        .where(
            RECORDS.c.tenant == CERTIFICATES.c.tenant,
            RECORDS.c.fingerprint == CERTIFICATES.c.fingerprint,
        )
        .exists()
    )
    asked = select(func.count(distinct(CERTIFICATES.c.fingerprint))).where(
        CERTIFICATES.c.tenant == tenant,
        CERTIFICATES.c.issuer == papers.number_of(0, found.station).issuer,
        CERTIFICATES.c.fingerprint != own,
        recorded if have_records else ~recorded,
    )
    return connection.scalar(asked) or 0


def read(pem: str) -> tuple[Certificate, x509.Certificate | None]:
    """Return the certificate of a device that a record brings, and that of its station.

    Raises:
        UntrustedError: It is neither one nor two certificates of that kind.
    """
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
        leaf = certificates.of_device(certificates.der_of(found[0]))
    except (ValueError, InputError) as error:
        raise UntrustedError(f"certificate: {error}") from error
    if len(found) > _MOST:
        raise UntrustedError(f"certificate: {len(found)} of them, where 1 or 2 are due")
    return leaf, found[1] if len(found) == _MOST else None


def _named(connection: Connection) -> list[tuple[str, x509.Certificate]]:
    """Return the authorities that people named, with their tenants."""
    asked = select(AUTHORITIES).where(AUTHORITIES.c.issued_by == "")
    rows = connection.execute(asked.order_by(AUTHORITIES.c.fingerprint))
    return [(row.tenant, x509.load_der_x509_certificate(row.certificate)) for row in rows]
