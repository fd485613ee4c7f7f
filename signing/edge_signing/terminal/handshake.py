"""How both ends of a terminal get keys that nobody between them has.

The grant has the person's key of the session; the device answers with one of its own (X25519), and
signs both with the key of its certificate. Only who has the private part of the key in the grant
can make a frame that the device takes, and only the device can have answered.

Source: RFC 7748 (X25519), RFC 5869 (HKDF).
"""

import base64
import hashlib
import re
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.x509.oid import NameOID

from edge_signing import canonical
from edge_signing.errors import FormatError, TrustError
from edge_signing.fields import Fields
from edge_signing.terminal.grant import Grant

FORMAT: Final = 1
ANSWER_MOST_BYTES: Final = 16 << 10
KEY_BYTES: Final = 32
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{0,12000}={0,2}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a device answers to a grant that it takes.

    Attributes:
        key: Its public X25519 key of this session.
        certificate: Its own, in DER.
        signature: Of the transcript, by the key of the certificate.
    """

    key: bytes
    certificate: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    def pack(self) -> bytes:
        """Return the message."""
        return canonical.encode(
            {
                "certificate": base64.b64encode(self.certificate).decode(),
                "format": FORMAT,
                "key": self.key.hex(),
                "signature": base64.b64encode(self.signature).decode(),
            }
        )

    @classmethod
    def unpack(cls, message: bytes) -> "Answer":
        """Return what a message says.

        Raises:
            FormatError: It is not such a message.
        """
        fields = Fields(canonical.decode(message, limit_bytes=ANSWER_MOST_BYTES), "answer")
        fields.one_of("format", (FORMAT,))
        made = cls(
            fields.sha256("key"), decoded(fields, "certificate"), decoded(fields, "signature")
        )
        fields.end()
        return made


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one session, one for each direction."""

    to_device: bytes = field(repr=False)
    to_person: bytes = field(repr=False)


def decoded(fields: Fields, name: str) -> bytes:
    """Take bytes that are told in base64.

    Raises:
        FormatError: They are not, or not in the one form.
    """
    text = fields.text(name, _BASE64)
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise FormatError(f"{name}: {error}") from error
    if base64.b64encode(content).decode() != text:
        raise FormatError(f"{name}: not in its one form")
    return content


def transcript(grant: bytes, key: bytes, certificate: bytes) -> bytes:
    """Return what names a session for good: the SHA-256 of all that both ends have said.

    Args:
        grant: The signed grant, packed.
        key: The device's X25519 key of this session.
        certificate: The device's own, in DER.
    """
    said = {
        "_type": "terminal-transcript",
        "certificate": hashlib.sha256(certificate).hexdigest(),
        "format": FORMAT,
        "grant": hashlib.sha256(grant).hexdigest(),
        "key": key.hex(),
    }
    return hashlib.sha256(canonical.encode(said)).digest()


def require_signature(certificate: bytes, signature: bytes, purpose: str, digest: bytes) -> None:
    """Refuse what the key of a certificate has not signed.

    Raises:
        TrustError: It has not.
        FormatError: The certificate can not be read.
    """
    data = statement(purpose, digest)
    try:
        match read_certificate(certificate).public_key():
            case Ed25519PublicKey() as edwards:
                edwards.verify(signature, data)
            case ec.EllipticCurvePublicKey() as curve:
                curve.verify(signature, data, ec.ECDSA(hashes.SHA256()))
            case _:
                raise TrustError("the device's key is of a kind that signs no terminal")
    except InvalidSignature as error:
        raise TrustError(f"{purpose}: not signed by the device's key") from error


def check_answer(grant: Grant, packed: bytes, answer: Answer) -> bytes:
    """Return the transcript of a session that the device of the grant has answered to.

    Args:
        grant: What was granted.
        packed: The same with its signatures.
        answer: Of the device, or of whoever is between.

    Raises:
        TrustError: It is not of the device that the grant names.
        FormatError: The certificate can not be read.
    """
    if hashlib.sha256(answer.certificate).digest() != grant.certificate:
        raise TrustError("the answer shows another certificate than the grant names")
    if (name := common_name(answer.certificate)) != grant.device:
        raise TrustError(f"the answer is of the device {name!r}")
    digest = transcript(packed, answer.key, answer.certificate)
    require_signature(answer.certificate, answer.signature, "answer", digest)
    return digest


def read_certificate(der: bytes) -> x509.Certificate:
    """Return a certificate.

    Raises:
        FormatError: It is none.
    """
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError as error:
        raise FormatError(f"certificate: {error}") from error


def common_name(der: bytes) -> str:
    """Return the common name of a certificate.

    Raises:
        FormatError: It has not exactly one.
    """
    names = read_certificate(der).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if len(names) != 1:
        raise FormatError(f"certificate: {len(names)} common names")
    return str(names[0].value)


def own_key(noise: bytes) -> X25519PrivateKey:
    """Return the private key of one session from 32 random bytes."""
    return X25519PrivateKey.from_private_bytes(noise)


def public_bytes(key: X25519PrivateKey) -> bytes:
    """Return the public part of a key."""
    return key.public_key().public_bytes_raw()


def session_keys(mine: X25519PrivateKey, theirs: bytes, digest: bytes) -> Keys:
    """Return the keys of a session.

    Args:
        mine: The own private key.
        theirs: The public key of the other end.
        digest: The transcript.

    Raises:
        TrustError: The other key gives no secret.
    """
    try:
        shared = mine.exchange(X25519PublicKey.from_public_bytes(theirs))
    except ValueError as error:
        raise TrustError("the key of the other end gives no secret") from error
    found = HKDF(hashes.SHA256(), 2 * KEY_BYTES, salt=digest, info=b"edge terminal 1")
    both = found.derive(shared)
    return Keys(both[:KEY_BYTES], both[KEY_BYTES:])


def statement(purpose: str, digest: bytes) -> bytes:
    """Return what a device signs.

    Args:
        purpose: What for, so that no signature can be taken for one of something else.
        digest: Of what is signed.
    """
    said = {"_type": f"terminal-{purpose}", "digest": digest.hex(), "format": FORMAT}
    return canonical.encode(said)
