"""A campaign as its journal gives it: how it stands, and what may happen to it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from edge.console.campaigns.members import ACTIVE, MemberState
from edge.console.campaigns.plan import Plan
from edge.console.campaigns.tally import Tally


class State(StrEnum):
    """How a campaign stands. The names are stored and told."""

    DRAFT = "draft"
    UNAPPROVED = "waiting-for-approval"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    CLOSING = "closing"  # its time is over; what is under way comes to its end
    ABORTING = "aborting"
    REVERTING = "reverting"
    FINISHED = "finished"
    ABORTED = "aborted"
    REVERTED = "reverted"


class Event(StrEnum):
    """What happens to a campaign as a whole. The names are stored in the journal."""

    STARTED = "started"  # somebody wants it to begin
    APPROVED = "approved"
    BEGAN = "began"
    OPENED = "opened"  # the next wave
    PAUSED = "paused"
    RESUMED = "resumed"
    ABORTED = "aborted"
    REVERTED = "reverted"
    RETRIED = "retried"
    EDITED = "edited"
    EXPIRED = "expired"
    ENDED = "ended"
    AWAY = "away"  # the console was not there for a while, or its clock was set


_S, _E = State, Event

# fmt: off
TABLE: Final[Mapping[tuple[State, Event], State]] = {
    (_S.DRAFT,      _E.STARTED):  _S.SCHEDULED,
    (_S.DRAFT,      _E.ABORTED):  _S.ABORTED,
    (_S.UNAPPROVED, _E.APPROVED): _S.SCHEDULED,
    (_S.UNAPPROVED, _E.ABORTED):  _S.ABORTED,
    (_S.SCHEDULED,  _E.BEGAN):    _S.RUNNING,
    (_S.SCHEDULED,  _E.EXPIRED):  _S.CLOSING,
    (_S.SCHEDULED,  _E.ABORTED):  _S.ABORTED,
    (_S.RUNNING,    _E.PAUSED):   _S.PAUSED,
    (_S.RUNNING,    _E.ABORTED):  _S.ABORTING,
    (_S.RUNNING,    _E.REVERTED): _S.REVERTING,
    (_S.RUNNING,    _E.EXPIRED):  _S.CLOSING,
    (_S.RUNNING,    _E.ENDED):    _S.FINISHED,
    (_S.PAUSED,     _E.RESUMED):  _S.RUNNING,
    (_S.PAUSED,     _E.ABORTED):  _S.ABORTING,
    (_S.PAUSED,     _E.REVERTED): _S.REVERTING,
    (_S.PAUSED,     _E.EXPIRED):  _S.CLOSING,
    (_S.CLOSING,    _E.ABORTED):  _S.ABORTING,
    (_S.CLOSING,    _E.REVERTED): _S.REVERTING,
    (_S.CLOSING,    _E.ENDED):    _S.FINISHED,
    (_S.ABORTING,   _E.REVERTED): _S.REVERTING,
    (_S.ABORTING,   _E.ENDED):    _S.ABORTED,
    (_S.ABORTED,    _E.REVERTED): _S.REVERTING,
    (_S.REVERTING,  _E.ENDED):    _S.REVERTED,
    (_S.FINISHED,   _E.REVERTED): _S.REVERTING,
    (_S.FINISHED,   _E.RETRIED):  _S.RUNNING,
    (_S.RUNNING,    _E.RETRIED):  _S.RUNNING,
    (_S.PAUSED,     _E.RETRIED):  _S.PAUSED,
}
# fmt: on

LIVE: Final = frozenset(
    {_S.SCHEDULED, _S.RUNNING, _S.PAUSED, _S.CLOSING, _S.ABORTING, _S.REVERTING}
)


@dataclass(frozen=True, slots=True)
class Decided:
    """Something that happened to a campaign as a whole.

    Attributes:
        at_s: On the campaign's clock.
        by: Who wants it; empty if time brought it.
        reason: Why, in his words.
        plan: The new one, if it was edited.
        before: The one that it had then.
        gap_s: How long the console was away; below 0 if its clock was set back.
    """

    event: Event
    at_s: int
    by: str = ""
    reason: str = ""
    plan: Plan | None = None
    before: Plan | None = None
    gap_s: int = 0


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign, known by its counts.

    Attributes:
        tallies: One for each wave of the plan.
        open_wave: The last wave whose devices may be ordered, from 0.
        satisfied_at_s: Since when that wave has enough successes; 0 if it has not.
        away_s: How much the campaign's clock is behind the console's.
        approved_by: Who agreed.
        reason: Why it stands so.
        tripped: Which rule stopped it; empty if none did.
        minute: Of the last order, on the campaign's clock.
        ordered: Orders in that minute.
        ahead_bytes: What was ordered and, by the bandwidth, is not fetched yet.
        ahead_at_s: When that was so.
        halfway: Devices that have a part of what is meant, and did not come to its end.
    """

    plan: Plan
    tallies: tuple[Tally, ...]
    state: State = State.DRAFT
    open_wave: int = 0
    satisfied_at_s: int = 0
    away_s: int = 0
    approved_by: tuple[str, ...] = ()
    reason: str = ""
    tripped: str = ""
    minute: int = 0
    ordered: int = 0
    ahead_bytes: int = 0
    ahead_at_s: int = 0
    halfway: int = 0

    def of(self, states: frozenset[MemberState]) -> int:
        """Return how many devices stand in one of these states."""
        return sum(one.of(states) for one in self.tallies)

    @property
    def under_way(self) -> int:
        """How many devices have an order that takes a place among those at once."""
        return sum(one.under_way for one in self.tallies)

    @property
    def total(self) -> int:
        """All its devices."""
        return sum(one.total for one in self.tallies)

    @property
    def counts(self) -> dict[MemberState, int]:
        """How many devices stand how; states with none are left out."""
        found: Counter[MemberState] = Counter()
        for tally in self.tallies:
            found.update(tally.counts)
        return dict(found)

    @property
    def is_live(self) -> bool:
        """Whether something may still happen by itself: also what is under way when it ends."""
        return self.state in LIVE or self.of(ACTIVE) > 0

    def clock_s(self, now_s: int) -> int:
        """Return the time on the campaign's clock, which stands still while the console is away."""
        return now_s - self.away_s


def new(plan: Plan, sizes: Mapping[int, int]) -> Campaign:
    """Return a campaign whose waves have so many devices, all of them waiting."""
    counted = (sizes.get(number, 0) for number in range(len(plan.waves)))
    waiting = ({MemberState.WAITING: size} if size else {} for size in counted)
    return Campaign(plan, tuple(Tally(one) for one in waiting))
