"""Signed metadata without a repository: for a bundle that comes straight from a build."""

import hashlib
from collections.abc import Mapping
from datetime import datetime

from tuf.api.metadata import Metadata, TargetFile, Targets

from edge.errors import RefusedError
from edge.keys import metadata
from edge.keys.metadata import SPECIFICATION
from edge.keys.ring import Ring
from edge.keys.secrets import Secrets, nobody
from edge.repository.stage import Addition
from edge_signing.errors import TrustError
from edge_signing.trust import documents, offline, signatures
from edge_signing.trust.names import TARGETS


class KeysElsewhereError(RefusedError):
    """Not enough keys of a role are here to sign."""


def sign_standalone(
    ring: Ring,
    product: str,
    targets: Mapping[str, Addition],
    *,
    expires: datetime,
    version: int = 1,
    ask: Secrets = nobody,
) -> dict[str, bytes]:
    """Return the metadata of a bundle, by file name; the same inputs give the same bytes.

    Args:
        ring: The keys; as many of the product's role as must sign have to be here.
        product: Whose release.
        targets: By path `<product>/<version>/<name>`: the bytes, and what to say of them besides.
        expires: Until when the product's metadata holds, in UTC.
        version: Of the product's metadata.
        ask: Gets passphrases and PINs.

    Raises:
        KeysElsewhereError: Not enough of the keys are here.
        SigningError: A path is not one of the product.
    """
    delegator = ring.targets()
    role = offline.role_for(delegator.signed, product)
    files = {path: _file(path, data, dict(custom)) for path, (data, custom) in targets.items()}
    made = Metadata(Targets(version, SPECIFICATION, expires.replace(microsecond=0), files))
    offline.targets_of(role, made.signed)
    for signer in ring.signers_for(delegator.signed, role.name, ask):
        metadata.sign(made, signer)
    name = f"{role.name}.json"
    try:
        signatures.verify((delegator.signed,), role.name, made, name)
    except TrustError as error:
        raise KeysElsewhereError(
            f"not enough keys of {role.name} are here to sign: {error}",
            hint="use a repository: edge release add, edge sign, edge release publish",
        ) from error
    return {
        **ring.chain(),
        f"{TARGETS}.json": documents.to_bytes(delegator),
        name: documents.to_bytes(made),
    }


def _file(path: str, data: bytes, custom: dict[str, object]) -> TargetFile:
    digest = hashlib.sha256(data).hexdigest()
    return TargetFile(len(data), {"sha256": digest}, path, {"custom": custom} if custom else {})
