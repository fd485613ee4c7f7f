"""The engine: whatever it hears in whatever order, no board is good that is not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from edge.factory import engine
from edge.factory.engine import Answer, Answered, Event, Failed, Passed, Rule, Run, State
from edge.factory.step_names import ORDER, REQUIRED, OnFailure

RULES = (
    Rule("detect"),
    Rule("identity", retries=1),
    Rule("flash", retries=2, on_failure=OnFailure.ASK),
    Rule("verify"),
    Rule("modem", on_failure=OnFailure.SKIP),
    Rule("register"),
    Rule("label", on_failure=OnFailure.ASK),
)


def events() -> Any:
    names = some.sampled_from([one.name for one in RULES])
    attempts = some.integers(1, 4)
    return some.lists(
        some.one_of(
            some.builds(Passed, names, attempts),
            some.builds(Failed, names, attempts, some.just("why"), some.booleans()),
            some.builds(Answered, names, attempts, some.sampled_from(Answer)),
        ),
        max_size=40,
    )


def fitting(chance: list[int]) -> list[Event]:
    """Return events as they come to a run one after the other, by what a list of numbers says."""
    run, found = engine.begun(RULES), []
    for number in chance:
        if run.is_over or run.rule is None:
            break
        step, attempt = run.rule.name, run.attempt
        event: Event = Passed(step, attempt, {"number": number})
        if run.state is State.ASKING:
            event = Answered(step, attempt, list(Answer)[number % 3])
        elif number % 4 == 0:
            event = Failed(step, attempt, "why", lost=number % 16 == 0)
        found.append(event)
        run = engine.apply(run, event)
    return found


def folded(events: list[Event], run: Run | None = None) -> Run:
    run = run or engine.begun(RULES)
    for event in events:
        run = engine.apply(run, event)
    return run


NUMBERS = some.lists(some.integers(0, 99), max_size=30)


@given(events())
def test_no_board_is_good_without_each_required_step(found: list[Event]) -> None:
    run = folded(found)

    if run.state is State.GOOD:
        assert set(REQUIRED) <= set(run.facts)
        assert not set(REQUIRED) & set(run.skipped)


@given(NUMBERS, some.data())
def test_what_is_repeated_or_late_changes_nothing(chance: list[int], data: Any) -> None:
    found = fitting(chance)
    noisy = [
        one
        for place, event in enumerate(found)
        for one in (
            event,
            *data.draw(some.lists(some.sampled_from(found[: place + 1]), max_size=3)),
        )
    ]

    assert folded(noisy) == folded(found)


@given(NUMBERS, some.integers(0, 30))
def test_a_crash_at_any_point_and_reading_again_gives_the_same(chance: list[int], cut: int) -> None:
    found = fitting(chance)

    again = folded(found, folded(found[:cut]))

    assert again == folded(found)


@given(events())
def test_a_run_that_is_over_stays_so(found: list[Event]) -> None:
    run = folded(found)

    if run.is_over:
        assert folded(found, run) == run
        assert engine.next_step(run) is None


@given(NUMBERS)
def test_a_step_is_done_as_often_as_it_may_be(chance: list[int]) -> None:
    found = fitting(chance)

    for rule in RULES:
        answers = sum(isinstance(one, Answered) and one.step == rule.name for one in found)
        failed = sum(isinstance(one, Failed) and one.step == rule.name for one in found)
        assert failed <= rule.retries + 1 + answers


@pytest.mark.parametrize(
    ("event", "state", "step"),
    [
        pytest.param(Passed("flash", 3), State.WORKING, "verify", id="passed at last"),
        pytest.param(Failed("flash", 3, "why"), State.ASKING, "flash", id="ask"),
        pytest.param(Failed("flash", 3, "why", lost=True), State.FAILED, "flash", id="lost"),
        pytest.param(Passed("flash", 2), State.WORKING, "flash", id="late"),
        pytest.param(Passed("verify", 1), State.WORKING, "flash", id="not its turn"),
    ],
)
def test_the_last_attempt_decides(event: Event, state: State, step: str) -> None:
    run = folded([Passed("detect", 1), Passed("identity", 1)])
    run = folded([Failed("flash", 1, "why"), Failed("flash", 2, "why")], run)

    found = engine.apply(run, event)

    assert (found.state, found.rule and found.rule.name) == (state, step)


def test_a_person_can_not_skip_what_is_required() -> None:
    asked = Run(RULES, State.ASKING, at=2, attempt=3)

    assert engine.apply(asked, Answered("flash", 3, Answer.SKIP)) == asked
    assert engine.apply(asked, Answered("flash", 3, Answer.RETRY)).attempt == 4
    assert engine.apply(asked, Answered("flash", 3, Answer.FAIL)).state is State.FAILED


def test_steps_that_may_be_left_out_are_and_it_is_said() -> None:
    done = [Passed(one, 1) for one in ("detect", "identity", "flash", "verify")]
    run = folded(
        [*done, Failed("modem", 1, "no answer"), Passed("register", 1), Failed("label", 1, "paper")]
    )

    found = engine.apply(run, Answered("label", 1, Answer.SKIP))

    assert (found.state, found.skipped, found.failures) == (State.GOOD, ("modem", "label"), 2)


def test_a_line_without_a_required_step_makes_nothing_good() -> None:
    for missing in REQUIRED:
        rules = tuple(Rule(one) for one in ORDER if one != missing)
        run = engine.begun(rules)
        for rule in rules:
            run = engine.apply(run, Passed(rule.name, 1))

        assert (run.state, run.reason) == (State.FAILED, f"{missing} was never done")
