"""What a station may do by the grant in its certificate, where it has one.

So a key that was stolen from a station makes devices of that station's ids only, and not more than
the factory allowed it: each certificate that was ever noted counts, whoever brought it.
"""

from cryptography import x509
from sqlalchemy import Connection, func, select

from edge.console.devices import papers
from edge.console.devices.certificates import Certificate
from edge.console.store.tables import CERTIFICATES
from edge.errors import UntrustedError
from edge.factory.identity import chain
from edge.factory.identity.grant import Grant


def require(
    connection: Connection, tenant: str, leaf: Certificate, station: x509.Certificate
) -> None:
    """Refuse a device that its station was not allowed to make.

    Args:
        connection: Of the transaction.
        tenant: Whose device it is.
        leaf: Its certificate.
        station: The certificate of the station, which an authority of the tenant has signed.

    Raises:
        UntrustedError: The grant does not allow it.
    """
    if not Grant.is_in(station):
        return
    chain.require_device(leaf.parsed, station)
    grant, issuer = Grant.of(station), papers.number_of(0, station).issuer
    asked = select(func.count()).where(
        CERTIFICATES.c.tenant == tenant,
        CERTIFICATES.c.issuer == issuer,
        CERTIFICATES.c.fingerprint != leaf.fingerprint.hex(),
    )
    if (connection.scalar(asked) or 0) >= grant.devices:
        raise UntrustedError(
            f"station {grant.station} may sign {grant.devices} certificates, and this is one more",
            hint="was its key stolen? else renew it: edge factory station renew",
        )
