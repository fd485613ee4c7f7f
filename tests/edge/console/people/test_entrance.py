"""The entrance: as much work for nobody as for somebody, and races that nobody wins."""

import asyncio
from collections.abc import Iterator
from functools import partial

import pytest

from edge.console.audit import Actor
from edge.console.people import credentials, people
from edge.console.people.entrance import Caller, Entrance
from edge.console.people.errors import NotLetInError, TooOftenError
from edge.console.people.passwords import Passwords
from edge.console.people.people import Change, Way
from edge.console.people.refusals import Refusals
from edge.console.people.roles import Role
from edge.console.store.database import Database
from tests.edge.console.people.counted import Counted

ACTOR = Actor("us", "console", 1000)
PASSWORD = "correct horse battery"
CALLER = Caller("192.0.2.7", "a browser")


def now_s() -> int:
    return 1000


@pytest.fixture
def hasher() -> Counted:
    return Counted()


@pytest.fixture
def entrance(database: Database, hasher: Counted) -> Iterator[Entrance]:
    """An entrance with somebody who has a password, and others who can not use one."""
    for name in ("anna", "dora", "ines", "olaf"):
        way = Way.OIDC if name == "olaf" else Way.PASSWORD
        database.write_now(partial(people.add, actor=ACTOR, person=name, role=Role.ADMIN, way=way))
    for name in ("anna", "dora"):
        hashed = f"hash of {PASSWORD}"
        step = partial(credentials.set_password, actor=ACTOR, person=name, hashed=hashed)
        database.write_now(step)
    change = Change(is_disabled=True)
    database.write_now(partial(people.change, actor=ACTOR, person="dora", wanted=change))
    passwords = Passwords(hasher)
    refusals = Refusals(database, "us", now_s)
    yield Entrance(database, passwords, refusals=refusals, now_s=now_s)
    passwords.close()


@pytest.mark.parametrize("name", ["anna", "dora", "ines", "olaf", "nobody", "x" * 130, "", "A B"])
def test_each_name_costs_one_hash_and_gets_the_same_answer(
    entrance: Entrance, hasher: Counted, name: str
) -> None:
    with pytest.raises(NotLetInError, match="name or password is wrong"):
        asyncio.run(entrance.log_in(name, "a wrong password", CALLER))

    assert len(hasher.verified) == 1


@pytest.mark.parametrize("name", ["dora", "ines", "olaf", "nobody"])
def test_who_can_not_log_in_costs_as_much_with_the_right_password(
    entrance: Entrance, hasher: Counted, name: str
) -> None:
    with pytest.raises(NotLetInError, match="name or password is wrong"):
        asyncio.run(entrance.log_in(name, PASSWORD, CALLER))

    assert len(hasher.verified) == 1


def test_of_guesses_at_the_same_time_few_are_looked_at(entrance: Entrance, hasher: Counted) -> None:
    async def guess() -> list[object]:
        tries = (entrance.log_in("anna", f"guess {number}", CALLER) for number in range(50))
        return await asyncio.gather(*tries, return_exceptions=True)

    found = asyncio.run(guess())

    assert [type(one) for one in found].count(TooOftenError) == 45
    assert len(hasher.verified) == 5


def test_logins_at_the_same_time_are_all_let_in(entrance: Entrance) -> None:
    async def enter() -> list[object]:
        callers = (Caller(f"192.0.2.{number}") for number in range(4))
        tries = (entrance.log_in("anna", PASSWORD, one) for one in callers)
        return list(await asyncio.gather(*tries))

    assert len(asyncio.run(enter())) == 4


def test_a_password_that_is_changed_meanwhile_lets_nobody_in(
    entrance: Entrance, database: Database, hasher: Counted
) -> None:
    step = partial(credentials.set_password, actor=ACTOR, person="anna", hashed="hash of another")
    hasher.meanwhile = lambda: database.write_now(step)

    with pytest.raises(NotLetInError):
        asyncio.run(entrance.log_in("anna", PASSWORD, CALLER))


def test_who_is_disabled_meanwhile_is_not_let_in(
    entrance: Entrance, database: Database, hasher: Counted
) -> None:
    database.write_now(partial(people.add, actor=ACTOR, person="root", role=Role.ADMIN))
    bind = partial(credentials.set_password, actor=ACTOR, person="root", hashed="hash of x")
    database.write_now(bind)
    change = Change(is_disabled=True)
    step = partial(people.change, actor=ACTOR, person="anna", wanted=change)
    hasher.meanwhile = lambda: database.write_now(step)

    with pytest.raises(NotLetInError):
        asyncio.run(entrance.log_in("anna", PASSWORD, CALLER))


def test_a_capital_in_the_name_is_the_same_name(entrance: Entrance) -> None:
    assert asyncio.run(entrance.log_in(" Anna ", PASSWORD, CALLER)).person.person == "anna"
