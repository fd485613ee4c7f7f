"""Sessions of people: a secret in the browser, its digest here, and two ends."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, or_, select, update

from edge.console.store.people_tables import PEOPLE, SESSIONS

IDLE_S: Final = 8 * 3600
WHOLE_S: Final = 7 * 86400
MOST: Final = 50  # of one person; the oldest goes
SEEN_EVERY_S: Final = 60
_ID_BYTES: Final = 8
_SECRET_BYTES: Final = 32
_BROWSER_MOST: Final = 200
_PAGE: Final = b"edge: what the page of this session sends"


@dataclass(frozen=True, slots=True)
class Session:
    """A browser in which somebody is logged in.

    Attributes:
        session: Its id, which is no secret.
        way: How he came in: `password`, `link` or `oidc`.
        address: From where.
        browser: What it says that it is.
    """

    session: str
    person: str
    way: str
    address: str
    browser: str
    created_at_s: int
    seen_at_s: int


def begin(
    connection: Connection,
    tenant: str,
    person: str,
    *,
    way: str,
    address: str,
    browser: str,
    now_s: int,
    noise: Callable[[int], str],
) -> str:
    """Begin a session, and return its secret, which is stored nowhere.

    Args:
        connection: Of the transaction.
        tenant: Whose.
        person: His name.
        way: How he came in.
        address: From where.
        browser: What it says that it is.
        now_s: The time, seconds since 1970.
        noise: Returns so many random bytes in hex.
    """
    _sweep(connection, tenant, person, now_s)
    secret = noise(_SECRET_BYTES)
    connection.execute(
        insert(SESSIONS).values(
            tenant=tenant,
            session=noise(_ID_BYTES),
            person=person,
            digest=digest(secret),
            way=way,
            address=address,
            browser="".join(one for one in browser if one.isprintable())[:_BROWSER_MOST],
            created_at_s=now_s,
            seen_at_s=now_s,
        )
    )
    return secret


def find(connection: Connection, secret: str, now_s: int) -> tuple[Session, Row[Any]] | None:
    """Return the session of a secret with the row of its person; None if there is none that holds.

    That of somebody who is disabled does not.
    """
    asked = select(SESSIONS).where(SESSIONS.c.digest == digest(secret), _holds(now_s))
    row = connection.execute(asked).first()
    if row is None:
        return None
    same = (PEOPLE.c.tenant == row.tenant, PEOPLE.c.person == row.person)
    let_in = select(PEOPLE).where(*same, PEOPLE.c.is_disabled.is_(False))
    person = connection.execute(let_in).first()
    return None if person is None else (_session(row), person)


def saw(connection: Connection, tenant: str, session: str, now_s: int) -> None:
    """Store that a session is used."""
    same = (*_same(tenant, session), SESSIONS.c.seen_at_s < now_s)
    connection.execute(update(SESSIONS).where(*same).values(seen_at_s=now_s))


def of_person(connection: Connection, tenant: str, person: str, now_s: int) -> list[Session]:
    """Return the sessions of somebody that hold, newest first."""
    same = (SESSIONS.c.tenant == tenant, SESSIONS.c.person == person, _holds(now_s))
    asked = select(SESSIONS).where(*same)
    newest = asked.order_by(SESSIONS.c.created_at_s.desc(), SESSIONS.c.session)
    return [_session(row) for row in connection.execute(newest)]


def end(connection: Connection, tenant: str, session: str) -> None:
    """End a session at once."""
    connection.execute(delete(SESSIONS).where(*_same(tenant, session)))


def end_all(connection: Connection, tenant: str, person: str) -> int:
    """End all sessions of somebody at once; return how many there were."""
    same = (SESSIONS.c.tenant == tenant, SESSIONS.c.person == person)
    return connection.execute(delete(SESSIONS).where(*same)).rowcount


def own_page(secret: str) -> str:
    """Return what the page of a session sends with each act.

    Only who has the secret can make it: the database can not.
    """
    return hmac.new(secret.encode(), _PAGE, hashlib.sha256).hexdigest()


def digest(secret: str) -> str:
    """Return what is stored of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _holds(now_s: int) -> ColumnElement[bool]:
    return and_(SESSIONS.c.seen_at_s > now_s - IDLE_S, SESSIONS.c.created_at_s > now_s - WHOLE_S)


def _sweep(connection: Connection, tenant: str, person: str, now_s: int) -> None:
    ended = or_(SESSIONS.c.seen_at_s <= now_s - IDLE_S, SESSIONS.c.created_at_s <= now_s - WHOLE_S)
    connection.execute(delete(SESSIONS).where(SESSIONS.c.tenant == tenant, ended))
    kept = of_person(connection, tenant, person, now_s)
    for one in kept[MOST - 1 :]:
        end(connection, tenant, one.session)


def _same(tenant: str, session: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return SESSIONS.c.tenant == tenant, SESSIONS.c.session == session


def _session(row: Row[Any]) -> Session:
    return Session(
        row.session,
        row.person,
        row.way,
        row.address,
        row.browser,
        row.created_at_s,
        row.seen_at_s,
    )
