"""Requests for a certificate, as devices send them: only the name and the key of them count.

Source: RFC 2986 (PKCS #10); RFC 7030, section 4.2.1 (Base64 in the body).
"""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from edge.errors import InputError
from edge_signing.errors import FormatError
from edge_signing.trust.names import check_device

Key = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey
BODY_MOST_BYTES: Final = 16 << 10
_RSA_LEAST_BITS: Final = 2048
_RSA_MOST_BITS: Final = 8192
_CURVES: Final = ("secp256r1", "secp384r1", "secp521r1")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The certificate that is wanted.

    Attributes:
        device: The id, its common name.
        key: Whose signature the request bears.
    """

    device: str
    key: Key = field(repr=False)


def read(body: bytes) -> Wanted:
    """Return what a request wants: PEM, DER, or DER in Base64.

    Raises:
        InputError: It is no request, is not signed with its key, or its name is no id of a device.
    """
    try:
        request = _loaded(body)
        if not request.is_signature_valid:
            raise InputError("the request is not signed with its own key")
        names = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        name = str(names[0].value) if len(names) == 1 else ""
        check_device(name)
        key = request.public_key()
    except (ValueError, UnsupportedAlgorithm, binascii.Error, FormatError) as error:
        raise InputError(f"no request for a certificate of a device: {error}") from error
    return Wanted(name, _strong(key))


def _loaded(body: bytes) -> x509.CertificateSigningRequest:
    if len(body) > BODY_MOST_BYTES:
        raise InputError(f"{len(body)} bytes are too many for a request")
    if b"-----BEGIN" in body:
        return x509.load_pem_x509_csr(body)
    if body[:1] == b"\x30":
        return x509.load_der_x509_csr(body)
    return x509.load_der_x509_csr(base64.b64decode(b"".join(body.split()), validate=True))


def _strong(key: object) -> Key:
    match key:
        case ec.EllipticCurvePublicKey() if key.curve.name in _CURVES:
            return key
        case ed25519.Ed25519PublicKey():
            return key
        case rsa.RSAPublicKey() if _RSA_LEAST_BITS <= key.key_size <= _RSA_MOST_BITS:
            return key
        case _:
            raise InputError("a key of P-256, P-384, P-521, Ed25519, or RSA of 2048 bits is due")
