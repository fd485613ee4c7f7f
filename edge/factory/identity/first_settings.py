"""The identity of a device that can not make its own key: made at the station, in memory.

The key goes into the first settings of the image, which are written to the device with it, and is
in no file of the station. `edge.flash` makes the file system of the data partition in a temporary
folder: let TMPDIR be one in memory, where that matters.
"""

from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from edge.certificates import issuing
from edge.errors import InputError
from edge.factory.identity.station import Certificates, StationAuthority
from edge.image.provision import IDENTITY, Placed

EPOCH = 1


@dataclass(frozen=True, slots=True)
class Made:
    """An identity to be written.

    Attributes:
        certificates: What the device got.
        files: Of its data partition; one of them is secret.
    """

    certificates: Certificates
    files: tuple[Placed, ...] = field(repr=False)


def make(
    station: StationAuthority,
    device: str,
    *,
    server_ca: bytes,
    now: datetime,
    epoch: int = EPOCH,
    again: bool = False,
) -> Made:
    """Return the identity of a device, with a new key that nothing else has.

    The step may be repeated: with `again`, and another key.

    Args:
        station: That signs.
        device: Its id.
        server_ca: What the device is to trust servers by, in PEM.
        now: The time in UTC.
        epoch: Of its enrolment.
        again: The device has a certificate, which is retired by this one.

    Raises:
        InputError: `server_ca` is no certificate.
        EdgeError: As `StationAuthority.issue_device`.
    """
    pem = server_certificates(server_ca)
    key = issuing.new_key()
    certificates = station.issue_device(key.public_key(), device, now=now, again=again)
    contents = {
        "device.crt": certificates.chain_pem.encode(),
        "device.key": issuing.pem_of_key(key),
        "server-ca.crt": pem,
        "epoch": f"{epoch}\n".encode(),
    }
    files = tuple(Placed(IDENTITY / name, content) for name, content in contents.items())
    return Made(certificates, files)


def server_certificates(pem: bytes) -> bytes:
    """Return certificates written anew: what stands between them does not go to the device.

    Raises:
        InputError: There is none.
    """
    try:
        found = x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise InputError(f"what servers are trusted by: no certificate in PEM: {error}") from error
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in found)
