"""Who guesses waits; who is guessed at does not."""

import sys
from itertools import pairwise

import pytest

from edge.console.people import throttle as module
from edge.console.people.errors import TooOftenError
from edge.console.people.throttle import Bounds, Throttle, prefix

HOME, AWAY = "192.0.2.7", "203.0.113.9"
FEW = Bounds(free=3, address_free=6, burst=10, per_s=0.5)


def attempts(one: Throttle, name: str, address: str, *, until_s: int) -> list[int]:
    """Return when attempts are looked at, if somebody tries each second."""
    found = []
    for now_s in range(1, until_s):
        try:
            one.begin(name, address, now_s)
        except TooOftenError:
            continue
        found.append(now_s)
    return found


def test_waits_grow_twofold_up_to_a_quarter_of_an_hour() -> None:
    found = attempts(Throttle(), "anna", AWAY, until_s=10_000)

    waits = [after - before for before, after in pairwise(found)]
    assert waits[:10] == [1, 1, 1, 1, 1, 2, 4, 8, 16, 32]
    assert set(waits[-5:]) == {900}
    assert len(found) < 25


def test_what_waits_is_told_how_long() -> None:
    one = Throttle(FEW)
    for now_s in (1, 1, 1):
        one.begin("anna", AWAY, now_s)

    with pytest.raises(TooOftenError) as told:
        one.begin("anna", AWAY, 1)

    assert told.value.wait_s == 1
    one.begin("anna", AWAY, 2)


def test_one_password_is_not_tried_with_many_names() -> None:
    one = Throttle(FEW)
    for number in range(6):
        one.begin(f"name-{number}", AWAY, 1)

    with pytest.raises(TooOftenError):
        one.begin("name-6", AWAY, 1)


def test_one_name_is_not_tried_from_everywhere_at_once() -> None:
    one = Throttle(FEW)
    found = 0

    for number in range(1000):
        try:
            one.begin("anna", f"198.51.{number // 250}.{number % 250}", 1 + number // 100)
        except TooOftenError:
            continue
        found += 1

    assert found <= FEW.burst + 10 * FEW.per_s


def test_nobody_elsewhere_shuts_out_who_was_here_before() -> None:
    one = Throttle(FEW)
    one.begin("anna", HOME, 1)
    one.succeeded("anna", HOME)

    for number in range(1000):
        for name, address in (("anna", f"198.51.{number // 250}.{number % 250}"), ("eve", HOME)):
            try:
                one.begin(name, address, 2)
            except TooOftenError:
                continue

    one.begin("anna", HOME, 2)


def test_who_is_new_here_gets_in_after_a_while_however_many_try_elsewhere() -> None:
    one = Throttle(FEW)
    attempts(one, "anna", AWAY, until_s=5000)

    one.begin("anna", HOME, 5000)


def test_a_success_makes_up_for_failures_of_the_name_alone() -> None:
    one = Throttle(FEW)
    for now_s in range(1, 6):
        one.begin("eve", HOME, now_s)
        one.succeeded("eve", HOME)
    for number in range(6):
        one.begin(f"name-{number}", HOME, 6)

    with pytest.raises(TooOftenError):
        one.begin("name-7", HOME, 6)


def test_attempts_at_the_same_time_are_counted_before_they_end() -> None:
    one = Throttle(FEW)
    looked_at = 0

    for _number in range(50):
        try:
            one.begin("anna", AWAY, 1)
        except TooOftenError:
            continue
        looked_at += 1

    assert looked_at == FEW.free


def test_it_forgets_after_a_day() -> None:
    one = Throttle(FEW)
    for now_s in (1, 1, 1):
        one.begin("anna", AWAY, now_s)

    for now_s in (90_000, 90_000, 90_000):
        one.begin("anna", AWAY, now_s)


def test_it_takes_no_more_memory_however_many_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KEPT_MOST", 50)
    one = Throttle(Bounds(burst=10_000))
    for number in range(2000):
        one.begin(f"{number}" * 200, f"198.{number % 200}.{number // 200}.1", 1)
        one.succeeded(f"{number}", AWAY)
        one.begin(f"{number}", f"198.{number % 200}.{number // 200}.1", 1)

    kept = (one._pairs._counts, one._places._counts, one._known)
    assert [len(found) for found in kept] == [50, 50, 50]
    assert all(len(name) <= 130 for name, _place in one._pairs._counts)
    assert sys.getsizeof(one._known) < 20_000


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/56"),
        ("2001:db8:1:ff:ffff::1", "2001:db8:1::/56"),
        ("fe80::1%eth0", "fe80::/56"),
        ("", ""),
        ("nonsense", "nonsense"),
    ],
)
def test_addresses_of_one_network_are_one(address: str, wanted: str) -> None:
    assert prefix(address) == wanted
