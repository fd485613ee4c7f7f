"""Links that let somebody set his password, once: the first person, a new one, one who forgot.

The secret stands behind the `#` of the link, so that no browser sends it in an address and no log
sees it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, insert, or_, select

from edge.console import audit
from edge.console.audit import CONSOLE, Actor
from edge.console.people import people
from edge.console.people.people import Way
from edge.console.people.sessions import digest
from edge.console.store.people_tables import INVITATIONS
from edge.console.tokens import Scope
from edge.errors import RefusedError

HOLDS_S: Final = 86400
_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link that holds.

    Attributes:
        person: Whose; empty for the first of all.
    """

    tenant: str
    person: str


def make(
    connection: Connection,
    actor: Actor,
    person: str,
    *,
    allowed: frozenset[Scope] = frozenset(Scope),
    noise: Callable[[int], str],
) -> str:
    """Make a link for somebody in place of those before, and return its secret.

    Raises:
        ThingNotFoundError: There is no such person.
        RefusedError: He is disabled, has more than the actor, or is the actor himself.
    """
    found = people.get(connection, actor.tenant, person)
    people.require_other(actor, person)
    people.require_no_more(found, allowed)
    if found.way is not Way.PASSWORD:
        raise RefusedError(
            f"{person} logs in without a password", hint=f"edge people set-way {person} password"
        )
    if found.is_disabled:
        raise RefusedError(f"{person} is disabled", hint=f"edge people enable {person}")
    people.forget_invitations(connection, actor.tenant, person)
    secret = _add(connection, actor, person, noise)
    audit.record(connection, actor, "person.invite", people.subject(person))
    return secret


def first(
    connection: Connection, tenant: str, *, now_s: int, noise: Callable[[int], str]
) -> str | None:
    """Make the link of the first person in place of those before; None if there is somebody.

    Each start does; what is audited is who comes in by it.
    """
    people.forget_invitations(connection, tenant, "")
    if not people.is_nobody(connection):
        return None
    return _add(connection, Actor(tenant, CONSOLE, now_s), "", noise)


def look(connection: Connection, secret: str, now_s: int) -> Invitation | None:
    """Return the link of a secret, None if there is none that holds."""
    same = (INVITATIONS.c.digest == digest(secret), INVITATIONS.c.expires_at_s > now_s)
    row = connection.execute(select(INVITATIONS).where(*same)).first()
    if row is None:
        return None
    if not row.person:
        return Invitation(row.tenant, "") if people.is_nobody(connection) else None
    person = people.get(connection, row.tenant, row.person)
    if person.is_disabled or person.way is not Way.PASSWORD:
        return None
    return Invitation(row.tenant, row.person)


def link(secret: str) -> str:
    """Return the path at which a secret is used: no server is sent what is behind the `#`."""
    return f"/welcome#{secret}"


def use(connection: Connection, secret: str, now_s: int) -> Invitation | None:
    """Return the link of a secret, which is useless from now on."""
    found = look(connection, secret, now_s)
    ended = or_(INVITATIONS.c.digest == digest(secret), INVITATIONS.c.expires_at_s <= now_s)
    connection.execute(delete(INVITATIONS).where(ended))
    return found


def _add(connection: Connection, actor: Actor, person: str, noise: Callable[[int], str]) -> str:
    secret = noise(_SECRET_BYTES)
    connection.execute(
        insert(INVITATIONS).values(
            tenant=actor.tenant,
            digest=digest(secret),
            person=person,
            expires_at_s=actor.now_s + HOLDS_S,
        )
    )
    return secret
