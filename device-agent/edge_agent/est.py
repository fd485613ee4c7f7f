"""What it takes to ask for a certificate: a key of this device, a request, and what is kept of it.

Source: RFC 7030, sections 4.2.1 and 4.2.2 (simpleenroll, simplereenroll); RFC 8555, section 9.1
(the chain as PEM).
"""

import os
import re
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge_agent.identity import IdentityError
from edge_agent.links.exchange import Exchange
from edge_agent.links.exchange import Server as Place
from edge_agent.links.guarded import Pace

_EPOCH: Final = re.compile(r"[1-9][0-9]{0,15}")
_MOST_BYTES: Final = 64 << 10
_SECRET: Final = 0o600


@dataclass(frozen=True, slots=True)
class Made:
    """What a server sent.

    Attributes:
        certificate: In PEM; nobody has looked at it yet.
        epoch: Of the enrolment.
    """

    certificate: bytes
    epoch: int


def asked(
    url: str,
    context: Callable[[], ssl.SSLContext],
    path: str,
    body: bytes,
    *,
    token: str = "",
    pace: Pace | None = None,
) -> Made:
    """Return what a server sends for a request.

    Args:
        url: Of the server.
        context: Returns how to talk to it.
        path: What is asked there.
        body: The request.
        token: Sent with it; empty for none.
        pace: How slow the server may be.

    Raises:
        LinkError: It may work later.
        RefusedByServerError: The server says no.
    """
    exchange = Exchange(Place.of(url), context, pace=pace)
    headers = {
        "Content-Type": "application/pkcs10",
        "Accept": "application/pem-certificate-chain",
    }
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        answer = exchange.ask("POST", path, headers=headers, body=body)
        epoch = answer.header("Edge-Epoch")
        sent = answer.body(_MOST_BYTES)
    finally:
        exchange.close()
    return Made(sent, int(epoch) if _EPOCH.fullmatch(epoch) else 1)


def key_in(file: Path) -> ec.EllipticCurvePrivateKey:
    """Return the key in a file; a new one that is on the disk if there is none that is whole."""
    with suppress(FileNotFoundError, ValueError):
        # One that is torn was never sent for.
        found = serialization.load_pem_private_key(file.read_bytes(), None)
        if isinstance(found, ec.EllipticCurvePrivateKey):
            return found
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    write(file, pem, mode=_SECRET)
    flush(file.parent)
    return key


def request(key: ec.EllipticCurvePrivateKey, device: str) -> bytes:
    """Return the request of a device for a certificate of a key."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, device)])
    made = x509.CertificateSigningRequestBuilder().subject_name(subject)
    signed = made.sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def require_ours(pem: bytes, key: ec.EllipticCurvePrivateKey, device: str) -> None:
    """Refuse what is no certificate of our key and name.

    Raises:
        IdentityError: It is not.
    """
    try:
        found = x509.load_pem_x509_certificate(pem)
        names = [one.value for one in found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        certified = found.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise IdentityError(f"the server sent no certificate: {error}") from error
    if certified != key.public_key() or names != [device]:
        raise IdentityError("the server sent the certificate of another key or device")


def keep(made: Made, folder: Path, server_ca: Path) -> None:
    """Store a certificate and what belongs to it; the certificate is there last, and whole."""
    write(folder / "server-ca.crt", server_ca.read_bytes())
    write(folder / "epoch", f"{made.epoch}\n".encode())
    write(folder / "device.crt.part", made.certificate)
    (folder / "device.crt.part").replace(folder / "device.crt")
    flush(folder)


def write(file: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file anew, down to the disk."""
    file.unlink(missing_ok=True)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def flush(folder: Path) -> None:
    """Bring the names in a folder down to the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
