"""What happens to one board: a fold over its events, by one table.

The rule: an event that is not of the step and attempt under way changes nothing, so that repeating
or reordering what was heard, and reading a ledger again, all give the same. A board is good only
when every required step has passed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final, TypeAlias

from edge.factory.step_names import REQUIRED, OnFailure


class State(StrEnum):
    """Where a run stands: it works at a step, asks a person about one, or is over."""

    WORKING = "working"
    ASKING = "asking"
    GOOD = "good"
    FAILED = "failed"


class Answer(StrEnum):
    """What a person says to a step that failed."""

    RETRY = "retry"
    SKIP = "skip"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Rule:
    """A step, as the engine knows it."""

    name: str
    retries: int = 0
    on_failure: OnFailure = OnFailure.STOP


@dataclass(frozen=True, slots=True)
class Passed:
    """A step went well; `details` is what it found."""

    step: str
    attempt: int
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """A step did not; `lost` if the board is gone or another one, so that no retry helps."""

    step: str
    attempt: int
    reason: str
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """A person has decided."""

    step: str
    attempt: int
    answer: Answer


Event: TypeAlias = Passed | Failed | Answered


@dataclass(frozen=True, slots=True)
class Run:
    """One board on its way through the steps.

    Attributes:
        rules: The steps.
        state: Where it stands.
        at: The place of the step under way among the rules.
        attempt: Of that step, counts from 1.
        facts: What each passed step found, by name.
        skipped: Steps that failed and were left out.
        failures: How often any step failed.
        reason: Why it failed; of a run that asks: why the step did.
    """

    rules: tuple[Rule, ...]
    state: State = State.WORKING
    at: int = 0
    attempt: int = 1
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()
    failures: int = 0
    reason: str = ""

    @property
    def rule(self) -> Rule | None:
        """The step under way, or the one that failed; None when all are done."""
        return self.rules[self.at] if self.at < len(self.rules) else None

    @property
    def is_over(self) -> bool:
        """Whether nothing can change it any more."""
        return self.state in (State.GOOD, State.FAILED)


def begun(rules: tuple[Rule, ...]) -> Run:
    """Return the run of a board that was just plugged in."""
    return _settled(Run(rules))


def next_step(run: Run) -> Rule | None:
    """Return the step that is due; None when a person is asked, or it is over."""
    return run.rule if run.state is State.WORKING else None


def apply(run: Run, event: Event) -> Run:
    """Return the run after an event."""
    rule = run.rule
    if rule is None or (event.step, event.attempt) != (rule.name, run.attempt):
        return run
    change = _TABLE.get((run.state, _kind(event)))
    return run if change is None else change(run, event)


def _kind(event: Event) -> str:
    match event:
        case Passed():
            return "passed"
        case Failed(lost=True):
            return "lost"
        case Failed():
            return "failed"
        case Answered(answer=answer):
            return answer.value


def _onwards(run: Run, event: Any) -> Run:
    facts = {**run.facts, event.step: dict(event.details)}
    return _settled(replace(run, at=run.at + 1, attempt=1, facts=facts, reason=""))


def _once_more(run: Run, _event: Any) -> Run:
    return replace(run, state=State.WORKING, attempt=run.attempt + 1, reason="")


def _left_out(run: Run, event: Any) -> Run:
    if event.step in REQUIRED:
        return run
    skipped = (*run.skipped, event.step)
    following = replace(
        run, state=State.WORKING, at=run.at + 1, attempt=1, skipped=skipped, reason=""
    )
    return _settled(following)


def _given_up(run: Run, event: Any) -> Run:
    reason = getattr(event, "reason", run.reason)
    return replace(run, state=State.FAILED, failures=run.failures + 1, reason=reason)


def _ended(run: Run, _event: Any) -> Run:
    return replace(run, state=State.FAILED)


def _failed(run: Run, event: Any) -> Run:
    rule = run.rules[run.at]
    if run.attempt <= rule.retries:
        return _once_more(replace(run, failures=run.failures + 1), event)
    match rule.on_failure:
        case OnFailure.STOP:
            return _given_up(run, event)
        case OnFailure.SKIP:
            return _left_out(replace(run, failures=run.failures + 1), event)
        case OnFailure.ASK:
            return replace(run, state=State.ASKING, failures=run.failures + 1, reason=event.reason)


def _settled(run: Run) -> Run:
    """Return a run that is over if no step is left: good if all that has to be has passed."""
    if run.at < len(run.rules):
        return run
    missing = [name for name in REQUIRED if name not in run.facts]
    if missing:
        return replace(run, state=State.FAILED, reason=f"{missing[0]} was never done")
    return replace(run, state=State.GOOD)


_TABLE: Final[Mapping[tuple[State, str], Callable[[Run, Any], Run]]] = {
    (State.WORKING, "passed"): _onwards,
    (State.WORKING, "failed"): _failed,
    (State.WORKING, "lost"): _given_up,
    (State.ASKING, "retry"): _once_more,
    (State.ASKING, "skip"): _left_out,
    (State.ASKING, "fail"): _ended,
    (State.ASKING, "lost"): _given_up,
}
