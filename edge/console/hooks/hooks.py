"""The webhooks of a tenant: where they go, what they tell, and how far they have come.

What is told are the events of devices and the entries of the audit log, by their numbers: so
nothing is lost while a receiver or the console is away, and what is told twice has the same number.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from edge.console import audit
from edge.console.audit import Actor
from edge.console.filters import glob
from edge.console.hooks.addresses import Allowed, check_url
from edge.console.store.tables import AUDIT, DELIVERIES, EVENTS, HOOKS
from edge.errors import InputError, RefusedError, ThingNotFoundError

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")
KIND: Final = re.compile(r"[a-z*][a-z*.-]{0,63}")
MOST: Final = 50
KINDS_MOST: Final = 20
DELIVERIES_KEPT: Final = 50
_ID_BYTES: Final = 8
_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook.

    Attributes:
        secret: The key of its signatures, in hex.
        kinds: Patterns of what it tells: `event.failed`, `audit.device.*`, `*`.
        event: Number of the last event that was told or passed over.
        entry: That of the last entry of the audit log.
        failures: How often the next delivery has failed.
        retry_at_s: Seconds since 1970; not before that.
    """

    tenant: str
    hook: str
    name: str
    url: str
    secret: str = field(repr=False)
    kinds: tuple[str, ...]
    is_on: bool
    event: int
    entry: int
    failures: int
    retry_at_s: int
    created_at_s: int

    def tells(self, kind: str) -> bool:
        """Whether it tells of such things."""
        return any(glob.is_like(kind, pattern) for pattern in self.kinds)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to tell something.

    Attributes:
        status: The answer's; 0 if there was none.
        error: Why it was none that counts.
        items: How many things it told.
    """

    at_s: int
    status: int
    error: str
    items: int
    duration_ms: int


def create(
    connection: Connection,
    actor: Actor,
    name: str,
    url: str,
    kinds: Iterable[str],
    *,
    allowed: Allowed,
    noise: Callable[[int], str],
) -> Hook:
    """Make a webhook, which tells what happens from now on.

    Args:
        connection: Of the transaction.
        actor: Who makes it.
        name: What it is for.
        url: Where it goes.
        kinds: Patterns of what it tells.
        allowed: Where webhooks may go.
        noise: Returns so many random bytes in hex.

    Raises:
        InputError: Something of it can not be that.
        RefusedError: It may not go there, or there are too many.
    """
    chosen = tuple(dict.fromkeys(kinds)) or ("*",)
    _check(name, chosen)
    check_url(url, allowed)
    if len(all_of(connection, actor.tenant)) >= MOST:
        raise RefusedError(f"{MOST} webhooks are the most")
    last_event = select(func.max(EVENTS.c.number)).where(EVENTS.c.tenant == actor.tenant)
    last_entry = select(func.max(AUDIT.c.number)).where(AUDIT.c.tenant == actor.tenant)
    values = {
        "tenant": actor.tenant,
        "hook": noise(_ID_BYTES),
        "name": name,
        "url": url,
        "secret": noise(_SECRET_BYTES),
        "kinds": " ".join(chosen),
        "is_on": True,
        "event": connection.scalar(last_event) or 0,
        "entry": connection.scalar(last_entry) or 0,
        "created_at_s": actor.now_s,
    }
    connection.execute(insert(HOOKS).values(values))
    details: dict[str, object] = {"name": name, "url": url, "kinds": list(chosen)}
    audit.record(connection, actor, "hook.create", f"hook:{values['hook']}", details)
    return get(connection, actor.tenant, str(values["hook"]))


def turn(connection: Connection, actor: Actor, hook: str, *, is_on: bool) -> Hook:
    """Turn a webhook on or off; turned on, it goes on where it ended.

    Raises:
        ThingNotFoundError: The tenant has none with this id.
    """
    get(connection, actor.tenant, hook)
    values = {"is_on": is_on, "failures": 0, "retry_at_s": 0}
    connection.execute(update(HOOKS).where(*_same(actor.tenant, hook)).values(values))
    audit.record(connection, actor, "hook.turn", f"hook:{hook}", {"on": is_on})
    return get(connection, actor.tenant, hook)


def remove(connection: Connection, actor: Actor, hook: str) -> None:
    """Remove a webhook.

    Raises:
        ThingNotFoundError: The tenant has none with this id.
    """
    get(connection, actor.tenant, hook)
    same = (DELIVERIES.c.tenant == actor.tenant, DELIVERIES.c.hook == hook)
    connection.execute(delete(DELIVERIES).where(*same))
    connection.execute(delete(HOOKS).where(*_same(actor.tenant, hook)))
    audit.record(connection, actor, "hook.remove", f"hook:{hook}")


def get(connection: Connection, tenant: str, hook: str) -> Hook:
    """Return a webhook.

    Raises:
        ThingNotFoundError: The tenant has none with this id.
    """
    row = connection.execute(select(HOOKS).where(*_same(tenant, hook))).first()
    if row is None:
        raise ThingNotFoundError(f"no webhook {hook!r}", hint="edge hooks list")
    return _hook(row)


def all_of(connection: Connection, tenant: str) -> list[Hook]:
    """Return the webhooks of a tenant, newest last."""
    asked = select(HOOKS).where(HOOKS.c.tenant == tenant)
    found = connection.execute(asked.order_by(HOOKS.c.created_at_s, HOOKS.c.hook))
    return [_hook(row) for row in found]


def due(connection: Connection, now_s: int) -> list[Hook]:
    """Return the webhooks of all tenants that are on and need not wait: for the console itself."""
    asked = select(HOOKS).where(HOOKS.c.is_on, HOOKS.c.retry_at_s <= now_s)
    return [_hook(row) for row in connection.execute(asked)]


def deliveries(connection: Connection, tenant: str, hook: str) -> list[Delivery]:
    """Return the last deliveries of a webhook, newest first.

    Raises:
        ThingNotFoundError: The tenant has none with this id.
    """
    get(connection, tenant, hook)
    same = (DELIVERIES.c.tenant == tenant, DELIVERIES.c.hook == hook)
    rows = connection.execute(select(DELIVERIES).where(*same).order_by(DELIVERIES.c.number.desc()))
    return [Delivery(row.at_s, row.status, row.error, row.items, row.duration_ms) for row in rows]


def note(connection: Connection, hook: Hook, delivery: Delivery, values: dict[str, int]) -> None:
    """Store how a delivery went, and how far the webhook has come."""
    same = (DELIVERIES.c.tenant == hook.tenant, DELIVERIES.c.hook == hook.hook)
    last = connection.scalar(select(func.max(DELIVERIES.c.number)).where(*same)) or 0
    key = {"tenant": hook.tenant, "hook": hook.hook, "number": last + 1}
    facts = {
        "at_s": delivery.at_s,
        "status": delivery.status,
        "error": delivery.error,
        "items": delivery.items,
        "duration_ms": delivery.duration_ms,
    }
    if advance(connection, hook, values):
        connection.execute(insert(DELIVERIES).values(key | facts))
        old = DELIVERIES.c.number <= last + 1 - DELIVERIES_KEPT
        connection.execute(delete(DELIVERIES).where(*same, old))


def advance(connection: Connection, hook: Hook, values: dict[str, int]) -> bool:
    """Store how far a webhook has come; whether it is still there and where it was."""
    stands = (HOOKS.c.event == hook.event, HOOKS.c.entry == hook.entry)
    done = update(HOOKS).where(*_same(hook.tenant, hook.hook), *stands).values(values)
    return bool(connection.execute(done).rowcount)


def _same(tenant: str, hook: str) -> tuple[Any, Any]:
    return HOOKS.c.tenant == tenant, HOOKS.c.hook == hook


def _check(name: str, kinds: tuple[str, ...]) -> None:
    if not NAME.fullmatch(name):
        raise InputError(f"webhook {name!r}: not 1 to 64 letters, digits, blanks or '._-'")
    if len(kinds) > KINDS_MOST:
        raise InputError(f"{len(kinds)} kinds are more than {KINDS_MOST}")
    for one in kinds:
        if not KIND.fullmatch(one):
            raise InputError(f"kind {one!r}: none", hint="event.failed, audit.device.*, *")


def _hook(row: Row[Any]) -> Hook:
    values = dict(row._mapping)
    kinds = tuple(str(values.pop("kinds")).split())
    return Hook(**{**values, "kinds": kinds})
