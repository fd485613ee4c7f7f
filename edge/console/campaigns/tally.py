"""How many devices of each wave stand how: all that decides over a campaign."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from edge.console.campaigns.members import FAILURES, OUT, SUCCESSES, UNDER_WAY, MemberState

_NONE: Final[Mapping[MemberState, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Tally:
    """The devices of one wave, counted.

    Attributes:
        counts: By state; those with none are left out.
        forgiven: Failures that somebody has seen and does not mind.
    """

    counts: Mapping[MemberState, int] = field(default_factory=lambda: _NONE)
    forgiven: int = 0

    def of(self, states: Iterable[MemberState]) -> int:
        """Return how many stand in one of these states."""
        return sum(self.counts.get(one, 0) for one in states)

    @property
    def total(self) -> int:
        """All devices of the wave."""
        return sum(self.counts.values())

    @property
    def meant(self) -> int:
        """Those that can take the release."""
        return self.total - self.of(OUT)

    @property
    def counted(self) -> int:
        """Those of which a share has to succeed: without failures that nobody minds."""
        return self.meant - min(self.forgiven, self.of(FAILURES))

    @property
    def able(self) -> int:
        """Those that take an order, now or later, and end well or not."""
        return self.meant - self.of((MemberState.PRESENT,))

    @property
    def failures(self) -> int:
        """Those that failed, and nobody has forgiven."""
        return max(0, self.of(FAILURES) - self.forgiven)

    @property
    def successes(self) -> int:
        """Those that run the release for good."""
        return self.of(SUCCESSES)

    @property
    def good(self) -> int:
        """Those that run the release and took an order for it: what counts as evidence."""
        return self.of((MemberState.SUCCEEDED,))

    @property
    def under_way(self) -> int:
        """Those that take a place among the ones at once."""
        return self.of(UNDER_WAY)

    def moved(self, before: MemberState | None, after: MemberState | None) -> "Tally":
        """Return the tally when a device has come, gone, or stands otherwise."""
        counts = dict(self.counts)
        if before is not None:
            counts[before] -= 1
            if not counts[before]:
                del counts[before]
        if after is not None:
            counts[after] = counts.get(after, 0) + 1
        return Tally(MappingProxyType(counts), self.forgiven)

    def forgiving(self) -> "Tally":
        """Return the tally with all its failures forgiven."""
        return Tally(self.counts, self.of(FAILURES))
