"""The order of versions."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.console.filters.versions import key

IN_ORDER = (
    "0.9",
    "1.0-dev",
    "1.0-alpha",
    "1.0a2",
    "1.0-beta.2",
    "1.0-beta.10",
    "1.0-rc1",
    "1.0-rc.2",
    "1.0",
    "1.0-5-gabc",
    "1.0.1",
    "1.0.2",
    "1.0.2k",
    "1.0.3",
    "1.9",
    "1.10",
    "1.10+build3",
    "1.10.1",
    "2",
    "2026-11-09",
    "2026-11-24",
    "10.0",
)


def test_versions_sort_as_people_mean_them() -> None:
    rank = {"2026-11-09": 2026, "2026-11-24": 2026}
    known = [one for one in IN_ORDER if one not in rank]

    assert [a for a, b in pairwise(known) if not key(a) < key(b)] == []
    assert key("2026-11-09") < key("2026-11-24")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.2", "1.2.0"),
        ("1.2", "v1.2"),
        ("1.2.0-rc1", "1.2-rc.1"),
        ("1.02", "1.2"),
        ("1.2-RC1", "1.2-rc1"),
        ("1.0-5", "1.0.0-5"),
    ],
)
def test_some_are_the_same(one: str, other: str) -> None:
    assert key(one) == key(other)


@given(st.lists(st.integers(0, 10**30), min_size=1, max_size=6), st.data())
def test_numbers_count_as_numbers(numbers: list[int], data: st.DataObject) -> None:
    others = data.draw(st.lists(st.integers(0, 10**30), min_size=1, max_size=6))
    width = max(len(numbers), len(others))

    expected = [*numbers, *[0] * (width - len(numbers))] < [*others, *[0] * (width - len(others))]

    one, other = (".".join(map(str, each)) for each in (numbers, others))
    assert (key(one) < key(other)) == expected


def test_an_empty_one_is_before_all() -> None:
    assert key("") < key("0") == key("0.0")
