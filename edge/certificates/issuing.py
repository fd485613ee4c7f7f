"""What certificates and lists of revoked ones say, to be extended and signed by their issuer.

Source: RFC 5280, sections 4.1 and 5.1.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import NameOID

BEFORE: Final = timedelta(days=1)  # clocks differ
# Devices live long and may be away for years; a lost one is revoked.
OF_DEVICE: Final = timedelta(days=20 * 365)


def new_key() -> ec.EllipticCurvePrivateKey:
    """Return a new key (P-256)."""
    return ec.generate_private_key(ec.SECP256R1())


def builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey | CertificatePublicKeyTypes,
    now: datetime,
    lifetime: timedelta,
) -> x509.CertificateBuilder:
    """Return what a certificate says, to be extended and signed by its issuer.

    Args:
        subject: Whose it is.
        issuer: Who signs it.
        key: Of the subject, or its public half.
        now: The time in UTC.
        lifetime: How long it holds.
    """
    public = key.public_key() if isinstance(key, ec.EllipticCurvePrivateKey) else key
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BEFORE)
        .not_valid_after(now + lifetime)
    )


def common_name(text: str) -> x509.Name:
    """Return a name that is a common name alone."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def pem_of_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a key as PEM without a passphrase, for a file that only its owner can read."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def revocation_list(
    issuer: x509.Name,
    revoked: Iterable[x509.RevokedCertificate],
    now: datetime,
    lifetime: timedelta,
) -> x509.CertificateRevocationListBuilder:
    """Return what a list of revoked certificates says, to be extended and signed by its issuer.

    Args:
        issuer: Who signs it.
        revoked: What is on it; see `revoked`.
        now: The time in UTC.
        lifetime: When the next list is due.
    """
    made = x509.CertificateRevocationListBuilder().issuer_name(issuer)
    made = made.last_update(now).next_update(now + lifetime)
    for one in revoked:
        made = made.add_revoked_certificate(one)
    return made


def revoked(serial: int, now: datetime) -> x509.RevokedCertificate:
    """Return the entry of a certificate that is revoked now."""
    made = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now)
    return made.build()


def authority(
    name: str, key: ec.EllipticCurvePrivateKey, now: datetime, lifetime: timedelta
) -> x509.Certificate:
    """Return the certificate of an authority that signs for itself, and whom it signs for last.

    Args:
        name: What it is called.
        key: Its key.
        now: The time in UTC.
        lifetime: How long it holds.
    """
    issuer = common_name(name)
    constraints = x509.BasicConstraints(ca=True, path_length=0)
    made = builder(issuer, issuer, key, now, lifetime).add_extension(constraints, critical=True)
    return made.sign(key, hashes.SHA256())
