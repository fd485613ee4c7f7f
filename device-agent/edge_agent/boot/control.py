"""What the agent asks of a boot loader; the drivers beside this file do it for each kind."""

from typing import Protocol

from edge_agent.errors import BootStateError
from edge_signing.formats.boot_state import ARMED_LEFT, BootState, Slot


class BootControl(Protocol):
    """Which slot runs, and which one is tried at the next start.

    A power cut in `arm`, `disarm` or `commit` leaves the state before or the state after it.
    """

    def current(self) -> Slot:
        """Return the slot that runs."""

    def other(self) -> Slot:
        """Return the slot that does not run: the one an update is written to."""

    def arm(self, slot: Slot, tries: int = ARMED_LEFT) -> None:
        """Let the next `tries` starts be of `slot`; after them the slot tried until now is back.

        A loader that can be told of one start only makes one of them.
        """

    def disarm(self) -> None:
        """See to it that the other slot is not started, whatever happens: it will be written."""

    def commit(self) -> None:
        """Make the slot that runs the first choice from now on."""

    def state(self) -> BootState:
        """Return what the boot loader would see now."""


class Running:
    """The slot that runs: what all drivers know alike."""

    _current: Slot

    def current(self) -> Slot:
        """Return the slot that runs."""
        return self._current

    def other(self) -> Slot:
        """Return the slot that does not run."""
        return other_slot(self._current)


def slot_of(command_line: str) -> Slot:
    """Return the slot that a kernel command line names as `edge.slot=`; the last one counts.

    Raises:
        BootStateError: It names none, or one that does not exist.
    """
    words = [word.partition("=") for word in command_line.split()]
    named = [value for name, _equals, value in words if name == "edge.slot"]
    match named[-1:]:
        case ["a"]:
            return "a"
        case ["b"]:
            return "b"
        case _:
            raise BootStateError(f"kernel command line names no slot: {command_line.strip()}")


def other_slot(slot: Slot) -> Slot:
    """Return the slot that is not `slot`."""
    return "b" if slot == "a" else "a"
