"""The identity that a device makes at the factory: its key is made here and never leaves it.

Until the certificate is there, all is in a folder beside; then it is the identity, by one rename.
Each step may be done again: the same key gives the same request, and what is there is kept. Once
there is an identity, its key signs a few times more, for a station whose step was cut off, and then
for nobody who only has the console: no restart brings more, and no other identity takes its place.
"""

from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edge_agent import est, identity
from edge_agent.identity import OWN, Identity, IdentityError
from edge_signing import proof
from edge_signing.errors import FormatError
from edge_signing.trust.names import check_device

NEW: Final = "identity.made"
DONE: Final = "this device has an identity: the factory is done with it"
# How often the key of an identity that was made here may still sign.
LEFT: Final = "identity.left"
_SIGNATURES: Final = 16
_KEY: Final = "device.key"
_NAME: Final = "device"


def begin(data: Path, device: str) -> bytes:
    """Return a request for a certificate, in PEM, of a key that is on the disk.

    Args:
        data: The folder of the agent.
        device: The id that the factory gives this device.

    Raises:
        IdentityError: The device has another identity, or the id is none.
        OSError: It can not be stored.
    """
    _check(device)
    if (data / OWN).exists():
        return _again(data, device)
    folder = data / NEW
    if _name_in(folder) != device:
        # A key was never used under another name.
        identity.discard(folder)
        folder.mkdir(mode=0o700, parents=True)
        est.write(folder / _NAME, f"{device}\n".encode())
    return est.request(est.key_in(folder / _KEY), device)


def finish(data: Path, chain: bytes, server_ca: bytes, epoch: int) -> str:
    """Take the certificate of our key, and be that device from now on; return its id.

    After a power cut the identity is there as a whole, or not at all.

    Args:
        data: The folder of the agent.
        chain: Certificates of the device and of who signed it, in PEM.
        server_ca: What servers are trusted by, in PEM.
        epoch: Of the enrolment.

    Raises:
        IdentityError: It is not for the key that was made here, or the device has another identity.
        OSError: It can not be stored.
    """
    if (data / OWN).exists():
        return _same(data, chain)
    folder = data / NEW
    device = _name_in(folder)
    if not device:
        raise IdentityError("no key was made here: `identity new` comes first")
    est.require_ours(chain, est.key_in(folder / _KEY), device)
    _require_certificates(chain, "the chain")
    _require_certificates(server_ca, "what servers are trusted by")
    est.write(folder / "server-ca.crt", server_ca)
    est.write(folder / "epoch", f"{epoch}\n".encode())
    est.write(folder / "device.crt", chain)
    Identity.read(folder)
    _leave(data, _SIGNATURES)
    (folder / _NAME).unlink()
    est.flush(folder)
    folder.rename(data / OWN)
    est.flush(data)
    return device


def prove(data: Path, nonce: bytes) -> bytes:
    """Return the signature of a challenge, with the key of the identity, or of the one to be.

    Raises:
        IdentityError: The device has neither, or the challenge is none, or its factory is done.
        OSError: It can not be stored that the key has signed.
    """
    device, file = _named(data)
    try:
        signed = proof.message(device, nonce)
    except FormatError as error:
        raise IdentityError(f"no proof: {error}") from error
    if (data / OWN).exists():
        _spend(data)
    return _private(file).sign(signed, ec.ECDSA(hashes.SHA256()))


def _private(file: Path) -> ec.EllipticCurvePrivateKey:
    """Return a key that is there, and never a new one."""
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), None)
    except (ValueError, OSError) as error:
        raise IdentityError(f"{file}: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise IdentityError(f"{file}: a key of another kind than those made here")
    return key


def _again(data: Path, device: str) -> bytes:
    """Return the request of the identity that there is: what the station heard of it was lost."""
    ours = identity.own(data)
    if ours.device != device:
        raise IdentityError(f"this device is {ours.device} already")
    key = _private(ours.key)
    _spend(data)
    return est.request(key, device)


def _spend(data: Path) -> None:
    """Count a signature before it is made; one whose count is cut off is none.

    Raises:
        IdentityError: None is left, or this identity was not made here.
    """
    try:
        left = int((data / LEFT).read_bytes()[:8])
    except (FileNotFoundError, ValueError):
        left = 0
    if left < 1:
        raise IdentityError(DONE)
    _leave(data, left - 1)


def _leave(data: Path, left: int) -> None:
    beside = data / f"{LEFT}.part"
    est.write(beside, f"{left}\n".encode())
    beside.replace(data / LEFT)
    est.flush(data)


def _named(data: Path) -> tuple[str, Path]:
    """Return who this device is, or is about to be, and the file of its key."""
    begun = data / NEW
    if not (data / OWN).exists() and (device := _name_in(begun)):
        return device, begun / _KEY
    ours = identity.own(data)
    return ours.device, ours.key


def _same(data: Path, chain: bytes) -> str:
    """Return who we are, if that is what the factory says: its answer was lost."""
    ours = identity.own(data)
    if ours.certificate.read_bytes() != chain:
        raise IdentityError(f"this device is {ours.device} already")
    return ours.device


def _name_in(folder: Path) -> str:
    try:
        return (folder / _NAME).read_text().removesuffix("\n")
    except (FileNotFoundError, UnicodeDecodeError):
        return ""


def _check(device: str) -> None:
    try:
        check_device(device)
    except FormatError as error:
        raise IdentityError(str(error)) from error


def _require_certificates(pem: bytes, what: str) -> None:
    try:
        x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise IdentityError(f"{what}: no certificate in PEM: {error}") from error
