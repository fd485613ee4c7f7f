"""Which passwords are taken, and that as much is done for names that nobody has."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from argon2 import PasswordHasher

from edge.console.people import passwords
from edge.console.people.passwords import Passwords
from edge.errors import InputError
from tests.edge.console.people.counted import Counted
from tests.fakes.console import CHEAP


@pytest.fixture
def cheap() -> Iterator[Passwords]:
    one = Passwords(CHEAP)
    yield one
    one.close()


def run(coroutine: Any) -> Any:
    return asyncio.run(coroutine)


def test_a_password_is_right_and_no_other_is(cheap: Passwords) -> None:
    stored = run(cheap.hashed("correct horse battery"))

    assert run(cheap.is_right(stored, "correct horse battery"))
    assert not run(cheap.is_right(stored, "correct horse batterz"))
    assert stored.startswith("$argon2id$")


def test_the_same_letters_typed_otherwise_are_the_same_password(cheap: Passwords) -> None:
    stored = run(cheap.hashed("pa\u0308ssword of it"))

    assert run(cheap.is_right(stored, "p\u00e4ssword of it"))


@pytest.mark.parametrize("stored", ["", "nonsense", "$argon2id$v=19$m=8,t=1,p=1$YQ$YQ"])
def test_nothing_opens_what_is_no_hash(cheap: Passwords, stored: str) -> None:
    assert not run(cheap.is_right(stored, "the password of nobody"))


def test_as_many_hashes_are_made_for_nobody_as_for_somebody() -> None:
    hasher = Counted()
    one = Passwords(hasher)

    somebody = run(one.is_right("hash of a", "b"))
    nobody = run(one.is_right("", "b"))
    one.close()

    assert (somebody, nobody) == (False, False)
    assert hasher.verified == ["hash of a", "hash of the password of nobody"]


def test_the_usual_parameters_are_those_of_the_recommendation() -> None:
    usual = PasswordHasher()

    assert (usual.type.name, usual.time_cost, usual.memory_cost) == ("ID", 3, 64 << 10)


@pytest.mark.parametrize(
    "password",
    ["", "eleven char", "x" * 201, "abababababababab", "Quentin.Quartermaine", "Q  Uartermaine"],
)
def test_too_easy_a_password_is_refused(password: str) -> None:
    with pytest.raises(InputError):
        passwords.check(password, "quentin.quartermaine", "q  uartermaine")


@pytest.mark.parametrize("password", ["twelve chars", "пароль длинный", "x1234" * 40])
def test_length_is_all_that_is_asked_else(password: str) -> None:
    passwords.check(password, "anna")
