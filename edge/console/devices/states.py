"""How devices stand, and what people make of that: one table."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """How a device stands; stored, so the names never change."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REVOKED = "revoked"
    DECOMMISSIONED = "decommissioned"
    QUARANTINED = "quarantined"


NAMES: Final = tuple(str(one) for one in State)
# What an act makes of which states; anything else is refused.
ACTS: Final[Mapping[str, tuple[frozenset[State], State]]] = {
    "accept": (frozenset({State.PENDING, State.REVOKED, State.QUARANTINED}), State.ACCEPTED),
    "revoke": (frozenset({State.ACCEPTED, State.PENDING, State.QUARANTINED}), State.REVOKED),
    "decommission": (
        frozenset({State.ACCEPTED, State.PENDING, State.REVOKED, State.QUARANTINED}),
        State.DECOMMISSIONED,
    ),
}
