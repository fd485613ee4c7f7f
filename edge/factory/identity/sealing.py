"""Sign certificates and lists of revoked ones with a key that may be in a token.

cryptography signs with keys of its own only: so what is to be signed is made with a key that is
thrown away, and signed anew with the right one.

Source: RFC 5280, section 4.1 (Certificate) and 5.1 (CertificateList): both a SEQUENCE of what is
signed, the algorithm and the signature; RFC 5758, section 3.2 (ecdsa-with-SHA256).
"""

from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.signer import Signer, SSlibKey

from edge.errors import InputError
from edge.keys.public import Algorithm, algorithm_of

PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
_ECDSA_WITH_SHA256: Final = bytes.fromhex("300a06082a8648ce3d040302")
_SEQUENCE: Final = 0x30
_BIT_STRING: Final = 0x03
_LONG_FORM: Final = 0x80


def public_key(signer: Signer, place: str) -> ec.EllipticCurvePublicKey:
    """Return the public part of a key that signs certificates.

    Raises:
        InputError: It is not P-256, which the TLS of every device and broker knows.
    """
    key = signer.public_key
    if isinstance(key, SSlibKey) and algorithm_of(key) is Algorithm.P256:
        found = load_pem_public_key(key.keyval["public"].encode())
        if isinstance(found, ec.EllipticCurvePublicKey):
            return found
    raise InputError(
        f"{place}: the key of an authority is of P-256, this one is {key.keytype}",
        hint="name a key that is not there yet: it is made",
    )


def certificate(made: x509.CertificateBuilder, signer: Signer) -> x509.Certificate:
    """Return the certificate that a builder says, signed."""
    draft = made.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return x509.load_der_x509_certificate(_sealed(draft.tbs_certificate_bytes, signer))


def revocation_list(
    made: x509.CertificateRevocationListBuilder, signer: Signer
) -> x509.CertificateRevocationList:
    """Return the list that a builder says, signed."""
    draft = made.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return x509.load_der_x509_crl(_sealed(draft.tbs_certlist_bytes, signer))


def _sealed(signed: bytes, signer: Signer) -> bytes:
    signature = bytes.fromhex(signer.sign(signed).signature)
    bits = _der(_BIT_STRING, b"\0" + signature)
    return _der(_SEQUENCE, signed + _ECDSA_WITH_SHA256 + bits)


def _der(tag: int, content: bytes) -> bytes:
    """Return a value of DER (X.690, section 8.1)."""
    count = len(content)
    if count < _LONG_FORM:
        return bytes((tag, count)) + content
    length = count.to_bytes((count.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG_FORM | len(length))) + length + content
