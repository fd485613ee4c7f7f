"""By what people show who they are: the hash of a password, or the subject of a provider."""

from dataclasses import replace

from sqlalchemy import ColumnElement, Connection, select, update

from edge.console import audit
from edge.console.audit import Actor
from edge.console.people import people, sessions
from edge.console.people.people import Person, Way
from edge.console.store.people_tables import PEOPLE
from edge.errors import RefusedError


def set_password(connection: Connection, actor: Actor, person: str, hashed: str) -> None:
    """Store the hash of another password; all sessions and links of the person end.

    Raises:
        ThingNotFoundError: There is no such person.
    """
    people.get(connection, actor.tenant, person)
    values = {"password": hashed}
    connection.execute(update(PEOPLE).where(*_same(actor.tenant, person)).values(values))
    sessions.end_all(connection, actor.tenant, person)
    people.forget_invitations(connection, actor.tenant, person)
    audit.record(connection, actor, "person.password", people.subject(person))


def bound(connection: Connection, issuer: str, subject: str) -> Person | None:
    """Return who a provider means by a subject, None for nobody that was bound to it."""
    same = (PEOPLE.c.issuer == issuer, PEOPLE.c.subject == subject)
    row = connection.execute(select(PEOPLE).where(*same)).first()
    return None if row is None else people.of_row(row)


def bind(connection: Connection, actor: Actor, person: str, issuer: str, subject: str) -> Person:
    """Let somebody be who a provider means by a subject, from now on; return him.

    Raises:
        RefusedError: He does not log in so, or is bound already.
        ThingNotFoundError: There is no such person.
    """
    found = people.get(connection, actor.tenant, person)
    if found.way is not Way.OIDC or found.is_ready:
        raise RefusedError(f"{person}: does not wait to be named by a provider")
    values: dict[str, object] = {"issuer": issuer, "subject": subject}
    connection.execute(update(PEOPLE).where(*_same(actor.tenant, person)).values(values))
    audit.record(connection, actor, "person.bind", f"person:{person}", values)
    return replace(found, is_ready=True)


def rehash(connection: Connection, found: Person, before: str, hashed: str) -> None:
    """Store the same password under other parameters, if it is still the same."""
    same = (*_same(found.tenant, found.person), PEOPLE.c.password == before)
    connection.execute(update(PEOPLE).where(*same).values(password=hashed))


def _same(tenant: str, person: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return PEOPLE.c.tenant == tenant, PEOPLE.c.person == person
