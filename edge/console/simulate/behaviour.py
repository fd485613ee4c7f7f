"""What a simulated device does with an order: the steps of the real agent, by its kind and luck.

Pure: the generator of chance is an argument, so the same seed does the same. Which state follows
which is that of `edge_agent.machine`: a test holds the steps against its table.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

from edge_agent.machine import Result, State

IMAGE_BYTES: Final = 32 << 20
_PIECES: Final = 4
_SLOW: Final = 10.0
_REBOOT_S: Final = 5.0
_TRIAL_S: Final = 10.0
_LATE_S: Final = 1_800.0
_NOT_HEALTHY: Final = "not healthy after 300 s: "
# In which state it fails, and why. A trial is where most do.
_FAILURES: Final = (
    (State.CHECKING, "the metadata is not signed by enough keys"),
    (State.INSTALLING, "b: 4096 bytes at 65536 can not be written: Input/output error"),
    (State.VERIFYING, "b: reads back as another one"),
    (State.REBOOTING, "slot b did not start: its tries are used up"),
    (State.TRIAL, f"{_NOT_HEALTHY}not all services are ready"),
    (State.TRIAL, f"{_NOT_HEALTHY}app: restarted 4 times"),
    (State.TRIAL, f"{_NOT_HEALTHY}the console is not reached"),
)
# Of a service that is updated in place.
_FAILURES_IN_PLACE: Final = (
    _FAILURES[0],
    (State.INSTALLING, "a.img: No space left on device: 8388608 bytes do not fit"),
    (State.SWITCHING, "it was not started: its settings are others than those of this system"),
    (State.PROVING, "services ended 3 times since the switch"),
    (State.PROVING, f"{_NOT_HEALTHY}not all services are ready"),
)


class Kind(StrEnum):
    """How a device behaves."""

    OK = "ok"  # updates
    FAILS = "fails"  # reports that it could not, or fell back
    SILENT = "silent"  # restarts into the update, and is never heard again
    FLAPPING = "flapping"  # updates, loses its link again and again, and repeats what it told
    SLOW = "slow"  # updates, and takes ten times as long
    LIAR = "liar"  # reports that it runs what it ran before
    LATE = "late"  # restarts into the update, and is heard again half an hour later


# What they do is not up to the release.
OF_LINK: Final = frozenset({Kind.OK, Kind.FLAPPING, Kind.SLOW})


class Errand(StrEnum):
    """What an order is about, for the device that takes it."""

    UPDATE = "update"
    BACK = "back"  # it is in the other slot: nothing is fetched
    NOTHING = "nothing"  # it runs, or the order is to stay


@dataclass(frozen=True, slots=True)
class Step:
    """A piece of an order.

    Attributes:
        after_s: How long it takes to get there.
        done_bytes: What has been written.
        is_restart: The link is lost, and the device comes back as another start.
        is_other_slot: That one runs then.
        away_s: How long it is away more than others then.
        is_switched: The other version of the service runs from here on.
        is_break: The link is lost, and found again; what was told is told once more.
        is_last_word: It is never heard again.
        result: How the order ended, if it did.
        is_lie: It reports what it ran before.
    """

    state: State
    after_s: float = 0.0
    done_bytes: int = 0
    is_restart: bool = False
    is_other_slot: bool = False
    away_s: float = 0.0
    is_switched: bool = False
    is_break: bool = False
    is_last_word: bool = False
    result: Result | None = None
    reason: str = ""
    is_lie: bool = False

    @property
    def is_early(self) -> bool:
        """Whether another order may take the place of this one still."""
        return self.state in _EARLY


_EARLY: Final = frozenset(
    {State.CHECKING, State.PERMITTING, State.INSTALLING, State.VERIFYING, State.WAITING}
)


def steps(
    kind: Kind, chance: Random, errand: Errand = Errand.UPDATE, *, in_place: bool = False
) -> Iterator[Step]:
    """Yield the steps of one order, in turn; `in_place` is one of a service.

    Those of a silent device end with its restart or switch, those of all others with a result.
    """
    luck = _Luck(kind, chance, errand, in_place=in_place)
    yield luck.step(State.CHECKING, 1)
    if luck.fails_in is State.CHECKING:
        yield luck.failure()
        return
    if errand is Errand.NOTHING:
        yield Step(State.REPORTING, result=Result.SUCCEEDED)
        return
    if errand is Errand.UPDATE:
        yield from _installed(luck)
        if luck.fails_in is State.INSTALLING:
            yield luck.failure()
            return
    yield luck.step(State.VERIFYING, 2, luck.fetched_bytes)
    if luck.fails_in is State.VERIFYING:
        yield luck.failure()
        return
    yield from _switched(luck) if in_place else _started(luck)


def refused(reason: str) -> Iterator[Step]:
    """Yield the steps of an order that is not for the device."""
    yield Step(State.CHECKING)
    yield Step(State.REPORTING, result=Result.FAILED, reason=reason)


def cancelled(reason: str) -> Step:
    """Return the end of an order whose place another one took."""
    return Step(State.REPORTING, result=Result.CANCELLED, reason=reason)


def _installed(luck: "_Luck") -> Iterator[Step]:
    yield luck.step(State.PERMITTING, 0)
    last = 1 if luck.fails_in is State.INSTALLING else _PIECES
    for piece in range(last + 1):
        yield luck.step(State.INSTALLING, 5, IMAGE_BYTES * piece // _PIECES)


def _started(luck: "_Luck") -> Iterator[Step]:
    """Yield what follows once the other slot holds what is meant."""
    yield luck.step(State.WAITING, 0, luck.fetched_bytes)
    yield luck.step(State.ARMING, 0, luck.fetched_bytes)
    is_silent = luck.kind is Kind.SILENT
    yield Step(State.REBOOTING, luck.took_s(1), luck.fetched_bytes, is_last_word=is_silent)
    if is_silent:
        return
    if luck.fails_in is State.REBOOTING:
        yield luck.failure(after_s=luck.took_s(4 * _REBOOT_S), is_restart=True)
        return
    away_s = _LATE_S if luck.kind is Kind.LATE else 0.0
    yield Step(
        State.TRIAL,
        luck.took_s(_REBOOT_S),
        is_restart=True,
        is_other_slot=True,
        away_s=away_s,
    )
    if luck.fails_in is State.TRIAL:
        yield Step(State.REVERTING, luck.took_s(_TRIAL_S), reason=luck.reason)
        yield luck.failure(after_s=luck.took_s(_REBOOT_S), is_restart=True)
        return
    yield luck.step(State.COMMITTING, _TRIAL_S)
    is_lie = luck.kind is Kind.LIAR
    yield Step(State.REPORTING, result=Result.SUCCEEDED, is_lie=is_lie)


def _switched(luck: "_Luck") -> Iterator[Step]:
    """Yield what follows once the other version of a service is there: nothing restarts."""
    yield luck.step(State.WAITING, 0, luck.fetched_bytes)
    is_silent = luck.kind is Kind.SILENT
    yield Step(State.SWITCHING, luck.took_s(1), luck.fetched_bytes, is_last_word=is_silent)
    if is_silent:
        return
    if luck.fails_in is State.SWITCHING:
        yield Step(State.SWITCHING_BACK, luck.took_s(1), reason=luck.reason)
        yield luck.failure()
        return
    yield Step(State.PROVING, luck.took_s(1), is_switched=True)
    if luck.fails_in is State.PROVING:
        took_s = luck.took_s(_TRIAL_S)
        yield Step(State.SWITCHING_BACK, took_s, is_switched=True, reason=luck.reason)
        yield luck.failure()
        return
    yield luck.step(State.KEEPING, _TRIAL_S)
    is_lie = luck.kind is Kind.LIAR
    yield Step(State.REPORTING, result=Result.SUCCEEDED, is_lie=is_lie)


class _Luck:
    """What happens to one order by chance."""

    def __init__(
        self, kind: Kind, chance: Random, errand: Errand, *, in_place: bool = False
    ) -> None:
        self.kind = kind
        self._chance = chance
        self.fails_in: State | None = None
        self.reason = ""
        if kind is Kind.FAILS:
            failures = _FAILURES_IN_PLACE if in_place else _FAILURES
            self.fails_in, self.reason = chance.choice(failures)
        self.fetched_bytes = IMAGE_BYTES if errand is Errand.UPDATE else 0

    def took_s(self, seconds: float) -> float:
        factor = _SLOW if self.kind is Kind.SLOW else 1.0
        return seconds * factor * (0.5 + self._chance.random())

    def step(self, state: State, seconds: float, done_bytes: int = 0) -> Step:
        is_break = self.kind is Kind.FLAPPING and seconds > 0 and self._chance.random() < 0.5
        return Step(state, self.took_s(seconds), done_bytes, is_break=is_break)

    def failure(self, *, after_s: float = 0.0, is_restart: bool = False) -> Step:
        return Step(
            State.REPORTING,
            after_s,
            is_restart=is_restart,
            is_other_slot=is_restart and self.fails_in is State.TRIAL,
            result=Result.FAILED,
            reason=self.reason,
        )
