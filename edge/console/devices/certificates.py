"""What a device's certificate says, and whose authority made it."""

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from edge.errors import InputError
from edge_signing.errors import FormatError
from edge_signing.trust.names import check_device

_KEPT = 8192


@dataclass(frozen=True, slots=True)
class Certificate:
    """The certificate that a device showed.

    Attributes:
        device: Its common name, which is the id of a device.
        fingerprint: SHA-256 of its DER.
    """

    device: str
    fingerprint: bytes
    parsed: x509.Certificate = field(repr=False)


@functools.lru_cache(_KEPT)
def of_device(der: bytes) -> Certificate:
    """Return what a certificate says.

    Raises:
        InputError: It is none, or its one common name is no device id.
    """
    try:
        parsed = x509.load_der_x509_certificate(der)
        names = parsed.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        name = str(names[0].value) if len(names) == 1 else ""
        check_device(name)
    except (ValueError, FormatError) as error:
        raise InputError(f"certificate: {error}") from error
    return Certificate(name, hashlib.sha256(der).digest(), parsed)


def authority(pem: bytes, place: str) -> x509.Certificate:
    """Return the certificate of an authority.

    Raises:
        InputError: It is not one certificate in PEM that may sign others.
    """
    try:
        found = x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise InputError(f"{place}: no certificate in PEM: {error}") from error
    if len(found) != 1:
        raise InputError(f"{place}: {len(found)} certificates where one is due")
    try:
        is_authority = found[0].extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        is_authority = False
    if not is_authority:
        raise InputError(f"{place}: not the certificate of an authority")
    return found[0]


def der_of(certificate: x509.Certificate) -> bytes:
    """Return the bytes of a certificate."""
    return certificate.public_bytes(serialization.Encoding.DER)


def fingerprint(der: bytes) -> str:
    """Return the SHA-256 of a certificate in hex."""
    return hashlib.sha256(der).hexdigest()


def issuer(certificate: Certificate, authorities: Mapping[str, x509.Certificate]) -> str | None:
    """Return the name of the authority that signed a certificate itself, if one did.

    Args:
        certificate: Of a device.
        authorities: By the name that is returned, such as their fingerprint.
    """
    for name, one in authorities.items():
        if is_issued_by(certificate.parsed, one):
            return name
    return None


def is_issued_by(certificate: x509.Certificate, authority_: x509.Certificate) -> bool:
    """Whether an authority signed a certificate itself."""
    try:
        certificate.verify_directly_issued_by(authority_)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
