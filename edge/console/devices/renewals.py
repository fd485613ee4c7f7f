"""Certificates that take the place of others, as steps of a transaction.

A device that renews has two for a while. The new one counts from the first call that shows it; then
the one before is retired. Until then nothing is lost if the device never got it.
"""

from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from edge.console.audit import Actor
from edge.console.store.enrolment_tables import RENEWALS
from edge.console.store.tables import RETIRED


def of(connection: Connection, tenant: str, device: str) -> Row[Any] | None:
    """Return the newest renewal of a device, whether it was seen or not."""
    same = (RENEWALS.c.tenant == tenant, RENEWALS.c.device == device)
    return connection.execute(select(RENEWALS).where(*same)).first()


def is_offered(connection: Connection, tenant: str, device: str, fingerprint: str) -> bool:
    """Whether a certificate was made to take the place of a device's own."""
    found = of(connection, tenant, device)
    return found is not None and found.fingerprint == fingerprint


def forget(connection: Connection, actor: Actor, device: str, own: str | None) -> None:
    """Forget what a device renewed: none of its certificates is let in again but its own.

    Args:
        connection: Of the transaction.
        actor: Who puts the device out.
        device: Its id.
        own: Fingerprint of the certificate that it has, which is left as it is.
    """
    found = of(connection, actor.tenant, device)
    if found is not None and found.fingerprint != own:
        retire(connection, actor, device, found.fingerprint)
    same = (RENEWALS.c.tenant == actor.tenant, RENEWALS.c.device == device)
    connection.execute(delete(RENEWALS).where(*same))
    retired = (RETIRED.c.tenant == actor.tenant, RETIRED.c.device == device)
    connection.execute(update(RETIRED).where(*retired).values(is_renewed=False))


def retire(
    connection: Connection,
    actor: Actor,
    device: str,
    fingerprint: str | None,
    *,
    is_renewed: bool = False,
) -> None:
    """Never let a certificate in again.

    Args:
        connection: Of the transaction.
        actor: Who does it.
        device: Whose it was.
        fingerprint: Of the certificate; None for none.
        is_renewed: The device has another one because it asked for it.
    """
    if fingerprint is None or is_retired(connection, fingerprint):
        return
    values = {
        "tenant": actor.tenant,
        "fingerprint": fingerprint,
        "device": device,
        "retired_at_s": actor.now_s,
        "is_renewed": is_renewed,
    }
    connection.execute(insert(RETIRED).values(values))


def is_retired(connection: Connection, fingerprint: str) -> bool:
    """Whether a certificate is never let in again."""
    asked = select(RETIRED.c.device).where(RETIRED.c.fingerprint == fingerprint)
    return connection.execute(asked).first() is not None
