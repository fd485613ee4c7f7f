"""One board at one port, from its first step to its last: all is written down, then told."""

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from edge.errors import EdgeError, LinkError, ThingNotFoundError
from edge.factory import engine
from edge.factory.attempt import HungError, Patience
from edge.factory.engine import Answer, Answered, Event, Failed, Passed, Rule, Run, State
from edge.factory.entry import Kind, Said
from edge.factory.events import Light, PortEvent
from edge.factory.ledger import Ledger
from edge.factory.ports import Seen
from edge.factory.records import FAILED, GOOD
from edge.factory.steps.step import Job, Step, StepStoppedError

STOPPED: Final = "the station was stopped"
PULLED: Final = "the board is gone"
_LOOK_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Place:
    """What all workers of a station share.

    Attributes:
        ledger: Where all is written.
        steps: What is done, by name.
        rules: The steps in their order.
        timeouts_s: How long each may take.
        told: Who is told of a port.
        is_there: Returns whether a board is still at its port.
        patience: How long a step is waited for, and whether the station stops.
        is_alone: Set when nobody answers any more.
    """

    ledger: Ledger
    steps: Mapping[str, Step]
    rules: tuple[Rule, ...]
    timeouts_s: Mapping[str, float]
    told: Callable[[PortEvent], None]
    is_there: Callable[[str, Seen], bool]
    patience: Patience
    is_alone: threading.Event = field(default_factory=threading.Event)


