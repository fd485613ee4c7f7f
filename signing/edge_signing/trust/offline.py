"""Verify the metadata that a bundle carries: roots, targets and one delegated role, no network.

Snapshot and timestamp are those of the online repository. What they give there is given here by the
counter of a release and by the last sighting of targets.json (`sighting`). The caller's `now` is
the later of the clock and a floor, such as the build time or the newest metadata seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tuf.api.metadata import DelegatedRole, Metadata, Root, Signed, TargetFile, Targets

from edge_signing.errors import FormatError, TrustError
from edge_signing.trust import documents, roots, signatures
from edge_signing.trust.names import DIRECTOR, TARGETS, check_product, check_target_path
from edge_signing.trust.sighting import UNSEEN, Sighting

_SUFFIX = ".json"
_TARGETS_FILE = f"{TARGETS}{_SUFFIX}"


@dataclass(frozen=True, slots=True)
class Target:
    """A file that a role has signed for.

    Attributes:
        path: `<product>/<version>/<name>`.
        length_bytes: How long it is.
        sha256: In hex.
        custom: What the role says of it besides.
    """

    path: str
    length_bytes: int
    sha256: str
    custom: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OfflineTrust:
    """What verified metadata says.

    Attributes:
        root: The bytes of the newest root, to be trusted from now on.
        chain: The roots that came along, by file name; they lead to it.
        seen: The sighting of targets.json, to be the floor from now on.
        role: The name of the delegated role that signed for the targets.
        role_version: The version of its metadata.
        targets: What it signed for, by path; with a product asked for, only that product's.
        expires: When the first of root, targets and role expires.
        delegator: The content of targets.json: the delegations, the director's among them.
    """

    root: bytes
    chain: Mapping[str, bytes]
    seen: Sighting
    role: str
    role_version: int
    targets: Mapping[str, Target]
    expires: datetime
    delegator: Targets

    @property
    def root_version(self) -> int:
        """The version of the newest root."""
        return self.seen.root_version

    @property
    def targets_version(self) -> int:
        """The version of targets.json."""
        return self.seen.version


def verify(
    metadata: Mapping[str, bytes],
    *,
    trusted_root: bytes,
    product: str | None,
    now: datetime,
    floor: Sighting = UNSEEN,
) -> OfflineTrust:
    """Return what the metadata of a bundle says, after all of it was verified.

    Args:
        metadata: By file name: `<n>.root.json` (any number, without gaps), `targets.json`, and one
            `<role>.json`; nothing else.
        trusted_root: The bytes of the root that is trusted.
        product: Whose targets are wanted; those of every product of the role when None.
        now: The time in UTC, with its zone.
        floor: What was last seen of targets.json, which it must not go below.

    Raises:
        FormatError: A file is not canonical TUF metadata, or one is missing or too many.
        TrustError: A signature, an expiry, a version or a path does not hold.
    """
    chain, role = _sorted_out(metadata)
    newest = roots.follow(trusted_root, chain)
    root = documents.read(newest, Root, "root")
    targets = documents.read(metadata[_TARGETS_FILE], Targets, _TARGETS_FILE)
    signatures.verify((root.signed,), TARGETS, targets, _TARGETS_FILE)
    seen = signatures.seen_of_targets(root.signed, targets.signed)
    floor.check(seen, _TARGETS_FILE)
    place = f"{role}{_SUFFIX}"
    delegated = documents.read(metadata[place], Targets, place)
    signatures.verify((targets.signed,), role, delegated, place)
    checked: tuple[tuple[str, Signed], ...] = (
        ("root", root.signed),
        (_TARGETS_FILE, targets.signed),
        (place, delegated.signed),
    )
    for name, signed in checked:
        signatures.check_expiry(signed, now, name)
    return OfflineTrust(
        root=newest,
        chain=chain,
        seen=seen,
        role=role,
        role_version=delegated.signed.version,
        targets=_targets(targets.signed, role, delegated, product),
        expires=min(signed.expires for _name, signed in checked),
        delegator=targets.signed,
    )


def targets_of(role: DelegatedRole, signed: Targets) -> dict[str, Target]:
    """Return the targets of a role.

    Raises:
        FormatError: A path is none.
        TrustError: A path is not one that this role may sign for, or the role delegates further.
    """
    if signed.delegations is not None:
        raise TrustError(f"{role.name}: delegates further")
    for path in signed.targets:
        check_target_path(path)
        if not role.is_delegated_path(path):
            raise TrustError(f"{role.name}: may not sign for {path}")
    return {path: target(file) for path, file in signed.targets.items()}


def target(file: TargetFile) -> Target:
    """Return a target of python-tuf as one of ours."""
    return Target(file.path, file.length, file.hashes["sha256"], file.custom or {})


def role_for(targets: Targets, product: str) -> DelegatedRole:
    """Return the role that signs for a product: the first whose paths are its.

    Raises:
        TrustError: There is none.
    """
    check_product(product)
    given = (targets.delegations.roles if targets.delegations else None) or {}
    for role in given.values():
        if role.name != DIRECTOR and role.is_delegated_path(f"{product}/0/release.json"):
            return role
    raise TrustError(f"{_TARGETS_FILE}: no role signs for the product {product!r}")


def _targets(
    targets: Targets, role: str, delegated: Metadata[Targets], product: str | None
) -> dict[str, Target]:
    given = (targets.delegations.roles if targets.delegations else None) or {}
    found = targets_of(given[role], delegated.signed)
    if product is None:
        return found
    if (wanted := role_for(targets, product).name) != role:
        raise TrustError(f"{role}{_SUFFIX}: {wanted} signs for the product {product!r}")
    return {path: one for path, one in found.items() if path.startswith(f"{product}/")}


def _sorted_out(metadata: Mapping[str, bytes]) -> tuple[dict[str, bytes], str]:
    """Return the chain of roots and the name of the delegated role."""
    chain = {name: data for name, data in metadata.items() if roots.NAME.fullmatch(name)}
    rest = set(metadata) - set(chain)
    if _TARGETS_FILE not in rest:
        raise FormatError(f"{_TARGETS_FILE} is not there")
    others = sorted(rest - {_TARGETS_FILE})
    if len(others) != 1 or not others[0].endswith(_SUFFIX):
        raise FormatError(f"not one role beside {_TARGETS_FILE}: {', '.join(others) or 'none'}")
    role = others[0].removesuffix(_SUFFIX)
    check_product(role)
    return chain, role
