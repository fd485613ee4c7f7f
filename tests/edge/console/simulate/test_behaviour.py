"""What simulated devices do, by kind and seed; and that it is what the agent does."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.console.simulate.behaviour import IMAGE_BYTES, Errand, Kind, Step, steps
from edge_agent.machine import TABLE, Result, State
from edge_agent.parts import Checked
from edge_signing.messages import Status
from tests.agent.driver.bench import Bench, until
from tests.agent.driver.test_going_back import SECOND
from tests.agent.power.system import System

seeds = st.integers(0, 10_000)
kinds = st.sampled_from(list(Kind))
errands = st.sampled_from(list(Errand))
FOLLOWING = {(state, after) for (state, _event), after in TABLE.items()}


def _steps(kind: Kind, seed: int, errand: Errand = Errand.UPDATE) -> list[Step]:
    return list(steps(kind, Random(seed), errand))


def _phases(found: list[Step] | list[Status]) -> list[str]:
    """Return the states of an order, those that follow themselves once."""
    said = [str(one.state if isinstance(one, Step) else one.phase) for one in found]
    return [one for at, one in enumerate(said) if at == 0 or said[at - 1] != one]


@given(kind=kinds, seed=seeds, errand=errands, in_place=st.booleans())
def test_each_step_follows_by_the_table_of_the_agent(
    kind: Kind, seed: int, errand: Errand, *, in_place: bool
) -> None:
    found = list(steps(kind, Random(seed), errand, in_place=in_place))

    states = [State.IDLE, *(one.state for one in found)]
    assert all(
        before is after or (before, after) in FOLLOWING for before, after in pairwise(states)
    )
    ends = [one for one in found if one.result is not None or one.is_last_word]
    assert ends == found[-1:]
    assert not in_place or not any(one.is_restart for one in found)


@given(st.sampled_from([Kind.OK, Kind.FLAPPING, Kind.SLOW, Kind.LATE]), seeds)
def test_an_update_that_succeeds_restarts_once_and_ends(kind: Kind, seed: int) -> None:
    found = _steps(kind, seed)

    assert sum(step.is_restart for step in found) == 1
    assert [step.result for step in found if step.result] == [Result.SUCCEEDED]
    assert max(step.done_bytes for step in found) == IMAGE_BYTES


@given(seeds, st.sampled_from([Errand.BACK, Errand.NOTHING]))
def test_what_is_there_already_is_not_fetched(seed: int, errand: Errand) -> None:
    assert not any(step.done_bytes for step in _steps(Kind.OK, seed, errand))


@given(seeds)
def test_one_that_fails_ends_with_a_reason_and_in_the_slot_that_it_ran(seed: int) -> None:
    found = _steps(Kind.FAILS, seed)

    assert found[-1].result is Result.FAILED
    assert found[-1].reason
    assert sum(step.is_other_slot for step in found) in (0, 2)


def test_failures_are_of_all_sorts() -> None:
    assert len({_steps(Kind.FAILS, seed)[-1].reason for seed in range(99)}) == 7


@given(seeds)
def test_only_a_flapping_one_loses_its_link(seed: int) -> None:
    assert not any(step.is_break for step in _steps(Kind.OK, seed))


def test_a_flapping_one_loses_its_link() -> None:
    assert sum(step.is_break for seed in range(20) for step in _steps(Kind.FLAPPING, seed)) > 40


@given(seeds)
def test_a_slow_one_takes_longer_and_a_late_one_is_away(seed: int) -> None:
    quick, slow = (sum(step.after_s for step in _steps(k, seed)) for k in (Kind.OK, Kind.SLOW))

    assert slow == pytest.approx(10 * quick)
    assert [one.away_s for one in _steps(Kind.LATE, seed) if one.away_s] == [1800]


@given(kinds, seeds, errands)
def test_the_same_seed_does_the_same(kind: Kind, seed: int, errand: Errand) -> None:
    assert _steps(kind, seed, errand) == _steps(kind, seed, errand)


@pytest.fixture
def agent() -> Bench:
    return Bench(System.make("1", 3), System.make("2", 5))


def test_an_update_and_the_way_back_are_told_as_the_agent_tells_them(agent: Bench) -> None:
    agent.run()
    update, agent.link.states[:] = agent.link.states[1:-1], []
    agent.link.order = SECOND
    agent.source.checked = Checked(agent.old.release)
    agent.heard.clear()
    agent.run()
    back = agent.link.states[1:-1]

    assert _phases(update) == _phases(_steps(Kind.OK, 1))
    assert _phases(back) == _phases(_steps(Kind.OK, 1, Errand.BACK))
    assert not any(one.done_bytes for one in back)


def test_a_failed_trial_is_told_as_the_agent_tells_it(agent: Bench) -> None:
    running = agent.start()
    until(running, lambda: running.record.state is State.REBOOTING)
    until(running, lambda: False)
    agent.probe.ready = False
    running = agent.start()
    until(running, lambda: running.record.state is State.REVERTING)
    until(running, lambda: False)
    agent.probe.ready = True
    agent.run()
    update = agent.link.states[1:-1]

    plays = (_steps(Kind.FAILS, seed) for seed in range(99))
    found = next(one for one in plays if one[-1].is_other_slot)

    assert _phases(update) == _phases(found)
    assert agent.heard[-1].kind == found[-1].result