@dataclass(slots=True)
class Worker:
    """One run.

    Attributes:
        place: The station.
        unit: Its name.
        device: Its id; of a golden sample none.
        port: Where the board is.
        seen: What it is.
        order: Scanned or given.
        operator: Who stands there.
        answers: What a person says to a step that failed.
        run: How it stands.
        hung: A step that never ended: the port can not be used before it does.
        is_recorded: Whether its end is in the ledger; before that nobody is told of it.
    """

    place: Place
    unit: str
    device: str
    port: str
    seen: Seen
    order: str
    operator: str
    answers: "queue.SimpleQueue[Answer]" = field(default_factory=queue.SimpleQueue)
    run: Run = field(init=False)
    hung: threading.Thread | None = None
    is_recorded: bool = False
    _kept: dict[str, Any] = field(default_factory=dict, repr=False)
    _begun_s: float = 0.0

    def __post_init__(self) -> None:
        self.run = engine.begun(self.place.rules)

    @property
    def is_asking(self) -> bool:
        """Whether it waits for a person."""
        return self.run.state is State.ASKING

    def begin(self) -> None:
        """Write down that the run has begun, and with it the id as given.

        Raises:
            EdgeError: The ledger takes no more.
        """
        self._begun_s = self.place.patience.clock_s()
        details = {"board_serial": self.seen.serial, "what": self.seen.what, "order": self.order}
        self._say(Kind.START, details)

    def work(self) -> Run:
        """Take the board through its steps, and return how it ended.

        Raises:
            EdgeError: The ledger takes no more.
        """
        while not self.run.is_over:
            rule = engine.next_step(self.run)
            event = self._asked() if rule is None else self._attempted(rule)
            self.run = engine.apply(self.run, event)
        self._kept.clear()
        self._end()
        self.is_recorded = True
        return self.run

    def _attempted(self, rule: Rule) -> Event:
        attempt, begun_s = self.run.attempt, self.place.patience.clock_s()
        self._tell(Light.WORKING, rule.name)
        event = self._outcome(rule, attempt)
        took_ms = round(1000 * (self.place.patience.clock_s() - begun_s))
        self._say(Kind.STEP, {**_details(event), "took_ms": took_ms})
        return event

    def _outcome(self, rule: Rule, attempt: int) -> Event:
        if self.place.patience.stop.is_set():
            return Failed(rule.name, attempt, STOPPED, lost=True)
        if not self.place.is_there(self.port, self.seen):
            return Failed(rule.name, attempt, PULLED, lost=True)
        try:
            found = self._done(rule)
        except StepStoppedError:
            return Failed(rule.name, attempt, STOPPED, lost=True)
        except HungError as error:
            self.hung = error.thread
            return Failed(rule.name, attempt, str(error), lost=True)
        except EdgeError as error:
            return self._failed(rule, attempt, error)
        return Passed(rule.name, attempt, found)

    def _failed(self, rule: Rule, attempt: int, error: EdgeError) -> Failed:
        first, *more = str(error).splitlines() or [type(error).__name__]
        reason = f"{first} ({more[-1].strip()})" if more else first
        is_lost = isinstance(error, LinkError | ThingNotFoundError) and not self.place.is_there(
            self.port, self.seen
        )
        return Failed(rule.name, attempt, reason[:500], lost=is_lost)

    def _done(self, rule: Rule) -> Mapping[str, Any]:
        job = Job(
            self.unit,
            self.device,
            self.port,
            self.seen,
            self.order,
            self.operator,
            self.place.timeouts_s[rule.name],
            self.run.facts,
            self._kept,
            lambda percent, note: self._tell(Light.WORKING, rule.name, percent, note),
        )
        return self.place.patience.perform(rule.name, self.place.steps[rule.name], job)

    def _asked(self) -> Event:
        rule = self.run.rules[self.run.at]
        self._tell(Light.ASKING, rule.name, note=self.run.reason)
        while True:
            if self.place.patience.stop.is_set():
                event: Event = Failed(rule.name, self.run.attempt, STOPPED, lost=True)
            elif not self.place.is_there(self.port, self.seen):
                event = Failed(rule.name, self.run.attempt, PULLED, lost=True)
            else:
                answer = self._answer()
                if answer is None:
                    continue
                event = Answered(rule.name, self.run.attempt, answer)
                if engine.apply(self.run, event) is self.run:
                    self._tell(Light.ASKING, rule.name, note=f"{rule.name} can not be skipped")
                    continue
            self._say(Kind.STEP, _details(event))
            return event

    def _answer(self) -> Answer | None:
        """Return what a person says; None when it is nothing yet."""
        try:
            return self.answers.get(timeout=_LOOK_S)
        except queue.Empty:
            return Answer.FAIL if self.place.is_alone.is_set() else None

    def _end(self) -> None:
        run = self.run
        took_ms = round(1000 * (self.place.patience.clock_s() - self._begun_s))
        details: dict[str, Any] = {"took_ms": took_ms, "failures": run.failures}
        if run.skipped:
            details["skipped"] = list(run.skipped)
        if run.state is State.GOOD:
            details |= {"result": GOOD, **run.facts["register"]["record"]}
        else:
            step = run.rule.name if run.rule else ""
            details |= {"result": FAILED, "step": step, "reason": run.reason}
        self._say(Kind.END, details)

    def _say(self, kind: Kind, details: dict[str, Any]) -> None:
        said = Said(kind, self.unit, self.device, self.port, self.operator, details)
        self.place.ledger.append(said)

    def _tell(self, light: Light, step: str, percent: int | None = None, note: str = "") -> None:
        advice = "retry, skip or fail?" if light is Light.ASKING else ""
        self.place.told(
            PortEvent(
                self.port,
                light,
                self.unit,
                self.device,
                self.seen.serial,
                step,
                self.run.attempt,
                percent,
                advice,
                note,
            )
        )


def _details(event: Event) -> dict[str, Any]:
    said: dict[str, Any] = {"step": event.step, "attempt": event.attempt}
    match event:
        case Passed(details=details):
            kept = {key: value for key, value in details.items() if key != "record"}
            return {**kept, **said, "result": "passed"}
        case Failed(reason=reason, lost=lost):
            return {**said, "result": "failed", "reason": reason} | ({"lost": True} if lost else {})
        case Answered(answer=answer):
            return {**said, "result": "answered", "answer": answer.value}


def event_of(details: Mapping[str, Any]) -> Event:
    """Return the event that an entry of the kind `step` tells."""
    step, attempt = str(details["step"]), int(details["attempt"])
    match details["result"]:
        case "passed":
            return Passed(step, attempt, details)
        case "answered":
            return Answered(step, attempt, Answer(details["answer"]))
        case _:
            return Failed(step, attempt, str(details["reason"]), bool(details.get("lost", False)))
