"""Requests for a certificate, as devices send them: only the name and the key of them count.

Source: RFC 2986 (PKCS #10); RFC 7030, section 4.2.1 (Base64 in the body).
"""

import base64
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from edge.errors import InputError, UntrustedError
from edge_signing.errors import FormatError
from edge_signing.trust.names import check_device

Key = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey
MOST_BYTES: Final = 16 << 10
_SEQUENCE: Final = b"\x30"
_PEM: Final = b"-----BEGIN"
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


@dataclass(frozen=True, slots=True)
class Terms:
    """What is taken beside PEM and DER with a key of ours.

    Attributes:
        has_text: Base64 without a frame, and PEM behind other text, as clients of EST send it.
        has_rsa: A key of RSA, as devices that are not ours have it.
    """

    has_text: bool = False
    has_rsa: bool = False


OURS: Final = Terms()
ANYONES: Final = Terms(has_text=True, has_rsa=True)


def read(data: bytes, terms: Terms = OURS, *, device: str = "") -> Wanted:
    """Return what a request wants, which proves that whoever has made it has the key.

    Args:
        data: The request.
        terms: What is taken.
        device: Its id, if it is known: the request has to name just this one.

    Raises:
        InputError: It is no request, its name is no id of a device, or its key is too weak.
        UntrustedError: It is of another device, or not signed with its own key.
    """
    place = f"{device}: " if device else ""
    if len(data) > MOST_BYTES:
        raise InputError(f"{place}{len(data)} bytes are too many for a request")
    try:
        request = _loaded(data, terms)
        is_signed = request.is_signature_valid
        names = [one.value for one in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        key = request.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError(f"{place}no request for a certificate: {error}") from error
    if not is_signed:
        raise UntrustedError(f"{place}the request is not signed with its own key")
    if device and names != [device]:
        raise UntrustedError(f"{place}the request is of {names}")
    return Wanted(device or _id_in(names), strong(key, terms))


def strong(key: object, terms: Terms = OURS) -> Key:
    """Return a key that is of a kind and a length to be signed for.

    Raises:
        InputError: It is not.
    """
    match key:
        case ec.EllipticCurvePublicKey() if key.curve.name in _CURVES:
            return key
        case ed25519.Ed25519PublicKey():
            return key
        case rsa.RSAPublicKey() if terms.has_rsa and _is_long(key):
            return key
    if terms.has_rsa:
        raise InputError("a key of P-256, P-384, P-521, Ed25519, or RSA of 2048 bits is due")
    raise InputError("a key of P-256, P-384, P-521 or Ed25519 is due")


def _loaded(data: bytes, terms: Terms) -> x509.CertificateSigningRequest:
    if data.startswith(_SEQUENCE):
        return x509.load_der_x509_csr(data)
    if data.lstrip().startswith(_PEM) or (terms.has_text and _PEM in data):
        return x509.load_pem_x509_csr(data)
    if terms.has_text:
        data = base64.b64decode(b"".join(data.split()), validate=True)
    return x509.load_der_x509_csr(data)


def _id_in(names: list[str | bytes]) -> str:
    name = str(names[0]) if len(names) == 1 else ""
    try:
        check_device(name)
    except FormatError as error:
        raise InputError(f"no request for a certificate of a device: {error}") from error
    return name


def _is_long(key: rsa.RSAPublicKey) -> bool:
    return _RSA_LEAST_BITS <= key.key_size <= _RSA_MOST_BITS
