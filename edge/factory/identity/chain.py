"""Whether a certificate is that of a device which a station of the factory was allowed to make.

TLS looks at signatures, times and name constraints; the grant is looked at here: by the station
before it signs, by who verifies a ledger, and by the console before it lets a device in.

Source: RFC 5280, section 6.1 (basic path validation), for chains of just this form.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import NameOID

from edge.errors import UntrustedError
from edge.factory.identity import naming, prints
from edge.factory.identity.grant import Grant


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain that holds.

    Attributes:
        device: The id of the device.
        key_sha256: Of its public key, in hex.
        serial_hex: Serial number of its certificate.
        grant: Of the station that has signed it: `grant.devices` is how many there may be of it.
        certificate: Of the device.
        station: Certificate of the station.
    """

    device: str
    key_sha256: str
    serial_hex: str
    grant: Grant
    certificate: x509.Certificate
    station: x509.Certificate


def verified(pem: str | bytes, roots: Sequence[x509.Certificate], *, now: datetime) -> Chain:
    """Return what the chain of a device says.

    Args:
        pem: The certificates of the device and of its station, in this order.
        roots: Of the factories.
        now: The time in UTC.

    Raises:
        UntrustedError: It is not two certificates, or one of them was not allowed.
    """
    data = pem.encode() if isinstance(pem, str) else pem
    try:
        found = x509.load_pem_x509_certificates(data)
    except ValueError as error:
        raise UntrustedError(f"no certificates in PEM: {error}") from error
    if len(found) != 2:
        raise UntrustedError(
            f"{len(found)} certificates: those of a device and its station are due"
        )
    device, station = found
    root = next((one for one in roots if _is_issued(station, one)), None)
    if root is None:
        issuer = station.issuer.rfc4514_string()
        raise UntrustedError(
            f"the certificate of the station is of no factory that is known: {issuer}",
            hint="--factory-ca names its certificate: ca/factory.crt in the folder of its line",
        )
    grant = require_station(station, root)
    name = require_device(device, station)
    for one in (device, station, root):
        if not one.not_valid_before_utc <= now <= one.not_valid_after_utc:
            raise UntrustedError(f"{one.subject.rfc4514_string()}: not valid now")
    return Chain(
        name, prints.of_key(device.public_key()), prints.serial(device), grant, device, station
    )


def require_station(station: x509.Certificate, root: x509.Certificate) -> Grant:
    """Return what a station may do.

    Raises:
        UntrustedError: The factory has not signed that.
    """
    place = station.subject.rfc4514_string()
    if not _is_issued(station, root):
        raise UntrustedError(
            f"{place}: the factory {root.subject.rfc4514_string()} has not signed it"
        )
    grant = Grant.of(station)
    wanted = {
        x509.BasicConstraints(ca=True, path_length=0),
        naming.SIGNS,
        naming.FOR_CLIENTS,
        naming.constraints(grant.product, grant.station),
    }
    if missing := wanted - {one.value for one in station.extensions}:
        kind = type(next(iter(missing))).__name__
        raise UntrustedError(f"{place}: not the certificate of a station: {kind}")
    return grant


def require_device(device: x509.Certificate, station: x509.Certificate) -> str:
    """Return the id of a device that a station was allowed to make.

    Args:
        device: Its certificate.
        station: That of the station; whoever asks knows that it is one (`require_station`).

    Raises:
        UntrustedError: The station did not sign that, or its grant does not allow it.
    """
    grant, place = Grant.of(station), device.subject.rfc4514_string()
    if not _is_issued(device, station):
        raise UntrustedError(f"{place}: station {grant.station} has not signed it")
    names = device.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    name = str(names[0].value) if len(names) == 1 else ""
    if device.subject != naming.device(grant.product, grant.station, name):
        raise UntrustedError(f"{place}: not a device of station {grant.station}")
    if not name.startswith(grant.prefix):
        raise UntrustedError(f"{place}: station {grant.station} makes {grant.prefix}* only")
    until = datetime.fromtimestamp(grant.until_s, UTC)
    if not station.not_valid_before_utc <= device.not_valid_before_utc <= until:
        raise UntrustedError(f"{place}: signed when station {grant.station} might not")
    leaf = {x509.BasicConstraints(ca=False, path_length=None), naming.IS_DEVICE}
    if leaf - {one.value for one in device.extensions}:
        raise UntrustedError(f"{place}: not the certificate of a device")
    return name


def _is_issued(one: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        one.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
