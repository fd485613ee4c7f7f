"""Signatures of metadata, counted strictly: each must be of a key of the role, and be right."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import Key
from tuf.api.metadata import Metadata, Role, Root, Signed, Targets

from edge_signing.errors import TrustError
from edge_signing.trust import sighting
from edge_signing.trust.documents import T, material
from edge_signing.trust.names import TARGETS
from edge_signing.trust.sighting import Sighting

Delegator = Root | Targets


def keys_of(delegator: Delegator, role: str) -> tuple[Role, dict[str, Key]]:
    """Return what a delegator says of a role: itself and its keys by id.

    Raises:
        TrustError: It does not delegate to this role.
    """
    roles: Mapping[str, Role] = {}
    keys: Mapping[str, Key] = {}
    if isinstance(delegator, Root):
        roles, keys = delegator.roles, delegator.keys
    elif delegator.delegations is not None:
        roles, keys = delegator.delegations.roles or {}, delegator.delegations.keys
    if role not in roles:
        raise TrustError(f"{delegator.type} delegates nothing to a role {role!r}")
    found = roles[role]
    return found, {key_id: keys[key_id] for key_id in found.keyids if key_id in keys}


def seen(delegator: Delegator, role: str, *, version: int, root_version: int) -> Sighting:
    """Return the sighting of metadata that a delegator's role has signed.

    Args:
        delegator: What names the role's keys.
        role: The name of the role.
        version: Of its metadata, which was verified.
        root_version: Of the root that all of it was verified with.

    Raises:
        TrustError: The delegator names no such role.
    """
    wanted, keys = keys_of(delegator, role)
    marks = sorted({sighting.mark(material(key)) for key in keys.values()})
    return Sighting(version, root_version, tuple(marks), wanted.threshold)


def seen_of_targets(root: Root, targets: Targets) -> Sighting:
    """Return the sighting of targets.json that a root has verified."""
    return seen(root, TARGETS, version=targets.version, root_version=root.version)


def signed_by(keys: Iterable[Key], metadata: Metadata[T]) -> set[bytes]:
    """Return the materials of those keys whose signature is there and right."""
    data = metadata.signed_bytes
    found: set[bytes] = set()
    for key in keys:
        if signature := metadata.signatures.get(key.keyid):
            try:
                key.verify_signature(signature, data)
            except UnverifiedSignatureError:
                continue
            found.add(material(key))
    return found


def verify(delegators: Iterable[Delegator], role: str, metadata: Metadata[T], place: str) -> None:
    """Refuse metadata that not all delegators accept, or with any signature that is not right.

    Args:
        delegators: Each has to accept it: two roots for a root, one for all else.
        role: The name of the role that has to have signed.
        metadata: What it has to have signed.
        place: The name of the file, for errors.

    Raises:
        TrustError: A threshold is not reached, a signature is wrong or of a key of another role.
    """
    known: dict[str, Key] = {}
    for delegator in delegators:
        check_threshold(delegator, role, metadata, place)
        known |= keys_of(delegator, role)[1]
    if strangers := set(metadata.signatures) - set(known):
        raise TrustError(f"{place}: signed by a key that is not of {role}: {min(strangers)[:8]}")
    if len(signed_by(known.values(), metadata)) != len(metadata.signatures):
        raise TrustError(f"{place}: one of the signatures is wrong")


def check_threshold(delegator: Delegator, role: str, metadata: Metadata[T], place: str) -> None:
    """Refuse metadata with fewer right signatures than a delegator wants; others may be there.

    Raises:
        TrustError: The threshold is not reached.
    """
    wanted, keys = keys_of(delegator, role)
    count = len(signed_by(keys.values(), metadata))
    if count < wanted.threshold:
        where = f"{delegator.type} {delegator.version}"
        raise TrustError(
            f"{place}: {count} of {wanted.threshold} signatures of the role {role} ({where})"
        )


def check_expiry(signed: Signed, now: datetime, place: str) -> None:
    """Refuse metadata that has expired.

    Raises:
        TrustError: `now` is at or after its expiry.
    """
    if signed.is_expired(now):
        raise TrustError(
            f"{place}: expired on {signed.expires:%Y-%m-%d %H:%M} UTC",
            hint="renew it where its keys are, or set the clock",
        )
