"""What is to be signed, as one file that can be carried to the keys and back.

It holds metadata to sign, partly signed already, and beside it the metadata that is in force, so
that whoever signs sees what changes. Copies that were signed in different places are merged.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import Key, Signer
from tuf.api.metadata import Metadata, Root, Targets

from edge import atomic
from edge.errors import EdgeError, InputError, ThingNotFoundError, UntrustedError
from edge_signing import canonical
from edge_signing.errors import SigningError
from edge_signing.trust import documents, offline, roots, signatures
from edge_signing.trust.names import ROOT, TARGETS, check_product
from edge_signing.trust.signatures import Delegator

FILE: Final = "request.json"
_FORMAT: Final = {"format": 1, "type": "edge signing request"}
_TARGETS_FILE: Final = f"{TARGETS}.json"


@dataclass(frozen=True, slots=True)
class Request:
    """Metadata by file name: what is to be signed, and what is in force."""

    sign: Mapping[str, bytes]
    current: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Piece:
    """One file to be signed.

    Attributes:
        name: Of the file.
        role: Whose it is.
        metadata: What is to be signed.
        delegators: What says whose keys count; a root needs the thresholds of two.
        previous: What is in force, when it holds under the same delegators.
    """

    name: str
    role: str
    metadata: Metadata[Any]
    delegators: tuple[Delegator, ...]
    previous: Metadata[Any] | None

    @property
    def missing(self) -> int:
        """How many signatures are missing, at least."""
        return max(_missing(one, self) for one in self.delegators)

    def keys(self) -> dict[str, Key]:
        """Return the keys whose signature counts, by id."""
        found: dict[str, Key] = {}
        for delegator in self.delegators:
            found |= signatures.keys_of(delegator, self.role)[1]
        return found

    def key_ids(self) -> set[str]:
        """Return the ids of the keys whose signature counts."""
        return set(self.keys())

    def verify(self) -> None:
        """Refuse it as long as not all thresholds are reached.

        Raises:
            TrustError: One is not, or a signature is wrong.
        """
        signatures.verify(self.delegators, self.role, self.metadata, self.name)


def pieces(request: Request) -> list[Piece]:
    """Return the files that are to be signed: roots first, then targets, then other roles.

    Raises:
        SigningError: Metadata is not what its name says, or nobody delegates to a role.
        InputError: There is no root or no targets that say whose keys count.
    """
    found = []
    root = _root_of(request.current)
    for name in sorted(filter(roots.NAME.fullmatch, request.sign), key=_number):
        new = documents.read(request.sign[name], Root, name)
        before = (root.signed,) if root else ()
        found.append(Piece(name, ROOT, new, (*before, new.signed), root))
        root = new
    targets = _read(request.current, _TARGETS_FILE)
    if _TARGETS_FILE in request.sign:
        if root is None:
            raise InputError("the request holds no root")
        new_targets = documents.read(request.sign[_TARGETS_FILE], Targets, _TARGETS_FILE)
        found.append(_piece(TARGETS, new_targets, root.signed, targets))
        targets = new_targets
    for name in sorted(set(request.sign) - {piece.name for piece in found}):
        if targets is None:
            raise InputError(f"the request holds no {_TARGETS_FILE}")
        metadata = documents.read(request.sign[name], Targets, name)
        role = name.removesuffix(".json")
        found.append(_piece(role, metadata, targets.signed, _read(request.current, name)))
        _check_paths(targets.signed, role, metadata.signed)
    return found


def sign(request: Request, signers: Iterable[Signer]) -> tuple[Request, list[tuple[str, str]]]:
    """Return the request with signatures added, and which key signed which file.

    Each key signs what it counts for and has not signed yet, whatever the threshold.
    """
    made: list[tuple[str, str]] = []
    changed = dict(request.sign)
    found = list(signers)
    for piece in pieces(request):
        for signer in found:
            key_id = signer.public_key.keyid
            if key_id in piece.key_ids() and key_id not in piece.metadata.signatures:
                signature = signer.sign(piece.metadata.signed_bytes)
                piece.metadata.signatures[key_id] = signature
                made.append((piece.name, key_id))
        changed[piece.name] = documents.to_bytes(piece.metadata)
    return replace(request, sign=changed), made


def merge(request: Request, others: Iterable[Request]) -> Request:
    """Return a request with the signatures of its copies.

    Raises:
        UntrustedError: A copy is of another request, or holds a signature that is wrong.
    """
    own = {piece.name: piece for piece in pieces(request)}
    for other in others:
        if set(other.sign) != set(own):
            raise UntrustedError("a signed request is not a copy of this one: it has other files")
        for name, data in other.sign.items():
            _add_signatures(own[name], documents.read_any(data, name))
    return replace(
        request, sign={name: documents.to_bytes(one.metadata) for name, one in own.items()}
    )


def to_bytes(request: Request) -> bytes:
    """Return the bytes of a request's file."""
    content = {
        **_FORMAT,
        "sign": {name: canonical.decode(data) for name, data in request.sign.items()},
        "current": {name: canonical.decode(data) for name, data in request.current.items()},
    }
    return canonical.encode(content)


