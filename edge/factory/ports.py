"""Where boards are plugged in: what a station asks again and again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Seen:
    """A board at a port.

    Attributes:
        serial: What it says of itself; empty when it says nothing.
        what: What it is, for people.
        session: Another one each time that a board is plugged in.
    """

    serial: str
    what: str
    session: int = 0

    def is_other(self, before: "Seen") -> bool:
        """Return whether this is surely another board than before."""
        if self.serial and before.serial:
            return self.serial != before.serial
        return self.session != before.session


class Ports(Protocol):
    """The named ports of a station; asked from any thread."""

    @property
    def names(self) -> tuple[str, ...]:
        """Their names, in their order on the screen."""

    def look(self, busy: frozenset[str] = frozenset()) -> Mapping[str, Seen]:
        """Return what is plugged in now, by port; a port without a board is left out.

        Args:
            busy: Ports with a run: there a board may come back as another device, and is another
                board only if its own serial number says so.

        Raises:
            EdgeError: Nobody can say: the hub is gone.
        """

    def at(self, port: str) -> Seen | None:
        """Return what is at one port that has a run; None when nothing is.

        Raises:
            EdgeError: Nobody can say.
        """

    def is_watched(self, port: str) -> bool:
        """Return whether a change of boards is seen there."""

    def is_endless(self, port: str) -> bool:
        """Return whether the next board is there as soon as one was made: a file for each."""

    def next(self, port: str) -> None:
        """Take it that the operator has changed the board, where that is not seen."""
