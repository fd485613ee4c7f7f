"""Write what one device should install, signed by the director."""

from collections.abc import Mapping
from datetime import datetime

from tuf.api.metadata import Metadata, TargetFile, Targets

from edge.errors import RefusedError
from edge.keys import metadata
from edge.keys.metadata import SPECIFICATION, expiry
from edge.keys.ring import Ring
from edge.keys.secrets import Secrets, nobody
from edge_signing.errors import TrustError
from edge_signing.trust import documents, signatures
from edge_signing.trust.director import DEVICE, EPOCH
from edge_signing.trust.names import DIRECTOR, check_device, check_target_path
from edge_signing.trust.offline import Target


def sign_order(
    ring: Ring,
    targets: Mapping[str, Target],
    *,
    device: str,
    epoch: int,
    version: int,
    now: datetime,
    ask: Secrets = nobody,
    delegator: Targets | None = None,
) -> bytes:
    """Return a director's document.

    Args:
        ring: The keys; the director's has to be here.
        targets: What to install, by path, as the release role names it.
        device: The id of the device.
        epoch: The epoch of its enrolment.
        version: Must not go down within an epoch.
        now: The time in UTC.
        ask: Gets passphrases and PINs.
        delegator: The ring's targets.json, if it was read and verified before.

    Raises:
        RefusedError: The director's key is not here.
        FormatError: Device or paths are not such.
    """
    check_device(device)
    for path in targets:
        check_target_path(path)
    made = Metadata(
        Targets(
            version=version,
            spec_version=SPECIFICATION,
            expires=expiry(ring, DIRECTOR, now),
            targets=_files(targets),
            unrecognized_fields={DEVICE: device, EPOCH: epoch},
        )
    )
    delegator = delegator or ring.targets().signed
    for signer in ring.signers_for(delegator, DIRECTOR, ask):
        metadata.sign(made, signer)
    try:
        signatures.verify((delegator,), DIRECTOR, made, f"{DIRECTOR}.json")
    except TrustError as error:
        raise RefusedError("the director's key is not here") from error
    return documents.to_bytes(made)


def _files(targets: Mapping[str, Target]) -> dict[str, TargetFile]:
    return {
        path: TargetFile(one.length_bytes, {"sha256": one.sha256}, path)
        for path, one in targets.items()
    }
