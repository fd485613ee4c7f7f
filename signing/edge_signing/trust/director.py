"""What one device should install: targets signed by the role `director`, for it alone.

targets.json delegates `director/*` to the role, so that no client ever finds a release there. A
document is TUF targets metadata with two fields more, `device` and `epoch` (of its enrolment). It
orders, it does not vouch: what it names has to be what the role of the product names too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tuf.api.metadata import Targets

from edge_signing.errors import FormatError, TrustError
from edge_signing.trust import documents, signatures
from edge_signing.trust.names import DIRECTOR, check_target_path
from edge_signing.trust.offline import Target, target
from edge_signing.trust.sighting import Sighting

DEVICE: Final = "device"
EPOCH: Final = "epoch"
_PLACE: Final = "director.json"


@dataclass(frozen=True, slots=True)
class Order:
    """What a device should install.

    Attributes:
        seen: The sighting of the document, to be the floor of the next one of this epoch.
        targets: By path; none means: stay as you are.
        expires: When the order is void.
    """

    seen: Sighting
    targets: Mapping[str, Target]
    expires: datetime

    @property
    def version(self) -> int:
        """The version of the document."""
        return self.seen.version


def verify(
    document: bytes,
    *,
    targets: Targets,
    device: str,
    epoch: int,
    root_version: int,
    floor: Sighting,
    now: datetime,
) -> Order:
    """Return what a director's document orders.

    Args:
        document: The bytes of the document.
        targets: The verified content of targets.json.
        device: The id of this device.
        epoch: The epoch of its enrolment; a new one starts the versions again.
        root_version: Of the root that targets.json was verified with.
        floor: What was last seen of the director in this epoch.
        now: The time in UTC, with its zone.

    Raises:
        FormatError: It is not canonical TUF metadata with the two fields more.
        TrustError: It is not signed, expired, for another device or epoch, or an older one.
    """
    metadata = documents.read(document, Targets, _PLACE)
    signed = metadata.signed
    signatures.verify((targets,), DIRECTOR, metadata, _PLACE)
    signatures.check_expiry(signed, now, _PLACE)
    fields = signed.unrecognized_fields
    if set(fields) != {DEVICE, EPOCH} or type(fields[EPOCH]) is not int:
        raise FormatError(f"{_PLACE}: the fields of a director are not there")
    if fields[DEVICE] != device:
        raise TrustError(f"{_PLACE}: for the device {fields[DEVICE]!r}, not {device!r}")
    if fields[EPOCH] != epoch:
        raise TrustError(f"{_PLACE}: for the enrolment {fields[EPOCH]}, not {epoch}")
    seen = signatures.seen(targets, DIRECTOR, version=signed.version, root_version=root_version)
    floor.check(seen, _PLACE)
    if signed.delegations is not None:
        raise TrustError(f"{_PLACE}: delegates further")
    for path in signed.targets:
        check_target_path(path)
    found = {path: target(file) for path, file in signed.targets.items()}
    return Order(seen, found, signed.expires)


def agreed(order: Order, release: Mapping[str, Target]) -> dict[str, Target]:
    """Return the targets that both name: the director orders them, the release role vouches.

    Args:
        order: What the director orders.
        release: The verified targets of the product's role, by path.

    Raises:
        TrustError: The release role does not name one, or names other bytes.
    """
    for path, ordered in order.targets.items():
        vouched = release.get(path)
        if vouched is None:
            raise TrustError(f"{path}: ordered by the director, but no release role names it")
        if (vouched.length_bytes, vouched.sha256) != (ordered.length_bytes, ordered.sha256):
            raise TrustError(f"{path}: the director orders other bytes than were released")
    return {path: release[path] for path in order.targets}
