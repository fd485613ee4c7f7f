"""The agent's states: one table that says what follows from what, and nothing else.

A state names the one action under way in it. The state is stored, then its action is done; every
action may be done again, so that after a power cut the stored state is all that has to be known.
The first event after a start tells whether the slot that is (or was) written runs, or the old one.
Should the boot script ever start a slot before it was armed, all begins anew, with the other slot.

Nothing about transitions is decided elsewhere. This file knows no slot, no release and no link.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from edge_agent.errors import MachineError


class State(StrEnum):
    """The action under way. The names are stored on devices and told to servers."""

    IDLE = "idle"
    CHECKING = "checking"
    PERMITTING = "permitting"
    INSTALLING = "installing"
    VERIFYING = "verifying"
    WAITING = "waiting"
    CONFIRMING = "waiting-for-user"
    ARMING = "arming"
    REBOOTING = "rebooting"
    TRIAL = "trial"
    COMMITTING = "committing"
    REVERTING = "reverting"
    SWITCHING = "switching"  # this and the three below: of one service, without a restart
    PROVING = "proving"
    KEEPING = "keeping"
    SWITCHING_BACK = "switching-back"
    REPORTING = "reporting"


class Event(StrEnum):
    """What ends an action, or happens to the device in it."""

    ORDERED = "ordered"  # a release is to be installed
    ASKED_BACK = "asked-back"  # the other slot is to run again
    DONE = "done"
    NOTHING = "nothing"  # there is nothing to do
    THERE = "there"  # the other slot seems to hold what is ordered already
    NOT_THERE = "not-there"  # it does not, as reading it back told
    ON_TRIAL = "on-trial"  # what is ordered runs, but is not committed
    REJECTED = "rejected"  # what was read back is not what was written
    IN_PLACE = "in-place"  # the image of a service is there, and may be switched to
    ASKED = "asked"  # the user is to agree first
    POSTPONED = "postponed"  # the user does not want it now
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXHAUSTED = "exhausted"  # the state was entered too often
    STARTED_OLD = "started-old"
    STARTED_NEW = "started-new"


class Result(StrEnum):
    """How an action ended; the kind of its one final report."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


