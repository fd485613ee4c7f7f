"""The certificates of the console's own door to the broker.

They are made at each start, by an authority whose key is thrown away then: nobody, and no device's
authority, can make another one.
"""

import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from edge import atomic
from edge.certificates import issuing
from edge.console.broker.configuration import CONSOLE

LOOPBACK: Final = "127.0.0.1"
# A console that runs for so long without a restart gets new ones by it.
_VALID: Final = timedelta(days=3650)
_EKU: Final = ExtendedKeyUsageOID


@dataclass(frozen=True, slots=True)
class Pass:
    """What the console shows to its broker.

    Attributes:
        ca: File with the authority of the broker's certificate.
        certificate: File with the console's own.
        key: File with the key of that.
    """

    ca: Path
    certificate: Path
    key: Path

    @classmethod
    def of(cls, folder: Path) -> "Pass":
        """Return the one that `make` writes to a folder."""
        return cls(folder / "ca.crt", folder / "console.crt", folder / "console.key")

    def context(self) -> ssl.SSLContext:
        """Return TLS to the broker."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        made.load_verify_locations(self.ca)
        made.load_cert_chain(self.certificate, self.key)
        return made


def make(folder: Path, now: datetime) -> Pass:
    """Write all certificates of the door to a folder, and return the console's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    ca_key = issuing.new_key()
    ca = issuing.authority("console's door", ca_key, now, _VALID)
    _write(folder / "ca.crt", ca.public_bytes(serialization.Encoding.PEM))
    hosts = x509.SubjectAlternativeName([x509.IPAddress(ip_address(LOOPBACK))])
    for file, usage, common in (
        ("broker", _EKU.SERVER_AUTH, "broker"),
        ("console", _EKU.CLIENT_AUTH, CONSOLE),
    ):
        key = issuing.new_key()
        signed = (
            issuing.builder(issuing.common_name(common), ca.subject, key, now, _VALID)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(hosts, critical=False)
            .sign(ca_key, hashes.SHA256())
        )
        _write(folder / f"{file}.key", issuing.pem_of_key(key))
        _write(folder / f"{file}.crt", signed.public_bytes(serialization.Encoding.PEM))
    return Pass.of(folder)


def nobody(now: datetime) -> bytes:
    """Return an authority that signs nothing, for Mosquitto does not start without one."""
    ca = issuing.authority("nobody", issuing.new_key(), now, _VALID)
    return ca.public_bytes(serialization.Encoding.PEM)


def _write(path: Path, data: bytes) -> None:
    with atomic.file(path, mode=0o600, durable=False) as stream:
        stream.write(data)
