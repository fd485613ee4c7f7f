"""One device in a campaign: one table says what follows from what, and nothing else.

What the table does not have changes nothing: a report may come late, twice or in another order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class MemberState(StrEnum):
    """How a device stands in a campaign. The names are stored and told."""

    WAITING = "waiting"  # not ordered yet
    OFFERED = "offered"  # ordered, and not taken up by the device
    UPDATING = "updating"
    HELD = "held"  # written; waits for its user or its maintenance window
    BETWEEN = "between"  # committed a part of what is meant, and has no order for the next one
    SOAKING = "soaking"  # committed; watched for a while
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SILENT = "silent"  # not heard of since it restarted, or for too long
    REFUSED = "refused"  # can not be ordered
    PRESENT = "present"  # ran the release before its turn
    OVERTAKEN = "overtaken"  # somebody ordered something else
    CANCELLED = "cancelled"  # the order was taken back, or the device's user said no
    GONE = "gone"  # meant no longer: put out of use, or does not fit the filter
    REVERTING = "reverting"
    HALF_BACK = "half-back"  # its system went back, and has no order for its services yet
    REVERTED = "reverted"
    STRANDED = "stranded"  # should have gone back, and did not


class MemberEvent(StrEnum):
    """What happens to a device in a campaign. The names are stored in the journal."""

    OFFERED = "offered"
    REFUSED = "refused"
    FOUND = "found"  # the release runs on it
    LEFT = "left"
    TOOK_UP = "took-up"
    HELD = "held"
    DOWNLOADED = "downloaded"  # and no more was meant
    RESTARTING = "restarting"
    PASSED = "passed"  # a release on the way, in journals of before there were steps
    STEPPED = "stepped"  # committed a part of what is meant, or a release on the way
    COMPLETED = "completed"  # nothing is left of what is meant
    COMMITTED = "committed"
    STARTED = "started"  # once more, in its soak
    SOAKED = "soaked"
    FAILED = "failed"
    AGAIN = "again"  # failed, and may try once more
    SILENT = "silent"
    UNANSWERED = "unanswered"
    CANCELLED = "cancelled"
    OVERTAKEN = "overtaken"
    RETRIED = "retried"
    CALLED_BACK = "called-back"  # ordered to run again what it ran before
    STEPPED_BACK = "stepped-back"  # a part of it
    WENT_BACK = "went-back"
    STAYED = "stayed"  # did not go back
    LET_BE = "let-be"  # does not go back, as somebody ordered something else


_S, _E = MemberState, MemberEvent

# fmt: off
TABLE: Final[Mapping[tuple[MemberState, MemberEvent], MemberState]] = {
    (_S.WAITING,   _E.OFFERED):     _S.OFFERED,
    (_S.WAITING,   _E.REFUSED):     _S.REFUSED,
    (_S.WAITING,   _E.FOUND):       _S.PRESENT,
    (_S.WAITING,   _E.LEFT):        _S.GONE,
    # Of an order that was given to another device, as this one did not take it up in time.
    (_S.WAITING,   _E.TOOK_UP):     _S.UPDATING,
    (_S.WAITING,   _E.HELD):        _S.HELD,
    (_S.WAITING,   _E.DOWNLOADED):  _S.SUCCEEDED,
    (_S.WAITING,   _E.RESTARTING):  _S.UPDATING,
    (_S.WAITING,   _E.PASSED):      _S.WAITING,
    (_S.WAITING,   _E.STEPPED):     _S.WAITING,
    (_S.WAITING,   _E.COMMITTED):   _S.SOAKING,
    (_S.WAITING,   _E.FAILED):      _S.FAILED,
    (_S.WAITING,   _E.AGAIN):       _S.WAITING,
    (_S.WAITING,   _E.CANCELLED):   _S.CANCELLED,
    (_S.WAITING,   _E.COMPLETED):   _S.SOAKING,
    (_S.WAITING,   _E.CALLED_BACK): _S.REVERTING,
    (_S.WAITING,   _E.WENT_BACK):   _S.REVERTED,
    (_S.WAITING,   _E.STAYED):      _S.STRANDED,
    (_S.WAITING,   _E.LET_BE):      _S.OVERTAKEN,

    (_S.OFFERED,   _E.TOOK_UP):     _S.UPDATING,
    (_S.OFFERED,   _E.HELD):        _S.HELD,
    (_S.OFFERED,   _E.DOWNLOADED):  _S.SUCCEEDED,
    (_S.OFFERED,   _E.RESTARTING):  _S.UPDATING,
    (_S.OFFERED,   _E.PASSED):      _S.WAITING,
    (_S.OFFERED,   _E.STEPPED):     _S.BETWEEN,
    (_S.OFFERED,   _E.COMMITTED):   _S.SOAKING,
    (_S.OFFERED,   _E.FAILED):      _S.FAILED,
    (_S.OFFERED,   _E.AGAIN):       _S.WAITING,
    (_S.OFFERED,   _E.UNANSWERED):  _S.WAITING,
    (_S.OFFERED,   _E.CANCELLED):   _S.CANCELLED,
    (_S.OFFERED,   _E.OVERTAKEN):   _S.OVERTAKEN,
    (_S.OFFERED,   _E.LEFT):        _S.GONE,

    (_S.UPDATING,  _E.HELD):        _S.HELD,
    (_S.UPDATING,  _E.DOWNLOADED):  _S.SUCCEEDED,
    (_S.UPDATING,  _E.RESTARTING):  _S.UPDATING,
    (_S.UPDATING,  _E.PASSED):      _S.WAITING,
    (_S.UPDATING,  _E.STEPPED):     _S.BETWEEN,
    (_S.UPDATING,  _E.COMMITTED):   _S.SOAKING,
    (_S.UPDATING,  _E.FAILED):      _S.FAILED,
    (_S.UPDATING,  _E.AGAIN):       _S.WAITING,
    (_S.UPDATING,  _E.SILENT):      _S.SILENT,
    (_S.UPDATING,  _E.CANCELLED):   _S.CANCELLED,
    (_S.UPDATING,  _E.OVERTAKEN):   _S.OVERTAKEN,
    (_S.UPDATING,  _E.LEFT):        _S.GONE,

    (_S.HELD,      _E.TOOK_UP):     _S.UPDATING,
    (_S.HELD,      _E.RESTARTING):  _S.UPDATING,
    (_S.HELD,      _E.PASSED):      _S.WAITING,
    (_S.HELD,      _E.STEPPED):     _S.BETWEEN,
    (_S.HELD,      _E.COMMITTED):   _S.SOAKING,
    (_S.HELD,      _E.FAILED):      _S.FAILED,
    (_S.HELD,      _E.AGAIN):       _S.WAITING,
    (_S.HELD,      _E.CANCELLED):   _S.CANCELLED,
    (_S.HELD,      _E.OVERTAKEN):   _S.OVERTAKEN,
    (_S.HELD,      _E.LEFT):        _S.GONE,

    (_S.BETWEEN,   _E.OFFERED):     _S.OFFERED,
    (_S.BETWEEN,   _E.COMPLETED):   _S.SOAKING,
    (_S.BETWEEN,   _E.FAILED):      _S.FAILED,
    (_S.BETWEEN,   _E.AGAIN):       _S.WAITING,
    (_S.BETWEEN,   _E.CANCELLED):   _S.CANCELLED,
    (_S.BETWEEN,   _E.OVERTAKEN):   _S.OVERTAKEN,
    (_S.BETWEEN,   _E.LEFT):        _S.GONE,
    (_S.BETWEEN,   _E.CALLED_BACK): _S.REVERTING,
    (_S.BETWEEN,   _E.WENT_BACK):   _S.REVERTED,
    (_S.BETWEEN,   _E.STAYED):      _S.STRANDED,

    (_S.SOAKING,   _E.STARTED):     _S.SOAKING,
    (_S.SOAKING,   _E.SOAKED):      _S.SUCCEEDED,
    (_S.SOAKING,   _E.FAILED):      _S.FAILED,
    (_S.SOAKING,   _E.SILENT):      _S.SILENT,
    (_S.SOAKING,   _E.OVERTAKEN):   _S.OVERTAKEN,
    (_S.SOAKING,   _E.LEFT):        _S.GONE,
    (_S.SOAKING,   _E.CALLED_BACK): _S.REVERTING,
    (_S.SOAKING,   _E.STAYED):      _S.STRANDED,
    (_S.SOAKING,   _E.WENT_BACK):   _S.REVERTED,

    (_S.SUCCEEDED, _E.FAILED):      _S.FAILED,
    (_S.SUCCEEDED, _E.CALLED_BACK): _S.REVERTING,
    (_S.SUCCEEDED, _E.STAYED):      _S.STRANDED,
    (_S.SUCCEEDED, _E.WENT_BACK):   _S.REVERTED,
    (_S.SUCCEEDED, _E.OVERTAKEN):   _S.OVERTAKEN,

    (_S.SILENT,    _E.COMMITTED):   _S.SOAKING,
    (_S.SILENT,    _E.PASSED):      _S.WAITING,
    (_S.SILENT,    _E.STEPPED):     _S.WAITING,
    (_S.SILENT,    _E.FAILED):      _S.FAILED,
    (_S.SILENT,    _E.CANCELLED):   _S.CANCELLED,
    (_S.SILENT,    _E.OVERTAKEN):   _S.OVERTAKEN,
    (_S.SILENT,    _E.RETRIED):     _S.WAITING,
    (_S.SILENT,    _E.CALLED_BACK): _S.REVERTING,
    (_S.SILENT,    _E.STAYED):      _S.STRANDED,
    (_S.SILENT,    _E.WENT_BACK):   _S.REVERTED,

    (_S.CANCELLED, _E.COMMITTED):   _S.SOAKING,
    (_S.CANCELLED, _E.FAILED):      _S.FAILED,
    (_S.CANCELLED, _E.RETRIED):     _S.WAITING,
    (_S.CANCELLED, _E.STEPPED):     _S.CANCELLED,
    (_S.CANCELLED, _E.CALLED_BACK): _S.REVERTING,
    (_S.CANCELLED, _E.WENT_BACK):   _S.REVERTED,
    (_S.CANCELLED, _E.STAYED):      _S.STRANDED,
    (_S.CANCELLED, _E.LET_BE):      _S.OVERTAKEN,

    (_S.FAILED,    _E.RETRIED):     _S.WAITING,
    (_S.FAILED,    _E.CALLED_BACK): _S.REVERTING,
    (_S.FAILED,    _E.WENT_BACK):   _S.REVERTED,
    (_S.FAILED,    _E.STAYED):      _S.STRANDED,
    (_S.FAILED,    _E.LET_BE):      _S.OVERTAKEN,
    (_S.REFUSED,   _E.RETRIED):     _S.WAITING,
    (_S.OVERTAKEN, _E.RETRIED):     _S.WAITING,
    (_S.GONE,      _E.RETRIED):     _S.WAITING,

    (_S.REVERTING, _E.WENT_BACK):   _S.REVERTED,
    (_S.REVERTING, _E.STEPPED_BACK): _S.HALF_BACK,
    (_S.REVERTING, _E.STAYED):      _S.STRANDED,
    (_S.REVERTING, _E.SILENT):      _S.STRANDED,
    (_S.REVERTING, _E.OVERTAKEN):   _S.OVERTAKEN,
    (_S.REVERTING, _E.LEFT):        _S.GONE,

    (_S.HALF_BACK, _E.CALLED_BACK): _S.REVERTING,
    (_S.HALF_BACK, _E.WENT_BACK):   _S.REVERTED,
    (_S.HALF_BACK, _E.STAYED):      _S.STRANDED,
    (_S.HALF_BACK, _E.OVERTAKEN):   _S.OVERTAKEN,
    (_S.HALF_BACK, _E.LEFT):        _S.GONE,

    (_S.STRANDED,  _E.WENT_BACK):   _S.REVERTED,
    (_S.STRANDED,  _E.STEPPED_BACK): _S.HALF_BACK,
    (_S.STRANDED,  _E.CALLED_BACK): _S.REVERTING,
}
# fmt: on

# Takes a place among those that may be under way at once.
UNDER_WAY: Final = frozenset({_S.OFFERED, _S.UPDATING, _S.BETWEEN})
# Has an order of the campaign that has not ended, or is to have the next one.
ACTIVE: Final = UNDER_WAY | {_S.HELD, _S.SOAKING, _S.REVERTING, _S.HALF_BACK}
FAILURES: Final = frozenset({_S.FAILED, _S.SILENT})
SUCCESSES: Final = frozenset({_S.SUCCEEDED, _S.PRESENT})
# No device that can take the release: neither good nor bad for a wave.
OUT: Final = frozenset({_S.REFUSED, _S.OVERTAKEN, _S.CANCELLED, _S.GONE})
RETRIABLE: Final = frozenset(
    {_S.FAILED, _S.SILENT, _S.REFUSED, _S.OVERTAKEN, _S.CANCELLED, _S.GONE}
)
# Was never ordered the release.
UNREACHED: Final = frozenset({_S.WAITING, _S.REFUSED, _S.PRESENT, _S.GONE})
# Has the release, or may have it.
TO_REVERT: Final = frozenset({_S.SOAKING, _S.SUCCEEDED, _S.SILENT, _S.BETWEEN, _S.HALF_BACK})
# Has a part of what is meant, if it took any step.
MAY_BE_HALFWAY: Final = frozenset({_S.WAITING, _S.FAILED, _S.CANCELLED})


@dataclass(frozen=True, slots=True)
class Ran:
    """What ran of one service.

    Attributes:
        release: Path of the document; empty if none of those that are here is it.
        version: As it was told; empty if it was not.
    """

    service: str
    release: str
    version: str


@dataclass(frozen=True, slots=True)
class Step:
    """A release that a device committed, with more to follow.

    Attributes:
        service: That it is of; empty for a system.
        release: Path of the document.
    """

    service: str
    release: str


@dataclass(frozen=True, slots=True)
class Member:
    """A device in a campaign.

    Attributes:
        wave: Counts from 0.
        rank: Its turn: the lower, the earlier.
        action: Of its newest order in this campaign; empty for none.
        release: What that order is of; empty for none.
        service: The one that this is a release of; empty for a system.
        taken: What it committed of what is meant, before that order.
        from_release: The system that it ran before its first order; empty if not known.
        from_services: What it ran then of the services that are meant.
        left: Services that are to go back after that order; empty for none.
        reason: Why it stands so.
        tries: How many orders for the release that is meant have failed.
        starts: How often it started again in its soak.
        deadline_s: When something is due, on the campaign's clock; 0 for never.
        planned_bytes: What it has to fetch, as far as the console knows.
    """

    device: str
    wave: int
    rank: int
    state: MemberState = MemberState.WAITING
    action: str = ""
    release: str = ""
    from_release: str = ""
    from_version: str = ""
    reason: str = ""
    tries: int = 0
    starts: int = 0
    deadline_s: int = 0
    planned_bytes: int = 0
    service: str = ""
    taken: tuple[Step, ...] = ()
    from_services: tuple[Ran, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def is_halfway(self) -> bool:
        """It has a part of what is meant, and its state alone does not tell."""
        return bool(self.taken) and self.state in MAY_BE_HALFWAY


def following(state: MemberState, event: MemberEvent) -> MemberState | None:
    """Return the state that an event leads to; None if it changes nothing there."""
    return TABLE.get((state, event))
