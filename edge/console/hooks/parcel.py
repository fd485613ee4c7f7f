"""What a webhook is sent, and the signature that shows from whom it is.

`Edge-Signature: t=<seconds>,v1=<hex>` is the HMAC-SHA256 of `<seconds>.<body>` under the secret of
the webhook: a receiver compares it before it reads the body, and refuses what is old.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from edge.console import audit
from edge.console.chain import Entry
from edge.console.hooks.hooks import Hook
from edge.console.store.tables import EVENTS

SIGNATURE: Final = "Edge-Signature"
DELIVERY: Final = "Edge-Delivery"
ITEMS_MOST: Final = 100
_EVENT: Final = (
    "number",
    "device",
    "boot_id",
    "n",
    "at_s",
    "received_at_s",
    "kind",
    "action",
    "version",
    "reason",
)


@dataclass(frozen=True, slots=True)
class Parcel:
    """What a webhook is to tell next.

    Attributes:
        name: The same when it is sent again, unless more has happened since, which is in it then.
        items: Things that happened; none if all that happened is of other kinds.
        event: Number of the last event that is in it or was passed over.
        entry: That of the last entry of the audit log.
    """

    name: str
    items: tuple[dict[str, Any], ...]
    event: int
    entry: int

    def body(self, tenant: str) -> bytes:
        """Return it as it is sent."""
        said = {"delivery": self.name, "tenant": tenant, "items": list(self.items)}
        return json.dumps(said, separators=(",", ":")).encode()


def next_of(connection: Connection, hook: Hook) -> Parcel | None:
    """Return what a webhook is to tell next, None if nothing has happened."""
    events, entries = _events(connection, hook), _entries(connection, hook)
    if not events and not entries:
        return None
    items = [
        *({"type": "event", **_facts(row)} for row in events if hook.tells(f"event.{row.kind}")),
        *(
            {"type": "audit", **_entry_facts(one)}
            for one in entries
            if hook.tells(f"audit.{one.act}")
        ),
    ]
    event = events[-1].number if events else hook.event
    entry = entries[-1].number if entries else hook.entry
    name = f"{hook.hook}-{event}-{entry}"
    return Parcel(name, tuple(items), event, entry)


def trial(hook: Hook, now_s: int) -> Parcel:
    """Return what shows a receiver that all is well."""
    item = {"type": "test", "at_s": now_s}
    return Parcel(f"{hook.hook}-test-{now_s}", (item,), hook.event, hook.entry)


def signature(secret: str, body: bytes, now_s: int) -> str:
    """Return the value of `SIGNATURE` for a body."""
    text = f"{now_s}.".encode() + body
    return f"t={now_s},v1={hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()}"


def _events(connection: Connection, hook: Hook) -> Sequence[Row[Any]]:
    asked = select(EVENTS).where(EVENTS.c.tenant == hook.tenant, EVENTS.c.number > hook.event)
    return connection.execute(asked.order_by(EVENTS.c.number).limit(ITEMS_MOST)).all()


def _entries(connection: Connection, hook: Hook) -> list[Entry]:
    return audit.entries(connection, hook.tenant, after=hook.entry, most=ITEMS_MOST)


def _facts(row: Row[Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _EVENT}


def _entry_facts(one: Entry) -> dict[str, Any]:
    facts = asdict(one)
    for name in ("tenant", "digest"):
        facts.pop(name, None)
    return facts
