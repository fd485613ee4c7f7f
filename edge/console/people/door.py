"""The door for people: it knows who is logged in by the cookie of his session."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from edge.console.audit import Actor
from edge.console.people import people, sessions
from edge.console.people.people import Person
from edge.console.people.sessions import SEEN_EVERY_S, Session
from edge.console.store.database import Database
from edge.console.visitor import Visitor

# The prefix: no other host and no page without TLS can set it (RFC 6265bis §4.1.3.2).
COOKIE: Final = "__Host-edge-session"
_SECRET: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Inside:
    """Somebody who is logged in."""

    person: Person
    session: Session
    visitor: Visitor


class PeopleDoor:
    """`edge.console.visitor.Door` of the people in a database."""

    def __init__(self, database: Database, now_s: Callable[[], int]) -> None:
        self._database = database
        self._now_s = now_s

    async def visitor(self, request: web.Request) -> Visitor | None:
        """Return the person who is logged in, None if nobody is."""
        found = await self.inside(request)
        return None if found is None else found.visitor

    async def inside(self, request: web.Request) -> Inside | None:
        """Return who is logged in with his session, None if nobody is."""
        secret, now_s = secret_of(request), self._now_s()
        if not secret:
            return None
        found = await self._database.read(lambda one: sessions.find(one, secret, now_s))
        if found is None:
            return None
        session, person = found[0], people.of_row(found[1])
        if now_s - session.seen_at_s >= SEEN_EVERY_S:
            await self._database.write(
                lambda one: sessions.saw(one, person.tenant, session.session, now_s)
            )
        visitor = Visitor(
            Actor(person.tenant, people.subject(person.person), now_s),
            person.person,
            person.scopes,
            person.groups,
            sessions.own_page(secret),
        )
        return Inside(person, session, visitor)


def secret_of(request: web.Request) -> str:
    """Return the secret of the session that a browser sends, empty for none."""
    said = request.cookies.get(COOKIE, "")
    return said if _SECRET.fullmatch(said) else ""