def from_bytes(data: bytes, place: str) -> Request:
    """Return the request of a file.

    Raises:
        InputError: It is none.
    """
    try:
        content = canonical.decode(data)
    except SigningError as error:
        raise InputError(f"{place}: {error}") from error
    wanted = {*_FORMAT, "sign", "current"}
    if not isinstance(content, dict) or set(content) != wanted or content | _FORMAT != content:
        raise InputError(f"{place}: no signing request")
    parts = [content["sign"], content["current"]]
    if not all(isinstance(part, dict) for part in parts):
        raise InputError(f"{place}: no signing request")
    found = [{name: canonical.encode(one) for name, one in part.items()} for part in parts]
    return Request(*found)


def file_of(path: Path) -> Path:
    """Return the file of a request: itself, or the one in the folder."""
    return path / FILE if path.is_dir() else path


def read(path: Path) -> Request:
    """Return the request in a file or a folder.

    Raises:
        ThingNotFoundError: It is not there.
        InputError: It is none.
    """
    file = file_of(path)
    if not file.is_file():
        raise ThingNotFoundError(f"{file}: no signing request is here")
    return from_bytes(file.read_bytes(), str(file))


def write(request: Request, file: Path) -> None:
    """Write the file of a request; after a power cut it is the old or the new one.

    Raises:
        EdgeError: It can not be written.
    """
    try:
        with atomic.file(file) as stream:
            stream.write(to_bytes(request))
    except OSError as error:
        raise EdgeError(f"{file}: {error.strerror}") from error


def _piece(
    role: str, new: Metadata[Any], delegator: Delegator, previous: Metadata[Any] | None
) -> Piece:
    name = f"{role}.json"
    signatures.keys_of(delegator, role)
    if previous is not None:
        try:
            signatures.verify((delegator,), role, previous, name)
        except SigningError:
            previous = None
    return Piece(name, role, new, (delegator,), previous)


def _add_signatures(piece: Piece, copy: Metadata[Any]) -> None:
    if copy.signed_bytes != piece.metadata.signed_bytes:
        raise UntrustedError(f"{piece.name}: a signed request is not a copy of this one")
    keys = piece.keys()
    for key_id, signature in copy.signatures.items():
        try:
            keys[key_id].verify_signature(signature, copy.signed_bytes)
        except (KeyError, UnverifiedSignatureError) as error:
            raise UntrustedError(
                f"{piece.name}: a copy holds a wrong signature, of the key {key_id[:8]}"
            ) from error
        piece.metadata.signatures[key_id] = signature


def _check_paths(delegator: Targets, name: str, signed: Targets) -> None:
    roles = (delegator.delegations.roles if delegator.delegations else None) or {}
    check_product(name)
    offline.targets_of(roles[name], signed)


def _missing(delegator: Delegator, piece: Piece) -> int:
    role, keys = signatures.keys_of(delegator, piece.role)
    return max(0, role.threshold - len(signatures.signed_by(keys.values(), piece.metadata)))


def _root_of(files: Mapping[str, bytes]) -> Metadata[Root] | None:
    names = sorted(filter(roots.NAME.fullmatch, files), key=_number)
    return documents.read(files[names[-1]], Root, names[-1]) if names else None


def _read(files: Mapping[str, bytes], name: str) -> Metadata[Targets] | None:
    return documents.read(files[name], Targets, name) if name in files else None


def _number(name: str) -> int:
    return int(name.partition(".")[0])
