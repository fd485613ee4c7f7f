"""Authorities of stations: signed by an authority that a person named, they sign devices alone.

A station's certificate is learnt from the chain that a device shows or a record brings, and counts
only as what its authority allows: one step, no further authorities, and names as it says. TLS
enforces the same; what a record brings did not come through TLS.

Source: RFC 5280 §4.2.1.9 (basic constraints), §4.2.1.10 (name constraints).
"""

from collections.abc import Collection, Sequence
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from sqlalchemy import Connection, select, update

from edge.console import tenants
from edge.console.audit import Actor
from edge.console.devices import certificates, papers
from edge.console.devices.certificates import Certificate
from edge.console.devices.papers import Number
from edge.console.factory import grants
from edge.console.store.tables import AUTHORITIES
from edge.errors import EdgeError, UntrustedError

# Of a device and of its station.
_MOST: Final = 2
_WRONG: Final = (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)


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
    for tenant, _authority in _named(connection, between[0]):
        return tenant, between[0]
    return None


def adopt(
    connection: Connection,
    actor: Actor,
    leaf: Certificate,
    station: x509.Certificate,
    listed: Collection[Number],
) -> bool:
    """Let a station's certificate be an authority of the tenant's devices; whether it is new.

    Args:
        connection: Of the transaction.
        actor: Who brings it.
        leaf: The certificate of a device that it has signed.
        station: Its own.
        listed: Certificates on lists of revoked ones.

    Raises:
        UntrustedError: It is none of the tenant's, or may not sign this.
        RefusedError: TLS could not tell it from another one.
    """
    issuers = [one for tenant, one in _named(connection, station) if tenant == actor.tenant]
    if not issuers:
        raise UntrustedError(
            "no authority of this console's devices has signed the station's certificate",
            hint="edge console serve --factory-ca names the authority of the line",
        )
    if papers.number_of(station.serial_number, issuers[0]) in listed:
        raise UntrustedError("the station's certificate is on the list of revoked ones")
    check(leaf.parsed, station)
    grants.require(connection, actor.tenant, leaf, station)
    if not tenants.add_authority(connection, actor, station):
        return False
    print_ = certificates.fingerprint(certificates.der_of(station))
    named = certificates.fingerprint(certificates.der_of(issuers[0]))
    same = AUTHORITIES.c.fingerprint == print_
    connection.execute(update(AUTHORITIES).where(same).values(issued_by=named))
    return True


def check(leaf: x509.Certificate, station: x509.Certificate) -> None:
    """Check that a station has signed a certificate, and may.

    Raises:
        UntrustedError: It has not, or may not.
    """
    try:
        _check(leaf, station)
    except x509.ExtensionNotFound as error:
        raise UntrustedError(f"the station's certificate: {error}") from error
    except _WRONG as error:
        raise UntrustedError(f"certificate: {error}") from error


def _check(leaf: x509.Certificate, station: x509.Certificate) -> None:
    basic = station.extensions.get_extension_for_class(x509.BasicConstraints).value
    if not basic.ca or basic.path_length != 0:
        raise UntrustedError("the station's certificate may not sign devices, and devices alone")
    if not certificates.is_issued_by(leaf, station):
        raise UntrustedError("the station has not signed the device's certificate")
    if not _begins_within(leaf, station):
        raise UntrustedError("the device's certificate was not made while the station's held")
    if _is_authority(leaf):
        raise UntrustedError("the device's certificate may sign others")
    for one in station.extensions:
        if isinstance(one.value, x509.NameConstraints):
            _check_names(leaf, one.value)
        elif one.critical and not isinstance(one.value, x509.BasicConstraints | x509.KeyUsage):
            raise UntrustedError(f"the station's certificate says {one.oid.dotted_string}")


def _check_names(leaf: x509.Certificate, allowed: x509.NameConstraints) -> None:
    permitted = allowed.permitted_subtrees or []
    excluded = allowed.excluded_subtrees or []
    for kind, names in _names(leaf).items():
        # Which ones are excluded is not asked: doubt refuses.
        if any(isinstance(one, kind) for one in excluded):
            raise UntrustedError(f"the station may not sign for {_shown(names[0])}")
        bases = [one.value for one in permitted if isinstance(one, kind)]
        for name in names:
            if bases and not any(_is_below(name, base) for base in bases):
                raise UntrustedError(f"the station may not sign for {_shown(name)}")


def _names(leaf: x509.Certificate) -> dict[type[x509.GeneralName], list[object]]:
    """Return the names of a certificate by their kind."""
    found: dict[type[x509.GeneralName], list[object]] = {x509.DirectoryName: [leaf.subject]}
    try:
        others = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return found
    for one in others:
        found.setdefault(type(one), []).append(one.value)
    return found


def _is_below(name: object, base: object) -> bool:
    match name, base:
        case x509.Name(), x509.Name():
            above = list(base.rdns)
            return list(name.rdns)[: len(above)] == above
        case str(), str():
            zone = base.lstrip(".").lower()
            return name.lower() == zone or name.lower().endswith(f".{zone}")
        case _:
            return False


def _shown(name: object) -> str:
    return name.rfc4514_string() if isinstance(name, x509.Name) else repr(name)


def _begins_within(leaf: x509.Certificate, station: x509.Certificate) -> bool:
    begins = leaf.not_valid_before_utc
    return station.not_valid_before_utc <= begins <= station.not_valid_after_utc


def _is_authority(leaf: x509.Certificate) -> bool:
    try:
        return leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _named(connection: Connection, station: x509.Certificate) -> list[tuple[str, x509.Certificate]]:
    """Return the authorities that people named and that signed a station, with their tenants."""
    asked = select(AUTHORITIES).where(AUTHORITIES.c.issued_by == "")
    found = []
    for row in connection.execute(asked.order_by(AUTHORITIES.c.fingerprint)):
        one = x509.load_der_x509_certificate(row.certificate)
        if certificates.is_issued_by(station, one):
            found.append((row.tenant, one))
    return found


def read(pem: str) -> tuple[Certificate, x509.Certificate | None]:
    """Return the certificate of a device that a record brings, and that of its station.

    Raises:
        UntrustedError: It is neither one nor two certificates of that kind.
    """
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
        leaf = certificates.of_device(certificates.der_of(found[0]))
    except (*_WRONG, EdgeError) as error:
        raise UntrustedError(f"certificate: {error}") from error
    if len(found) > _MOST:
        raise UntrustedError(f"certificate: {len(found)} of them, where 1 or 2 are due")
    return leaf, found[1] if len(found) == _MOST else None


def key_of(certificate: Certificate) -> str:
    """Return the SHA-256 of the public key of a certificate, in hex."""
    key = certificate.parsed.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return certificates.fingerprint(key)
