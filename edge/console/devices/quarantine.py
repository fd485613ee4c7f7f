"""Devices that nobody can vouch for, as steps of a transaction: seen and shown, and given nothing.

A device in quarantine gets out when somebody decides about it, or when the record comes that was
missing. What is stored of it is why, since when, and what was seen.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import Connection, delete, insert, select, update

from edge.console import audit
from edge.console.audit import Actor
from edge.console.chain import Details
from edge.console.devices.states import State
from edge.console.store.factory_tables import HEARD_BOOTS, QUARANTINE
from edge.console.store.tables import DEVICES
from edge_signing import canonical


class Reason(StrEnum):
    """Why a device is in quarantine; stored, so the names never change."""

    UNRECORDED = "unrecorded"
    UNLIKE = "unlike"
    CLONED = "cloned"
    SCRAPPED = "scrapped"


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A device in quarantine.

    Attributes:
        since_s: Seconds since 1970.
        details: What was seen.
    """

    device: str
    reason: Reason
    since_s: int
    details: Details = field(default_factory=dict)


def put(
    connection: Connection, actor: Actor, device: str, reason: Reason, details: Details
) -> None:
    """Put a device in quarantine, or say another reason of one that is there."""
    same = (DEVICES.c.tenant == actor.tenant, DEVICES.c.device == device)
    connection.execute(update(DEVICES).where(*same).values(state=State.QUARANTINED))
    _forget_reason(connection, actor.tenant, device)
    values = {
        "tenant": actor.tenant,
        "device": device,
        "reason": reason,
        "since_s": actor.now_s,
        "details": canonical.encode(details).decode(),
    }
    connection.execute(insert(QUARANTINE).values(values))
    said: Details = {"reason": str(reason), **details}
    audit.record(connection, actor, "device.quarantine", f"device:{device}", said)


def leave(connection: Connection, tenant: str, device: str) -> None:
    """Forget why a device was in quarantine; what it was seen to do counts from now on."""
    _forget_reason(connection, tenant, device)
    same = (HEARD_BOOTS.c.tenant == tenant, HEARD_BOOTS.c.device == device)
    connection.execute(delete(HEARD_BOOTS).where(*same))


def of(connection: Connection, tenant: str, device: str = "") -> list[Quarantined]:
    """Return the devices of a tenant that are in quarantine, or one of them; newest first."""
    asked = select(QUARANTINE).where(QUARANTINE.c.tenant == tenant)
    if device:
        asked = asked.where(QUARANTINE.c.device == device)
    found = []
    for row in connection.execute(asked.order_by(QUARANTINE.c.since_s.desc(), QUARANTINE.c.device)):
        details = canonical.decode(row.details.encode())
        assert isinstance(details, dict)
        found.append(Quarantined(row.device, Reason(row.reason), row.since_s, details))
    return found


def _forget_reason(connection: Connection, tenant: str, device: str) -> None:
    same = (QUARANTINE.c.tenant == tenant, QUARANTINE.c.device == device)
    connection.execute(delete(QUARANTINE).where(*same))
