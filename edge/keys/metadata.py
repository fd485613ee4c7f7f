"""The metadata that says who may sign: root and targets of a key ring, unsigned."""

from datetime import datetime, timedelta
from typing import Any

from securesystemslib.signer import Signer
from tuf.api.metadata import DelegatedRole, Delegations, Metadata, Role, Root, Targets

from edge.keys.ring import Ring
from edge.keys.roles import delegations
from edge_signing.trust.documents import T
from edge_signing.trust.names import DIRECTOR, ROOT, TARGETS, TOP_LEVEL, paths_of

# Not python-tuf's own, so that its releases do not change our bytes.
SPECIFICATION = "1.0.31"


def expiry(ring: Ring, role: str, now: datetime) -> datetime:
    """Return until when a signature that a role makes now holds."""
    return now.replace(microsecond=0) + timedelta(days=ring.roles[role].expires_days)


def new_root(ring: Ring, version: int, now: datetime) -> Metadata[Root]:
    """Return a root with the keys of a ring, unsigned."""
    keys = {one.keyid: one for role in TOP_LEVEL for one in ring.public(role).values()}
    roles = {
        role: Role([one.keyid for one in ring.public(role).values()], ring.roles[role].threshold)
        for role in TOP_LEVEL
    }
    return Metadata(
        Root(
            version=version,
            spec_version=SPECIFICATION,
            expires=expiry(ring, ROOT, now),
            keys=dict(keys),
            roles=roles,
            consistent_snapshot=True,
        )
    )


def new_targets(ring: Ring, version: int, now: datetime) -> Metadata[Targets]:
    """Return targets.json with the delegations of a ring, unsigned."""
    names = (*delegations(ring.products), DIRECTOR)
    keys = {one.keyid: one for role in names for one in ring.public(role).values()}
    roles = {
        name: DelegatedRole(
            name=name,
            keyids=[one.keyid for one in ring.public(name).values()],
            threshold=ring.roles[name].threshold,
            terminating=name != DIRECTOR,
            paths=list(paths_of(name)),
        )
        for name in names
    }
    return Metadata(
        Targets(
            version=version,
            spec_version=SPECIFICATION,
            expires=expiry(ring, TARGETS, now),
            targets={},
            delegations=Delegations(dict(keys), roles),
        )
    )


def sign(metadata: Metadata[T], signer: Signer) -> None:
    """Add a signature to metadata.

    Raises:
        EdgeError: The key can not sign.
    """
    signature = signer.sign(metadata.signed_bytes)
    metadata.signatures[signature.keyid] = signature


def changed(old: Root | Targets, new: Root | Targets) -> bool:
    """Return whether two say something else, but for version and dates."""
    return _content(old) != _content(new)


def _content(signed: Root | Targets) -> dict[str, Any]:
    content = signed.to_dict()
    for name in ("version", "expires", "spec_version"):
        del content[name]
    return content
