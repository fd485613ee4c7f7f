"""Whose certificate a station signs: a request of the device, or a key that the station has made.

Source: RFC 2986 (PKCS #10).
"""

from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from edge.errors import InputError, UntrustedError
from edge.factory.identity.sealing import PublicKey

MOST_BYTES: Final = 16 << 10
_CURVES: Final = ("secp256r1", "secp384r1", "secp521r1")


def key_of(asked: bytes | PublicKey, device: str) -> PublicKey:
    """Return the key of a device, of which a request proves that the device has it.

    Args:
        asked: A request in PEM or DER, or the key itself.
        device: Its id, which the request has to name.

    Raises:
        InputError: It is no request, or its key is too weak.
        UntrustedError: It is of another device, or not signed with its own key.
    """
    if not isinstance(asked, bytes):
        return _strong(asked)
    if len(asked) > MOST_BYTES:
        raise InputError(f"{device}: {len(asked)} bytes are too many for a request")
    try:
        is_pem = asked.lstrip().startswith(b"-----BEGIN")
        request = (x509.load_pem_x509_csr if is_pem else x509.load_der_x509_csr)(asked)
        is_signed = request.is_signature_valid
        names = [one.value for one in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        key = request.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError(f"{device}: no request for a certificate: {error}") from error
    if not is_signed:
        raise UntrustedError(f"{device}: the request is not signed with its own key")
    if names != [device]:
        raise UntrustedError(f"{device}: the request is of {names}")
    return _strong(key)


def _strong(key: object) -> PublicKey:
    match key:
        case ec.EllipticCurvePublicKey() if key.curve.name in _CURVES:
            return key
        case ed25519.Ed25519PublicKey():
            return key
        case _:
            raise InputError("a key of P-256, P-384, P-521 or Ed25519 is due")
