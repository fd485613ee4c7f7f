"""What devices that speak DDI show instead of a certificate, and how they come in.

Only hashes are stored; a token has as many random bits as its hash is worth. A token of the gateway
speaks for every device of its tenant that has nothing of its own, so there is none until somebody
makes it.
"""

import hashlib
import hmac
from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, insert, select, update

from edge.console import audit
from edge.console.audit import CONSOLE, Actor
from edge.console.devices import registry
from edge.console.devices.reports import OPEN
from edge.console.devices.states import State
from edge.console.store.ddi_tables import DDI_DEVICES
from edge.console.store.tables import DEVICES, ORDERS, TENANTS
from edge.errors import RefusedError, ThingNotFoundError

TOKEN_BYTES: Final = 16  # 32 characters, as hawkBit's own
# Instead of the kernel's id of a start, which such a device does not tell.
BOOT_ID: Final = "ddi"
_NO_DIGEST: Final = "0" * 64
_NOT_FOR_IT: Final = "the device speaks DDI: it can not install an Edge release"


def make_token(
    connection: Connection, actor: Actor, device: str, noise: Callable[[int], str]
) -> str:
    """Give a device a token in place of the one that it had; return it, only now.

    Raises:
        ThingNotFoundError: There is no such device.
        RefusedError: It is out of use, or runs Edge.
    """
    row = registry.get(connection, actor.tenant, device)
    if row.state == State.DECOMMISSIONED:
        raise RefusedError(f"{device} is {row.state}", hint="edge devices re-enrol")
    join(connection, actor.tenant, device, actor.now_s)
    token = noise(TOKEN_BYTES)
    _set_digest(connection, actor.tenant, device, digest_of(token))
    audit.record(connection, actor, "device.token", f"device:{device}")
    return token


def remove_token(connection: Connection, actor: Actor, device: str) -> None:
    """Make the token of a device useless.

    Raises:
        ThingNotFoundError: There is no such device, or it has none.
    """
    registry.get(connection, actor.tenant, device)
    if not _digest(connection, actor.tenant, device):
        raise ThingNotFoundError(f"{device} has no token")
    _set_digest(connection, actor.tenant, device, None)
    audit.record(connection, actor, "device.remove-token", f"device:{device}")


def make_gateway_token(connection: Connection, actor: Actor, noise: Callable[[int], str]) -> str:
    """Make the token of a tenant's gateway, in place of the one before; return it, only now."""
    token = noise(TOKEN_BYTES)
    _set_gateway(connection, actor, digest_of(token))
    audit.record(connection, actor, "tenant.ddi-token", f"tenant:{actor.tenant}")
    return token


def remove_gateway_token(connection: Connection, actor: Actor) -> None:
    """Let no gateway speak for devices."""
    _set_gateway(connection, actor, None)
    audit.record(connection, actor, "tenant.remove-ddi-token", f"tenant:{actor.tenant}")


def fits_device(connection: Connection, tenant: str, device: str, token: str) -> bool:
    """Whether a token is the one of a device."""
    return _is_same(_digest(connection, tenant, device), token)


def fits_gateway(connection: Connection, tenant: str, device: str, token: str) -> bool:
    """Whether a token is that of the gateway, and the device has nothing of its own to show."""
    stored = connection.scalar(select(TENANTS.c.gateway_digest).where(TENANTS.c.tenant == tenant))
    asked = select(DEVICES.c.fingerprint).where(DEVICES.c.device == device)
    has_own = bool(connection.scalar(asked)) or bool(_digest(connection, tenant, device))
    return _is_same(stored, token) and not has_own


def knock(connection: Connection, tenant: str, device: str, now_s: int) -> State | None:
    """Return how a device stands that a gateway speaks for; one that nobody named waits from now.

    None for one of another tenant.
    """
    row = connection.execute(select(DEVICES).where(DEVICES.c.device == device)).first()
    if row is None:
        return registry.knock_without_certificate(connection, tenant, device, now_s)
    return State(row.state) if row.tenant == tenant else None


def join(connection: Connection, tenant: str, device: str, now_s: int) -> None:
    """Remember that a device speaks DDI; what it could not install is not wanted of it any more.

    Raises:
        RefusedError: It has told, over another link, that it runs Edge.
    """
    if registry.speaks_ddi(connection, tenant, device):
        return
    row = registry.get(connection, tenant, device)
    if row.boot_id not in ("", BOOT_ID):
        raise RefusedError(f"{device} runs Edge", hint="edge devices re-enrol, if it does not now")
    connection.execute(insert(DDI_DEVICES).values(tenant=tenant, device=device))
    same = (DEVICES.c.tenant == tenant, DEVICES.c.device == device)
    connection.execute(update(DEVICES).where(*same).values(desired=None))
    ours = (ORDERS.c.tenant == tenant, ORDERS.c.device == device, ORDERS.c.state == OPEN)
    ended = {"state": "failed", "reason": _NOT_FOR_IT, "closed_at_s": now_s}
    connection.execute(update(ORDERS).where(*ours).values(ended))
    audit.record(connection, Actor(tenant, CONSOLE, now_s), "device.ddi", f"device:{device}")


def digest_of(token: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _is_same(stored: str | None, token: str) -> bool:
    # As long for a device that has none.
    is_same = hmac.compare_digest(stored or _NO_DIGEST, digest_of(token))
    return is_same and bool(stored)


def _digest(connection: Connection, tenant: str, device: str) -> str | None:
    same = (DDI_DEVICES.c.tenant == tenant, DDI_DEVICES.c.device == device)
    found: str | None = connection.scalar(select(DDI_DEVICES.c.token_digest).where(*same))
    return found


def _set_digest(connection: Connection, tenant: str, device: str, digest: str | None) -> None:
    same = (DDI_DEVICES.c.tenant == tenant, DDI_DEVICES.c.device == device)
    connection.execute(update(DDI_DEVICES).where(*same).values(token_digest=digest))


def _set_gateway(connection: Connection, actor: Actor, digest: str | None) -> None:
    same = TENANTS.c.tenant == actor.tenant
    connection.execute(update(TENANTS).where(same).values(gateway_digest=digest))
