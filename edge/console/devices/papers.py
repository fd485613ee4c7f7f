"""The certificates that devices showed, as steps of a transaction: what a list may name later."""

import hashlib
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from sqlalchemy import Connection, insert, select

from edge.console.devices.certificates import Certificate
from edge.console.store.tables import CERTIFICATES


@dataclass(frozen=True, slots=True)
class Number:
    """What names a certificate on a list of revoked ones.

    Attributes:
        issuer: SHA-256 of the public key of its authority, in hex.
        serial: Its serial number, in hex.
    """

    issuer: str
    serial: str


def number_of(serial: int, authority: x509.Certificate) -> Number:
    """Return the number of a certificate that an authority signed."""
    key = authority.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return Number(hashlib.sha256(key).hexdigest(), f"{serial:x}")


def note(
    connection: Connection,
    tenant: str,
    certificate: Certificate,
    authority: x509.Certificate,
    now_s: int,
) -> bool:
    """Store what a certificate says, once; whether it is new.

    Args:
        connection: Of the transaction.
        tenant: Whose authority signed it.
        certificate: Verified by TLS.
        authority: That signed it.
        now_s: Seconds since 1970.
    """
    print_ = certificate.fingerprint.hex()
    same = (CERTIFICATES.c.tenant == tenant, CERTIFICATES.c.fingerprint == print_)
    if connection.execute(select(CERTIFICATES.c.device).where(*same)).first() is not None:
        return False
    number = number_of(certificate.parsed.serial_number, authority)
    connection.execute(
        insert(CERTIFICATES).values(
            tenant=tenant,
            fingerprint=print_,
            device=certificate.device,
            serial=number.serial,
            issuer=number.issuer,
            ends_at_s=int(certificate.parsed.not_valid_after_utc.timestamp()),
            first_seen_s=now_s,
        )
    )
    return True
