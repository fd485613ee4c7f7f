"""Identities of simulated devices, as the factory makes them: a key and a certificate each."""

import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from edge import atomic
from edge.certificates import issuing
from edge.errors import InputError
from edge_signing.trust.names import check_device

_VALID: Final = timedelta(days=30)
_RENEW: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Factory:
    """The authority that devices are made by.

    Attributes:
        certificate: Its certificate.
        key: Its private key: one of a test, not of a real factory.
    """

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

    @classmethod
    def read(cls, certificate: Path, key: Path) -> "Factory":
        """Return the one in two PEM files.

        Raises:
            InputError: They can not be read, or do not belong together.
        """
        try:
            found = x509.load_pem_x509_certificate(certificate.read_bytes())
        except (OSError, ValueError) as error:
            raise InputError(f"{certificate}: no certificate in PEM: {error}") from error
        try:
            private = serialization.load_pem_private_key(key.read_bytes(), password=None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise InputError(f"{key}: no private key in PEM: {error}") from error
        if not isinstance(private, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
            raise InputError(f"{key}: neither ECDSA nor RSA")
        if private.public_key() != found.public_key():
            raise InputError(f"{key}: not the key of {certificate}")
        return cls(found, private)


@dataclass(frozen=True, slots=True)
class MadeIdentity:
    """A device's own files.

    Attributes:
        device: Its id.
        certificate: File with its certificate and its key, in PEM.
    """

    device: str
    certificate: Path

    def context(self, server_ca: Path) -> ssl.SSLContext:
        """Return TLS to the server.

        Raises:
            InputError: The authority of the server can not be read.
        """
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            made.load_verify_locations(server_ca)
        except (OSError, ssl.SSLError) as error:
            raise InputError(f"{server_ca}: no certificates: {error}") from error
        made.load_cert_chain(self.certificate)
        return made


def identity(factory: Factory, device: str, folder: Path, now: datetime) -> MadeIdentity:
    """Return the identity of a device; the one in the folder while it is good.

    Raises:
        FormatError: The name can not be that of a device.
    """
    check_device(device)
    file = folder / f"{device}.pem"
    if not _is_good(file, factory, now):
        with atomic.file(file, mode=0o600, durable=False) as stream:
            stream.write(_made(factory, device, now))
    return MadeIdentity(device, file)


def _is_good(file: Path, factory: Factory, now: datetime) -> bool:
    try:
        found = x509.load_pem_x509_certificate(file.read_bytes())
        found.verify_directly_issued_by(factory.certificate)
    except (OSError, ValueError, TypeError, InvalidSignature):
        return False
    return found.not_valid_before_utc <= now < found.not_valid_after_utc - _RENEW


def _made(factory: Factory, device: str, now: datetime) -> bytes:
    key = issuing.new_key()
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    name = issuing.common_name(device)
    signed = (
        issuing.builder(name, factory.certificate.subject, key, now, _VALID)
        .add_extension(usage, critical=False)
        .sign(factory.key, hashes.SHA256())
    )
    return signed.public_bytes(serialization.Encoding.PEM) + issuing.pem_of_key(key)
