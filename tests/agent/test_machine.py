"""The table of states: complete, without a trap, and none goes where it must not."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.errors import MachineError
from edge_agent.machine import (
    LIMITS,
    TABLE,
    Event,
    Result,
    State,
    following,
    is_over_limit,
    result_of,
)

STARTED = (Event.STARTED_OLD, Event.STARTED_NEW)
ASKING = (Event.ASKED, Event.POSTPONED)
AT_WORK = [state for state in State if state is not State.IDLE]


def events_of(state: State) -> list[Event]:
    return [event for event in Event if (state, event) in TABLE]


@pytest.mark.parametrize("state", AT_WORK)
def test_every_state_has_a_way_to_idle(state: State) -> None:
    reached, before = {state}, set[State]()
    while reached != before:
        before = set(reached)
        reached |= {following(one, event) for one in before for event in events_of(one)}

    assert State.IDLE in reached


@pytest.mark.parametrize("state", AT_WORK)
@pytest.mark.parametrize("event", STARTED)
def test_a_start_means_something_in_every_state(state: State, event: Event) -> None:
    assert (state, event) in TABLE


def test_only_what_was_checked_is_written() -> None:
    sources = {source for source, target in TABLE.items() if target is State.INSTALLING}

    assert sources == {
        (State.PERMITTING, Event.DONE),
        (State.VERIFYING, Event.REJECTED),
        (State.INSTALLING, Event.STARTED_OLD),
    }


def test_only_what_was_checked_is_asked_about() -> None:
    sources = {source for source, target in TABLE.items() if target is State.PERMITTING}

    assert sources == {
        (State.CHECKING, Event.DONE),
        (State.VERIFYING, Event.NOT_THERE),
        (State.PERMITTING, Event.STARTED_OLD),
    }


def test_only_what_was_written_or_seems_to_be_there_is_read_back() -> None:
    sources = {source for source, target in TABLE.items() if target is State.VERIFYING}

    assert sources == {
        (State.INSTALLING, Event.DONE),
        (State.CHECKING, Event.THERE),
        (State.VERIFYING, Event.STARTED_OLD),
    }


def test_only_what_was_read_back_waits_to_be_started() -> None:
    sources = {source for source, target in TABLE.items() if target is State.WAITING}

    assert sources == {
        (State.VERIFYING, Event.DONE),
        (State.WAITING, Event.STARTED_OLD),
        (State.CONFIRMING, Event.DONE),
    }


def test_only_what_waits_to_be_started_asks_the_user() -> None:
    sources = {source for source, _event in TABLE if following(source, _event) is State.CONFIRMING}

    assert sources == {State.WAITING, State.CONFIRMING}


def test_only_a_trial_is_committed() -> None:
    sources = {source for source, target in TABLE.items() if target is State.COMMITTING}

    assert sources == {(State.TRIAL, Event.DONE), (State.COMMITTING, Event.STARTED_NEW)}


def test_only_a_service_that_proved_itself_is_kept() -> None:
    sources = {source for source, target in TABLE.items() if target is State.KEEPING}

    assert sources == {(State.PROVING, Event.DONE), (State.KEEPING, Event.STARTED_OLD)}


def test_success_is_what_was_committed_or_runs_already() -> None:
    ends = [source for source, target in TABLE.items() if target is State.REPORTING]

    good = {(state, event) for state, event in ends if result_of(state, event) is Result.SUCCEEDED}

    assert good == {
        (State.COMMITTING, Event.DONE),
        (State.KEEPING, Event.DONE),
        (State.CHECKING, Event.NOTHING),
    }


def test_every_action_ends_with_its_report() -> None:
    sources = {source for source, target in TABLE.items() if target is State.IDLE}

    assert sources == {(State.REPORTING, Event.DONE), (State.IDLE, Event.STARTED_OLD)}


@pytest.mark.parametrize("state", LIMITS)
def test_a_state_that_is_entered_too_often_has_an_end(state: State) -> None:
    assert following(state, Event.EXHAUSTED) is State.REPORTING
    assert not is_over_limit(state, LIMITS[state])
    assert is_over_limit(state, LIMITS[state] + 1)


@given(st.lists(st.sampled_from(Event), max_size=60))
def test_no_event_is_lost_it_is_taken_or_refused(events: Sequence[Event]) -> None:
    state = State.IDLE
    for event in events:
        if (state, event) in TABLE:
            state = following(state, event)
            continue
        with pytest.raises(MachineError, match=f"{event} can not happen"):
            following(state, event)


@given(st.data())
def test_whatever_happens_an_action_comes_to_its_end(data: st.DataObject) -> None:
    """With the limits no walk is endless, however often an action is rejected or cut off."""
    state, entered = State.CHECKING, dict.fromkeys(State, 0)
    for _step in range(2000):
        if state is State.IDLE:
            return
        loops = [event for event in events_of(state) if event in STARTED]
        # The user may postpone for ever, and so may the programs of the image: that is no trap.
        ends = [event for event in events_of(state) if event not in (*STARTED, *ASKING)]
        # A trial that is cut off for ever is ended by the boot script: its tries are used up.
        event = data.draw(st.sampled_from(ends or [Event.STARTED_OLD]))
        if state in LIMITS and loops and data.draw(st.booleans()):
            event = loops[0]
        state = following(state, event)
        entered[state] += 1
        if is_over_limit(state, entered[state]):
            state = following(state, Event.EXHAUSTED)
    pytest.fail(f"no end, in state {state}")
