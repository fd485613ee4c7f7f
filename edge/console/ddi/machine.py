"""The states of an order as a device sees it that speaks DDI: one table.

Stored, so the names never change.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from edge.errors import RefusedError


class State(StrEnum):
    """Where an order is."""

    WAITING = "waiting"  # for the word of the device's user
    RUNNING = "running"
    CANCELLING = "cancelling"  # asked back, and the device has not answered
    ENDED = "ended"


class Event(StrEnum):
    """What happens to an order."""

    CONFIRMED = "confirmed"
    ASKED_BACK = "asked-back"
    KEPT = "kept"  # the device goes on with it though it was asked back
    TAKEN_BACK = "taken-back"  # the device has never heard of it
    ENDED = "ended"


# fmt: off
TABLE: Final[Mapping[tuple[State, Event], State]] = {
    (State.WAITING,    Event.CONFIRMED):  State.RUNNING,
    (State.WAITING,    Event.TAKEN_BACK): State.ENDED,
    (State.RUNNING,    Event.ASKED_BACK): State.CANCELLING,
    (State.RUNNING,    Event.TAKEN_BACK): State.ENDED,
    (State.RUNNING,    Event.ENDED):      State.ENDED,
    (State.CANCELLING, Event.KEPT):       State.RUNNING,
    (State.CANCELLING, Event.ENDED):      State.ENDED,
}
# fmt: on


def following(state: State, event: Event) -> State:
    """Return the state that an event leads to.

    Raises:
        RefusedError: The event can not happen in this state.
    """
    found = TABLE.get((state, event))
    if found is None:
        raise RefusedError(f"an order that is {state} can not be {event}")
    return found