# fmt: off
TABLE: Final[Mapping[tuple[State, Event], State]] = {
    (State.IDLE,       Event.ORDERED):     State.CHECKING,
    (State.IDLE,       Event.ASKED_BACK):  State.ARMING,
    (State.IDLE,       Event.STARTED_OLD): State.IDLE,

    (State.CHECKING,   Event.DONE):        State.PERMITTING,
    (State.CHECKING,   Event.THERE):       State.VERIFYING,
    (State.CHECKING,   Event.NOTHING):     State.REPORTING,
    (State.CHECKING,   Event.ON_TRIAL):    State.TRIAL,
    (State.CHECKING,   Event.FAILED):      State.REPORTING,
    (State.CHECKING,   Event.CANCELLED):   State.REPORTING,
    (State.CHECKING,   Event.EXHAUSTED):   State.REPORTING,
    (State.CHECKING,   Event.STARTED_OLD): State.CHECKING,
    (State.CHECKING,   Event.STARTED_NEW): State.CHECKING,

    (State.PERMITTING, Event.DONE):        State.INSTALLING,
    (State.PERMITTING, Event.CANCELLED):   State.REPORTING,
    (State.PERMITTING, Event.STARTED_OLD): State.PERMITTING,
    (State.PERMITTING, Event.STARTED_NEW): State.CHECKING,

    (State.INSTALLING, Event.DONE):        State.VERIFYING,
    (State.INSTALLING, Event.FAILED):      State.REPORTING,
    (State.INSTALLING, Event.CANCELLED):   State.REPORTING,
    (State.INSTALLING, Event.EXHAUSTED):   State.REPORTING,
    (State.INSTALLING, Event.STARTED_OLD): State.INSTALLING,
    (State.INSTALLING, Event.STARTED_NEW): State.CHECKING,

    (State.VERIFYING,  Event.DONE):        State.WAITING,
    (State.VERIFYING,  Event.REJECTED):    State.INSTALLING,
    (State.VERIFYING,  Event.NOT_THERE):   State.PERMITTING,
    (State.VERIFYING,  Event.FAILED):      State.REPORTING,
    (State.VERIFYING,  Event.EXHAUSTED):   State.REPORTING,
    (State.VERIFYING,  Event.STARTED_OLD): State.VERIFYING,
    (State.VERIFYING,  Event.STARTED_NEW): State.CHECKING,

    (State.WAITING,    Event.DONE):        State.ARMING,
    (State.WAITING,    Event.IN_PLACE):    State.SWITCHING,
    (State.WAITING,    Event.ASKED):       State.CONFIRMING,
    (State.WAITING,    Event.POSTPONED):   State.CONFIRMING,
    (State.WAITING,    Event.CANCELLED):   State.REPORTING,
    (State.WAITING,    Event.STARTED_OLD): State.WAITING,
    (State.WAITING,    Event.STARTED_NEW): State.CHECKING,

    (State.CONFIRMING, Event.DONE):        State.WAITING,
    (State.CONFIRMING, Event.POSTPONED):   State.CONFIRMING,
    (State.CONFIRMING, Event.CANCELLED):   State.REPORTING,
    (State.CONFIRMING, Event.STARTED_OLD): State.CONFIRMING,
    (State.CONFIRMING, Event.STARTED_NEW): State.CHECKING,

    (State.ARMING,     Event.DONE):        State.REBOOTING,
    (State.ARMING,     Event.FAILED):      State.REPORTING,
    (State.ARMING,     Event.EXHAUSTED):   State.REPORTING,
    (State.ARMING,     Event.STARTED_OLD): State.ARMING,
    (State.ARMING,     Event.STARTED_NEW): State.TRIAL,

    (State.REBOOTING,  Event.STARTED_OLD): State.REPORTING,
    (State.REBOOTING,  Event.STARTED_NEW): State.TRIAL,

    (State.TRIAL,      Event.DONE):        State.COMMITTING,
    (State.TRIAL,      Event.FAILED):      State.REVERTING,
    (State.TRIAL,      Event.STARTED_NEW): State.TRIAL,
    (State.TRIAL,      Event.STARTED_OLD): State.REPORTING,

    (State.COMMITTING, Event.DONE):        State.REPORTING,
    (State.COMMITTING, Event.FAILED):      State.REVERTING,
    (State.COMMITTING, Event.STARTED_NEW): State.COMMITTING,
    (State.COMMITTING, Event.STARTED_OLD): State.REPORTING,

    (State.REVERTING,  Event.EXHAUSTED):   State.REPORTING,
    (State.REVERTING,  Event.STARTED_NEW): State.REVERTING,
    (State.REVERTING,  Event.STARTED_OLD): State.REPORTING,

    (State.SWITCHING,  Event.DONE):        State.PROVING,
    (State.SWITCHING,  Event.FAILED):      State.SWITCHING_BACK,
    (State.SWITCHING,  Event.EXHAUSTED):   State.REPORTING,
    (State.SWITCHING,  Event.STARTED_OLD): State.SWITCHING,
    (State.SWITCHING,  Event.STARTED_NEW): State.CHECKING,

    (State.PROVING,    Event.DONE):        State.KEEPING,
    (State.PROVING,    Event.FAILED):      State.SWITCHING_BACK,
    (State.PROVING,    Event.STARTED_OLD): State.SWITCHING,
    (State.PROVING,    Event.STARTED_NEW): State.CHECKING,

    (State.KEEPING,    Event.DONE):        State.REPORTING,
    (State.KEEPING,    Event.FAILED):      State.SWITCHING_BACK,
    (State.KEEPING,    Event.STARTED_OLD): State.KEEPING,
    (State.KEEPING,    Event.STARTED_NEW): State.CHECKING,

    (State.SWITCHING_BACK, Event.DONE):        State.REPORTING,
    (State.SWITCHING_BACK, Event.STARTED_OLD): State.REPORTING,
    (State.SWITCHING_BACK, Event.STARTED_NEW): State.REPORTING,

    (State.REPORTING,  Event.DONE):        State.IDLE,
    (State.REPORTING,  Event.STARTED_OLD): State.REPORTING,
    (State.REPORTING,  Event.STARTED_NEW): State.REPORTING,
}
# fmt: on

# How often one action may come into a state; starts of the device in it count too, as its action
# is done again. A trial needs none: each start costs the new slot one of its tries.
LIMITS: Final[Mapping[State, int]] = {
    State.CHECKING: 64,
    State.INSTALLING: 64,
    State.VERIFYING: 64,
    State.ARMING: 8,
    State.REVERTING: 3,
    State.SWITCHING: 3,
}
REJECTIONS_MOST: Final = 2  # so often what was written may read back as something else


def following(state: State, event: Event) -> State:
    """Return the state that an event leads to.

    Raises:
        MachineError: The event can not happen in this state.
    """
    found = TABLE.get((state, event))
    if found is None:
        raise MachineError(f"{event} can not happen in state {state}")
    return found


def result_of(state: State, event: Event) -> Result:
    """Return how an action ended that goes from `state` to REPORTING by `event`."""
    match state, event:
        case (
            (State.COMMITTING, Event.DONE)
            | (State.KEEPING, Event.DONE)
            | (State.CHECKING, Event.NOTHING)
        ):
            return Result.SUCCEEDED
        case _, Event.CANCELLED:
            return Result.CANCELLED
        case _:
            return Result.FAILED


def is_over_limit(state: State, entered: int) -> bool:
    """Return whether an action came into a state too often."""
    return entered > LIMITS.get(state, entered)
