"""What simulated devices do, by kind and seed."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.console.simulate.behaviour import IMAGE_BYTES, Kind, Step, kinds, read_mix, steps
from edge.errors import InputError
from edge_agent.machine import Result

seeds = st.integers(0, 10_000)


def _steps(kind: Kind, seed: int) -> list[Step]:
    return list(steps(kind, Random(seed)))


@given(st.sampled_from([Kind.OK, Kind.FLAPPING, Kind.SLOW]), seeds)
def test_an_update_that_succeeds_restarts_once_and_ends(kind: Kind, seed: int) -> None:
    found = _steps(kind, seed)

    assert sum(step.is_restart for step in found) == 1
    assert [step.result for step in found if step.result] == [Result.SUCCEEDED]
    assert max(step.done_bytes for step in found) == IMAGE_BYTES


@given(seeds)
def test_one_that_fails_ends_with_a_reason(seed: int) -> None:
    last = _steps(Kind.FAILS, seed)[-1]

    assert last.result is Result.FAILED
    assert last.reason


def test_failures_are_of_all_sorts() -> None:
    assert len({_steps(Kind.FAILS, seed)[-1].reason for seed in range(50)}) == 4


@given(seeds)
def test_a_silent_one_ends_with_its_restart(seed: int) -> None:
    found = _steps(Kind.SILENT, seed)

    assert found[-1].is_restart
    assert not any(step.result for step in found)


@given(seeds)
def test_only_a_flapping_one_loses_its_link(seed: int) -> None:
    assert not any(step.is_break for step in _steps(Kind.OK, seed))


def test_a_flapping_one_loses_its_link() -> None:
    assert sum(step.is_break for seed in range(20) for step in _steps(Kind.FLAPPING, seed)) > 40


@given(seeds)
def test_a_slow_one_takes_longer(seed: int) -> None:
    quick, slow = (sum(step.after_s for step in _steps(k, seed)) for k in (Kind.OK, Kind.SLOW))

    assert slow == pytest.approx(10 * quick)


@given(st.sampled_from(list(Kind)), seeds)
def test_the_same_seed_does_the_same(kind: Kind, seed: int) -> None:
    assert _steps(kind, seed) == _steps(kind, seed)


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


@pytest.mark.parametrize(
    ("text", "said"), [("ok", "no share"), ("silnt=1", "no behaviour"), ("ok=0", "no device")]
)
def test_a_mix_that_is_none_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_mix(text)
