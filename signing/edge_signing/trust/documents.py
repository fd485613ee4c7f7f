"""TUF metadata as bytes: always canonical JSON, always the whole of what python-tuf understood.

What python-tuf reads kindly is refused here: other types and forms (`shapes`), fields beside the
signed part, two keys with the same material, schemes that we do not use.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from securesystemslib.signer import Key
from tuf.api.metadata import Metadata, Role, Root, Snapshot, Targets, Timestamp
from tuf.api.serialization import DeserializationError, MetadataDeserializer, MetadataSerializer

from edge_signing import canonical
from edge_signing.errors import FormatError, SigningError, TrustError
from edge_signing.trust import shapes
from edge_signing.trust.sighting import KEYS_MOST

T = TypeVar("T", Root, Targets, Snapshot, Timestamp)

ED25519: Final = ("ed25519", "ed25519")
P256: Final = ("ecdsa", "ecdsa-sha2-nistp256")
LIMIT_BYTES: Final = 5_000_000  # python-tuf's own limit for targets metadata
_ED25519_HEX: Final = re.compile(r"[0-9a-f]{64}")


class CanonicalSerializer(MetadataSerializer):
    """Writes metadata as canonical JSON, for python-tuf's own `to_bytes` and `to_file`."""

    def serialize(self, metadata_obj: Metadata) -> bytes:  # type: ignore[type-arg]
        """Return the bytes of a metadata file; signatures are in the order of their key ids."""
        content = metadata_obj.to_dict()
        content["signatures"].sort(key=lambda signature: str(signature["keyid"]))
        return canonical.encode(content)


class CanonicalDeserializer(MetadataDeserializer):
    """Reads only canonical JSON, for python-tuf's own `from_bytes` and `from_file`."""

    def deserialize(self, raw_data: bytes) -> Metadata:  # type: ignore[type-arg]
        """Return the metadata of a file."""
        try:
            content = canonical.decode(raw_data, limit_bytes=LIMIT_BYTES)
            shapes.check(content)
            return Metadata.from_dict(content)
        except SigningError as error:
            raise DeserializationError(str(error)) from error
        except (KeyError, ValueError, TypeError) as error:
            raise DeserializationError(f"{type(error).__name__}: {error}") from error


def to_bytes(metadata: Metadata[T]) -> bytes:
    """Return the bytes of a metadata file."""
    return metadata.to_bytes(CanonicalSerializer())


def read(data: bytes, kind: type[T], place: str) -> Metadata[T]:
    """Return the metadata of a file, unverified.

    Args:
        data: The whole file.
        kind: What it has to be.
        place: The name of the file, for errors.

    Raises:
        FormatError: It is no TUF metadata of version 1.0 in canonical form.
        TrustError: It is metadata of another role, or names one key twice.
    """
    metadata = read_any(data, place)
    if not isinstance(metadata.signed, kind):
        raise TrustError(f"{place}: metadata of {metadata.signed.type}, not of {kind.type}")
    return metadata


def read_any(data: bytes, place: str) -> Metadata[Any]:
    """Return the metadata of a file of any role, unverified.

    Raises:
        FormatError: It is no TUF metadata of version 1.0 in canonical form.
        TrustError: It names one key twice.
    """
    try:
        metadata: Metadata[Any] = Metadata.from_bytes(data, CanonicalDeserializer())
    except DeserializationError as error:
        raise FormatError(f"{place}: {error}") from error
    match metadata.signed:
        case Root():
            _check_roles(metadata.signed.keys, metadata.signed.roles, place)
        case Targets() if metadata.signed.delegations is not None:
            given = metadata.signed.delegations
            _check_roles(given.keys, given.roles or {}, place)
        case _:
            pass
    if to_bytes(metadata) != data:
        raise FormatError(f"{place}: not in the form that it would be written in")
    return metadata


def material(key: Key) -> bytes:
    """Return what makes two keys the same key, whatever their ids.

    Raises:
        FormatError: It is no key of ours: Ed25519 in lower-case hex or P-256 as PEM.
    """
    public = str(key.keyval["public"])
    if (key.keytype, key.scheme) == ED25519 and _ED25519_HEX.fullmatch(public):
        return b"ed25519:" + bytes.fromhex(public)
    if (key.keytype, key.scheme) == P256:
        return b"p256:" + _point(key.keyid, public)
    raise FormatError(f"the key {key.keyid[:8]} ({key.scheme}) is neither Ed25519 nor P-256")


def _point(key_id: str, pem: str) -> bytes:
    try:
        public = serialization.load_pem_public_key(pem.encode())
    except ValueError as error:
        raise FormatError(f"the key {key_id[:8]} can not be read: {error}") from error
    if not isinstance(public, ec.EllipticCurvePublicKey) or public.curve.name != "secp256r1":
        raise FormatError(f"the key {key_id[:8]} is not of the curve P-256")
    return public.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
    )


def _check_roles(keys: Mapping[str, Key], roles: Mapping[str, Role], place: str) -> None:
    found = {key_id: material(key) for key_id, key in keys.items()}
    if len(set(found.values())) != len(found):
        raise TrustError(f"{place}: one key has two ids")
    for name, role in roles.items():
        if missing := [key_id for key_id in role.keyids if key_id not in found]:
            raise FormatError(f"{place}: the key {missing[0][:8]} of {name} is not there")
        if len(role.keyids) > KEYS_MOST:
            raise FormatError(f"{place}: {name} has {len(role.keyids)} keys, more than {KEYS_MOST}")
        if role.threshold > len(role.keyids):
            raise FormatError(f"{place}: {name} can never reach its threshold")
