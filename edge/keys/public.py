"""Public keys: of which scheme, and as a small file that is carried from one machine to another."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from pydantic import Field
from securesystemslib.formats import encode_canonical
from securesystemslib.signer import SSlibKey

from edge import atomic
from edge.errors import EdgeError, InputError, ThingNotFoundError
from edge.strict.document import read_text
from edge.strict.formats import matching
from edge.strict.model import StrictModel, load_model
from edge_signing import canonical
from edge_signing.errors import FormatError
from edge_signing.trust import documents

SUFFIX = ".pub"
KeyName = Annotated[str, matching(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", "a name", "letters, digits")]


class Algorithm(StrEnum):
    """What keys can be made."""

    ED25519 = "ed25519"
    P256 = "p256"


SCHEMES = {Algorithm.ED25519: documents.ED25519, Algorithm.P256: documents.P256}


class PublicModel(StrictModel):
    """A public key in a file.

    Attributes:
        name: Of the key in its ring.
        role: What it is to sign.
        algorithm: Its kind.
        public: 64 hex digits (ed25519) or PEM (p256).
        uri: Where its private part is, if that can be reached from elsewhere.
    """

    format: Literal[1] = 1
    name: KeyName
    role: KeyName
    algorithm: Annotated[Algorithm, Field(strict=False)]
    public: str
    uri: str | None = Field(default=None)


@dataclass(frozen=True, slots=True)
class PublicPart:
    """The public part of a key, with its name, its role and where its private part is."""

    name: str
    role: str
    key: SSlibKey
    uri: str | None = None


def from_crypto(public: object) -> SSlibKey:
    """Return a key of cryptography as TUF has it.

    Raises:
        InputError: It is neither Ed25519 nor P-256.
    """
    match public:
        case ed25519.Ed25519PublicKey():
            return SSlibKey.from_crypto(public)
        case ec.EllipticCurvePublicKey() if public.curve.name == "secp256r1":
            return SSlibKey.from_crypto(public)
        case _:
            raise InputError("the key is neither Ed25519 nor P-256")


def algorithm_of(key: SSlibKey) -> Algorithm:
    """Return the kind of a key."""
    return Algorithm.ED25519 if key.scheme == documents.ED25519[1] else Algorithm.P256


def restored(algorithm: Algorithm, public: str, place: str) -> SSlibKey:
    """Return a key from what a file says of it.

    Raises:
        InputError: It is none.
    """
    kind, scheme = SCHEMES[algorithm]
    form: dict[str, Any] = {"keytype": kind, "scheme": scheme, "keyval": {"public": public}}
    unnamed = SSlibKey("0" * 64, kind, scheme, {"public": public})
    try:
        documents.material(unnamed)
    except FormatError as error:
        raise InputError(f"{place}: {error}") from error
    return SSlibKey(_id(form), kind, scheme, {"public": public})


def _id(form: dict[str, Any]) -> str:
    """Return the id of a key: the SHA-256 of its canonical form, as TUF has it."""
    return hashlib.sha256(str(encode_canonical(form)).encode()).hexdigest()


def write(part: PublicPart, path: Path) -> None:
    """Write the file of a public key.

    Raises:
        EdgeError: It can not be written.
    """
    model = PublicModel(
        name=part.name,
        role=part.role,
        algorithm=algorithm_of(part.key),
        public=part.key.keyval["public"],
        uri=part.uri,
    )
    try:
        with atomic.file(path) as stream:
            stream.write(canonical.encode(model.model_dump(mode="json")) + b"\n")
    except OSError as error:
        raise EdgeError(f"{path}: {error.strerror}") from error


def read(path: Path) -> PublicPart:
    """Return what the file of a public key says.

    Raises:
        InputError: It is none.
        ThingNotFoundError: It is not there.
    """
    if not path.is_file():
        raise ThingNotFoundError(f"{path}: no such file")
    model = load_model(PublicModel, read_text(path), str(path))
    key = restored(model.algorithm, model.public, str(path))
    return PublicPart(model.name, model.role, key, model.uri)
