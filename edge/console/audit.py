"""Who did what to whom: written in the transaction of the act, so that none is without entry."""

from dataclasses import dataclass

from sqlalchemy import Connection, Row, desc, insert, select

from edge.console.chain import START, Details, Entry
from edge.console.store.tables import AUDIT
from edge_signing import canonical

CONSOLE = "console"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, for which tenant, and when.

    Attributes:
        name: `token:<id>`, `person:<name>`, `device:<id>` or `console`.
        now_s: Seconds since 1970.
    """

    tenant: str
    name: str
    now_s: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which entries; an empty text is any, one that ends with `*` what begins so.

    Attributes:
        before: Only those with a lower number; 0 for all.
        since_s: Only those of that time or later, in seconds since 1970.
    """

    subject: str = ""
    actor: str = ""
    act: str = ""
    before: int = 0
    since_s: int = 0
    is_newest_first: bool = False


def record(
    connection: Connection, actor: Actor, act: str, subject: str, details: Details | None = None
) -> None:
    """Add an entry to the log of a tenant."""
    number, previous = _tip(connection, actor.tenant)
    entry = Entry(
        actor.tenant, number + 1, actor.now_s, actor.name, act, subject, dict(details or {})
    )
    connection.execute(
        insert(AUDIT).values(
            tenant=entry.tenant,
            number=entry.number,
            at_s=entry.at_s,
            actor=entry.actor,
            act=entry.act,
            subject=entry.subject,
            details=canonical.encode(entry.details).decode(),
            digest=entry.sealed(previous),
        )
    )


def entries(
    connection: Connection, tenant: str, *, after: int = 0, most: int, where: Chosen | None = None
) -> list[Entry]:
    """Return entries in order, those after a number; or the newest first."""
    chosen = where or Chosen()
    asked = select(AUDIT).where(AUDIT.c.tenant == tenant, AUDIT.c.number > after)
    for column, text in (
        (AUDIT.c.subject, chosen.subject),
        (AUDIT.c.actor, chosen.actor),
        (AUDIT.c.act, chosen.act),
    ):
        if text.endswith("*"):
            asked = asked.where(column.startswith(text[:-1], autoescape=True))
        elif text:
            asked = asked.where(column == text)
    if chosen.before:
        asked = asked.where(AUDIT.c.number < chosen.before)
    if chosen.since_s:
        asked = asked.where(AUDIT.c.at_s >= chosen.since_s)
    order = desc(AUDIT.c.number) if chosen.is_newest_first else AUDIT.c.number
    return [_entry(row) for row in connection.execute(asked.order_by(order).limit(most))]


def _tip(connection: Connection, tenant: str) -> tuple[int, str]:
    asked = select(AUDIT.c.number, AUDIT.c.digest).where(AUDIT.c.tenant == tenant)
    row = connection.execute(asked.order_by(desc(AUDIT.c.number)).limit(1)).first()
    return (row.number, row.digest) if row else (0, START)


def _entry(row: Row[tuple[object, ...]]) -> Entry:
    values = dict(row._mapping)
    details = canonical.decode(str(values.pop("details")).encode())
    return Entry(details=details, **values)
