"""Get a certificate for a device that was given a key of enrolment and has none.

The key of the certificate is made here, is on the disk before it is sent for, and leaves the device
never: so an answer that is lost costs nothing, for the same key gets the same certificate.

Source: RFC 7030, section 4.2.1 (simpleenroll); RFC 8555, section 9.1 (the chain as PEM).
"""

import logging
import os
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from edge_agent.backoff import Backoff
from edge_agent.errors import AgentError
from edge_agent.identity import IdentityError
from edge_agent.link import LinkError
from edge_agent.links.guarded import Pace
from edge_agent.server import Server

logger = logging.getLogger(__name__)

PREFIX: Final = "edge-enrol_"
FOLDER: Final = "identity"
NEW: Final = "identity.new"
_PATH: Final = ".well-known/est/simpleenroll"
_EPOCH: Final = re.compile(r"[1-9][0-9]{0,15}")
_MOST_BYTES: Final = 64 << 10
_SECRET: Final = 0o600


def is_due(server: Server, data: Path) -> bool:
    """Whether this device has a key of enrolment, and no certificate."""
    has_key = server.token.startswith(PREFIX) and server.identity is not None
    return has_key and not (data / FOLDER).exists()


def keep_trying(
    server: Server,
    data: Path,
    stop: threading.Event,
    *,
    backoff: Backoff,
    is_clock_known: Callable[[], bool] = lambda: True,
) -> bool:
    """Enrol, again and again until it is done or somebody stops it; whether it is done."""
    while not stop.is_set():
        wait_s = 0.0
        try:
            enrol(server, data, is_clock_known=is_clock_known)
        except LinkError as error:
            logger.info("enrolment: %s", error)
            wait_s = error.wait_s
        except (AgentError, OSError) as error:
            logger.warning("enrolment: %s", error)
        else:
            logger.info("enrolled as %s", server.identity.device if server.identity else "")
            return True
        stop.wait(backoff.next_s(wait_s))
    return False


def enrol(
    server: Server,
    data: Path,
    *,
    is_clock_known: Callable[[], bool] = lambda: True,
    pace: Pace | None = None,
) -> None:
    """Get a certificate and keep it as the identity of this device.

    After a power cut the identity is there as a whole, or is not and is asked for again.

    Raises:
        LinkError: It may work later.
        RefusedByServerError: The server says no.
        IdentityError: What it sent is no certificate of our key.
        OSError: It can not be stored.
    """
    identity = server.identity
    if identity is None:
        raise IdentityError("no key of enrolment was given")
    folder = data / NEW
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = _key(folder / "device.key")
    sent, epoch = _asked(server, _request(key, identity.device), is_clock_known, pace)
    _require_ours(sent, key, identity.device)
    for name, content in (
        ("device.crt", sent),
        ("server-ca.crt", identity.server_ca.read_bytes()),
        ("epoch", f"{epoch}\n".encode()),
    ):
        _write(folder / name, content)
    _flush(folder)
    folder.rename(data / FOLDER)
    _flush(data)


def _asked(
    server: Server, request: bytes, is_clock_known: Callable[[], bool], pace: Pace | None
) -> tuple[bytes, int]:
    from edge_agent.links import tls
    from edge_agent.links.exchange import Exchange
    from edge_agent.links.exchange import Server as Place

    identity = server.identity
    assert identity is not None

    def context() -> Any:
        return tls.context(identity, is_clock_known=is_clock_known(), with_certificate=False)

    exchange = Exchange(Place.of(server.http), context, pace=pace)
    headers = {
        "Authorization": f"Bearer {server.token}",
        "Content-Type": "application/pkcs10",
        "Accept": "application/pem-certificate-chain",
    }
    try:
        answer = exchange.ask("POST", _PATH, headers=headers, body=request)
        epoch = answer.header("Edge-Epoch")
        body = answer.body(_MOST_BYTES)
    finally:
        exchange.close()
    return body, int(epoch) if _EPOCH.fullmatch(epoch) else 1


def _key(file: Path) -> Any:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    with suppress(FileNotFoundError, ValueError):
        # One that is torn was never sent for.
        return serialization.load_pem_private_key(file.read_bytes(), None)
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _write(file, pem, mode=_SECRET)
    _flush(file.parent)
    return key


def _request(key: Any, device: str) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.x509.oid import NameOID

    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, device)])
    made = x509.CertificateSigningRequestBuilder().subject_name(subject)
    signed = made.sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def _require_ours(pem: bytes, key: Any, device: str) -> None:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        found = x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise IdentityError(f"the server sent no certificate: {error}") from error
    names = [one.value for one in found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if found.public_key() != key.public_key() or names != [device]:
        raise IdentityError("the server sent the certificate of another key or device")


def _write(file: Path, content: bytes, *, mode: int = 0o644) -> None:
    file.unlink(missing_ok=True)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
