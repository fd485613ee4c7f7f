"""How people come in and go: by name and password, by a link, and out again."""

import secrets as random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from edge.console import audit
from edge.console.audit import Actor
from edge.console.people import credentials, invitations, passwords, people, sessions
from edge.console.people.errors import NotLetInError
from edge.console.people.passwords import Passwords
from edge.console.people.people import Person, Way
from edge.console.people.refusals import Refusals
from edge.console.people.roles import Role
from edge.console.people.sessions import Session
from edge.console.people.throttle import Throttle
from edge.console.store.database import Database
from edge.errors import InputError, RefusedError

_WRONG: Final = "name or password is wrong"


@dataclass(frozen=True, slots=True)
class Caller:
    """From where somebody comes.

    Attributes:
        address: Of the network.
        browser: What it says that it is.
        secret: That of the session which he has now; empty for none.
    """

    address: str
    browser: str = ""
    secret: str = ""


@dataclass(frozen=True, slots=True)
class Entered:
    """Somebody who has come in, with the secret of his new session."""

    person: Person
    secret: str


class Entrance:
    """The entrance of one console, for the thread of its event loop.

    Attributes:
        now_s: The time, seconds since 1970.

    Args:
        database: Where people are stored.
        passwords: The hashes.
        refusals: The log of failures.
        now_s: The time, seconds since 1970.
        throttle: How often somebody may try.
        noise: Returns so many random bytes in hex.
    """

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        *,
        refusals: Refusals,
        now_s: Callable[[], int],
        throttle: Throttle | None = None,
        noise: Callable[[int], str] = random.token_hex,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._refusals = refusals
        self.now_s = now_s
        self._throttle = throttle or Throttle()
        self._noise = noise

    async def log_in(self, name: str, password: str, caller: Caller) -> Entered:
        """Let somebody in by his password, into a new session; the one that he had ends.

        Raises:
            NotLetInError: There is nobody of that name and password.
            TooOftenError: It was tried too often.
        """
        name = name.strip().lower()
        failures = self._throttle.begin(name, caller.address, self.now_s())
        found = await self._database.read(lambda one: people.anywhere(one, name))
        stored = "" if found is None else found[1]
        is_right = await self._passwords.is_right(stored, password)
        if found is None or not is_right or found[0].is_disabled:
            await self._refusals.tell(
                None if found is None else found[0], address=caller.address, failures=failures
            )
            raise NotLetInError(_WRONG)
        self._throttle.succeeded(name, caller.address)
        renewed = await self._renewed(stored, password)

        def step(connection: Connection) -> Entered:
            person = _still(connection, name, stored)
            if renewed:
                credentials.rehash(connection, person, stored, renewed)
            return self.admit(connection, person, caller, "password")

        return await self._database.write(step)

    async def welcome(
        self, secret: str, name: str, password: str, shown_name: str | None, caller: Caller
    ) -> Entered:
        """Let somebody in by a link, who sets his password.

        Raises:
            NotLetInError: The link does not hold, or is that of another name.
            InputError: The name or the password can not be one.
            TooOftenError: It was tried too often.
        """
        now_s = self.now_s()
        self._throttle.begin("", caller.address, now_s)
        link = await self._database.read(lambda one: invitations.look(one, secret, now_s))
        name = name.strip().lower() or (link.person if link else "")
        if link is None or link.person not in ("", name):
            raise NotLetInError("the link does not hold: it was used, is too old, or is another's")
        self._throttle.succeeded("", caller.address)
        passwords.check(password, name, shown_name or "")
        hashed = await self._passwords.hashed(password)

        def step(connection: Connection) -> Entered:
            if invitations.use(connection, secret, now_s) != link:
                raise NotLetInError("the link was used")
            actor = Actor(link.tenant, people.subject(name), now_s)
            if not link.person:
                people.add(connection, actor, name, Role.ADMIN)
            if shown_name is not None:
                people.rename(connection, actor, name, shown_name)
            credentials.set_password(connection, actor, name, hashed)
            return self.admit(
                connection, people.get(connection, actor.tenant, name), caller, "link"
            )

        return await self._database.write(step)

    async def change_password(self, person: Person, old: str, new: str, caller: Caller) -> Entered:
        """Set another password of somebody who is in; he gets a new session, all others end.

        Raises:
            NotLetInError: The old one is wrong.
            InputError: The new one can not be one.
            RefusedError: He has none.
            TooOftenError: It was tried too often.
        """
        if person.way is not Way.PASSWORD:
            raise RefusedError(f"{person.person} logs in without a password")
        failures = self._throttle.begin(person.person, caller.address, self.now_s())
        found = await self._database.read(lambda one: people.anywhere(one, person.person))
        if found is None or not await self._passwords.is_right(found[1], old):
            await self._refusals.tell(person, address=caller.address, failures=failures)
            raise NotLetInError("the old password is wrong")
        self._throttle.succeeded(person.person, caller.address)
        passwords.check(new, person.person, person.shown_name)
        if new == old:
            raise InputError("password: it is the old one")
        hashed = await self._passwords.hashed(new)
        actor = Actor(person.tenant, people.subject(person.person), self.now_s())

        def step(connection: Connection) -> Entered:
            _still(connection, person.person, found[1])
            credentials.set_password(connection, actor, person.person, hashed)
            return self.admit(connection, person, caller, "password")

        return await self._database.write(step)

    async def log_out(self, session: Session, person: Person) -> None:
        """End a session at once."""
        actor = Actor(person.tenant, people.subject(person.person), self.now_s())

        def step(connection: Connection) -> None:
            sessions.end(connection, person.tenant, session.session)
            audit.record(connection, actor, "session.end", actor.name)

        await self._database.write(step)

    async def is_first(self) -> bool:
        """Whether nobody has come in yet."""
        return await self._database.read(people.is_nobody)

    def admit(self, connection: Connection, person: Person, caller: Caller, way: str) -> Entered:
        """Begin a session of somebody who has shown who he is, and end the one that he had."""
        now_s = self.now_s()
        actor = Actor(person.tenant, people.subject(person.person), now_s)
        if (had := sessions.find(connection, caller.secret, now_s)) is not None:
            sessions.end(connection, had[1].tenant, had[0].session)
        secret = sessions.begin(
            connection,
            person.tenant,
            person.person,
            way=way,
            address=caller.address,
            browser=caller.browser,
            now_s=now_s,
            noise=self._noise,
        )
        people.saw(connection, person, now_s)
        details: dict[str, object] = {"way": way, "address": caller.address}
        audit.record(connection, actor, "session.begin", actor.name, details)
        return Entered(person, secret)

    async def _renewed(self, stored: str, password: str) -> str:
        """Return a hash of today's parameters if the one that is stored has others."""
        return await self._passwords.hashed(password) if self._passwords.is_old(stored) else ""


def _still(connection: Connection, name: str, stored: str) -> Person:
    """Return somebody as he is now, if he can still log in by the same password.

    Raises:
        NotLetInError: He can not.
    """
    found = people.anywhere(connection, name)
    if found is None or found[1] != stored or found[0].is_disabled:
        raise NotLetInError(_WRONG)
    return found[0]
