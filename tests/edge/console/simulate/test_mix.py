"""How many devices behave how."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.console.simulate.behaviour import Kind
from edge.console.simulate.fleet import read_services
from edge.console.simulate.mix import kinds, read_faults, read_mix
from edge.errors import InputError

seeds = st.integers(0, 10_000)


@given(st.integers(1, 500), st.dictionaries(st.sampled_from(list(Kind)), st.integers(1, 99)), seeds)
def test_each_kind_has_its_share(count: int, shares: dict[Kind, int], seed: int) -> None:
    shares = shares or {Kind.OK: 1}

    found = Counter(kinds(count, shares, Random(seed)))

    total = sum(shares.values())
    assert sum(found.values()) == count
    assert all(abs(found[kind] - count * share / total) < 1 for kind, share in shares.items())


def test_kinds_are_mixed_by_the_seed() -> None:
    shares = {Kind.OK: 1, Kind.FAILS: 1}
    one, same, other = (kinds(100, shares, Random(seed)) for seed in (1, 1, 2))

    assert one == same != other


def test_a_mix_is_read() -> None:
    assert read_mix("ok=90, fails=10") == {Kind.OK: 90, Kind.FAILS: 10}


def test_faults_are_percents_and_all_others_are_ok() -> None:
    found = read_faults("fails=8%, slow=0.5%,silent=1")

    assert found == {Kind.OK: 9050, Kind.FAILS: 800, Kind.SLOW: 50, Kind.SILENT: 100}
    assert Counter(kinds(1000, found, Random(1)))[Kind.SLOW] == 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ok", "no share"),
        ("silnt=1", "no behaviour"),
        ("ok=0", "no device"),
        ("ok=1,ok=2", "said twice"),
    ],
)
def test_a_mix_that_is_none_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_mix(text)


@pytest.mark.parametrize("text", ["fails=60%,slow=60%", "ok=5%", "fails", "fails=-1%", "flap=1%"])
def test_faults_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        read_faults(text)


def test_services_are_read_by_their_names() -> None:
    assert read_services(["web+1.0", "db+2"]) == {"web": "web+1.0", "db": "db+2"}


@pytest.mark.parametrize("texts", [["web"], ["web+"], ["+1"], ["a b+1"], ["web+1", "web+2"]])
def test_what_is_no_version_of_a_service_is_refused(texts: list[str]) -> None:
    with pytest.raises(InputError):
        read_services(texts)
