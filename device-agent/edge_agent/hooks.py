"""Programs of the image that are asked before an update goes on: battery, room, traffic.

One that does not agree is asked again later: it makes an update wait, and never ends one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, Protocol

from edge_agent.programs import TIMEOUT_S, Round

Moment = Literal["before-install", "before-restart"]

MOMENTS: Final[tuple[Moment, ...]] = ("before-install", "before-restart")


class Hooks(Protocol):
    """Who is asked."""

    def complaint(self, moment: Moment) -> str | None:
        """Return what speaks against going on, empty for nothing, None while they are asked."""

    def end(self) -> None:
        """Ask no more: the next `complaint` asks all again."""


@dataclass(slots=True)
class DeviceHooks:
    """The programs that the settings name.

    Attributes:
        programs: By the moment at which they are asked.
        monotonic_s: A clock that only goes forward.
        timeout_s: How long each may take.
    """

    programs: Mapping[Moment, tuple[str, ...]]
    monotonic_s: Callable[[], float]
    timeout_s: float = TIMEOUT_S
    _round: Round | None = field(default=None, init=False)

    def complaint(self, moment: Moment) -> str | None:
        """See `Hooks`."""
        if self._round is None:
            programs = [Path(one) for one in self.programs.get(moment, ())]
            self._round = Round(programs, self.monotonic_s, self.timeout_s)
        said = self._round.complaint()
        if said is not None:
            self._round = None
        return said

    def end(self) -> None:
        """See `Hooks`."""
        if self._round is not None:
            self._round.end()
        self._round = None
