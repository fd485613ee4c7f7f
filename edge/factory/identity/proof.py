"""Whether a device has the key of its certificate: asked before it is recorded good."""

from collections.abc import Callable
from secrets import token_bytes

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from edge_signing import proof
from edge_signing.errors import FormatError


def challenge(noise: Callable[[int], bytes] = token_bytes) -> bytes:
    """Return a challenge that was never used.

    Args:
        noise: Returns that many random bytes.
    """
    return noise(proof.NONCE_BYTES)


def holds(certificate: x509.Certificate, nonce: bytes, signature: bytes) -> bool:
    """Whether who signed a challenge has the key of a certificate.

    Args:
        certificate: Of the device.
        nonce: The challenge.
        signature: ECDSA over SHA-256 in DER, or Ed25519.
    """
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    try:
        signed = proof.message(str(names[0].value) if len(names) == 1 else "", nonce)
        match key := certificate.public_key():
            case ec.EllipticCurvePublicKey():
                key.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
            case ed25519.Ed25519PublicKey():
                key.verify(signature, signed)
            case _:
                return False
    except (InvalidSignature, FormatError):
        return False
    return True
