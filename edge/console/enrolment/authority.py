"""The console's own authority of devices, one for each tenant; made when it is first needed.

Whoever has its key can make devices that the console would take: so can whoever rules the console.
What a device installs is signed by other keys.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from edge import atomic
from edge.certificates import issuing
from edge.certificates.requests import Wanted

FILE: Final = "device-ca.crt"
_AUTHORITY: Final = timedelta(days=30 * 365)
_LIST: Final = timedelta(days=8)
_SECRET: Final = 0o600


class DeviceAuthority:
    """Makes certificates of devices.

    Attributes:
        certificate: Its own.

    Args:
        folder: Of its files; they are made when missing.
        name: Its common name.
        lifetime: How long the certificates hold that it makes.
    """

    def __init__(
        self, folder: Path, name: str, *, now: datetime, lifetime: timedelta = issuing.OF_DEVICE
    ) -> None:
        self._lifetime = lifetime
        key_file, file = folder / "device-ca.key", folder / FILE
        if not file.is_file():
            _make(key_file, file, name, now)
        self.certificate = x509.load_pem_x509_certificate(file.read_bytes())
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
        self._key = cast(ec.EllipticCurvePrivateKey, key)

    def revoked(self, serials: Iterable[int], *, now: datetime) -> bytes:
        """Return a list of revoked certificates, in PEM."""
        listed = [issuing.revoked(serial, now) for serial in serials]
        made = issuing.revocation_list(self.certificate.subject, listed, now, _LIST)
        return made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def issue(self, wanted: Wanted, *, now: datetime) -> x509.Certificate:
        """Return a certificate of a device, which ends with that of the authority at last."""
        key = wanted.key
        lifetime = min(self._lifetime, self.certificate.not_valid_after_utc - now)
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        subject = issuing.common_name(wanted.device)
        return (
            issuing.builder(subject, self.certificate.subject, key, now, lifetime)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=False)
            .sign(self._key, hashes.SHA256())
        )


def _make(key_file: Path, file: Path, name: str, now: datetime) -> None:
    key = issuing.new_key()
    made = issuing.authority(name, key, now, _AUTHORITY)
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic.file(key_file, mode=_SECRET) as stream:
        stream.write(issuing.pem_of_key(key))
    # Last: what is there is whole.
    with atomic.file(file) as stream:
        stream.write(made.public_bytes(serialization.Encoding.PEM))
