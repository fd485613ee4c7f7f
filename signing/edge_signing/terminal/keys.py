"""The keys of support: which ones an image lets sign grants, and whether enough of them have.

They are no keys of a release and none of a console: whoever has stolen a console has none of them.
An image names them as the files of public keys do (`edge keys new --role support`).

Source: RFC 8032 (Ed25519), FIPS 186-5 §6 (ECDSA).
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge_signing.errors import FormatError, TrustError
from edge_signing.fields import Fields

KEYS_MOST: Final = 16
ED25519: Final = b"ed25519:"
P256: Final = b"p256:"
_ALGORITHMS: Final = ("ed25519", "p256")
_HEX: Final = re.compile(r"[0-9a-f]{64}")
_PUBLIC: Final = re.compile(r"(?s:.{1,1000})")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class SupportKey:
    """A public key.

    Attributes:
        material: Its kind and its bytes, as `edge_signing.trust.documents.material` gives them.
    """

    material: bytes

    @property
    def id(self) -> str:
        """What names it beside a signature."""
        return hashlib.sha256(self.material).hexdigest()

    @classmethod
    def take(cls, fields: Fields) -> "SupportKey":
        """Return the key of the file of a public key.

        Raises:
            FormatError: It is none.
        """
        algorithm = fields.one_of("algorithm", _ALGORITHMS)
        public = fields.text("public", _PUBLIC)
        fields.one_of("format", (1,))
        for name in ("name", "role"):
            fields.text(name, _NAME)
        if fields.has("uri"):
            fields.anything("uri")
        return cls(_ed25519(public) if algorithm == "ed25519" else _p256(public))

    def has_signed(self, signature: bytes, data: bytes) -> bool:
        """Return whether a signature is one of this key."""
        kind, _colon, raw = self.material.partition(b":")
        try:
            if kind + b":" == ED25519:
                Ed25519PublicKey.from_public_bytes(raw).verify(signature, data)
            else:
                point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
                point.verify(signature, data, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class SupportKeys:
    """The keys that an image names.

    Attributes:
        threshold: How many have to sign.
    """

    keys: tuple[SupportKey, ...]
    threshold: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.threshold <= len(self.keys) <= KEYS_MOST:
            raise FormatError(f"support: {self.threshold} of {len(self.keys)} keys")
        if len({one.material for one in self.keys}) != len(self.keys):
            raise FormatError("support: a key is named twice")

    def require(self, signatures: Mapping[str, bytes], data: bytes) -> None:
        """Refuse what too few keys have signed, or anything that is not a right signature.

        Args:
            signatures: By the id of the key.
            data: What was signed.

        Raises:
            TrustError: They are too few, one is wrong, or one is of a stranger.
        """
        known = {one.id: one for one in self.keys}
        for id_, signature in signatures.items():
            if id_ not in known:
                raise TrustError(f"grant: signed by a key that this image does not name: {id_[:8]}")
            if not known[id_].has_signed(signature, data):
                raise TrustError(f"grant: the signature of the key {id_[:8]} is wrong")
        if len(signatures) < self.threshold:
            raise TrustError(f"grant: {len(signatures)} of {self.threshold} signatures")


def read(keys: Sequence[object], threshold: int, place: str) -> SupportKeys:
    """Return the keys that a part of the settings of an image names.

    Raises:
        FormatError: It holds what is not known.
    """
    found = []
    for index, one in enumerate(keys):
        fields = Fields(one, f"{place}[{index}]")
        found.append(SupportKey.take(fields))
        fields.end()
    return SupportKeys(tuple(found), threshold)


def _ed25519(public: str) -> bytes:
    if not _HEX.fullmatch(public):
        raise FormatError(f"support: {public[:80]!r} is no Ed25519 key in hex")
    return ED25519 + bytes.fromhex(public)


def _p256(public: str) -> bytes:
    try:
        key = serialization.load_pem_public_key(public.encode())
    except ValueError as error:
        raise FormatError(f"support: a key can not be read: {error}") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise FormatError("support: a key is not of the curve P-256")
    form = serialization.PublicFormat.CompressedPoint
    return P256 + key.public_bytes(serialization.Encoding.X962, form)
