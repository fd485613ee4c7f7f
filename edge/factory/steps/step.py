"""What a step gets to work with, and what it gives back."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from edge.errors import EdgeError
from edge.factory.ports import Seen
from edge.flash.events import Advance, Event, Note

Tell = Callable[[int | None, str], None]


class StepStoppedError(EdgeError):
    """The station does not wait for the step any more."""


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt of one step at one board.

    Attributes:
        unit: The run.
        device: Its id.
        port: Where the board is.
        seen: What it was when the run began.
        order: Scanned or given, may be empty.
        operator: Who stands there, may be empty.
        timeout_s: How long the step may take.
        facts: What the steps before found, by name; it is in the ledger.
        kept: What steps leave for those after them and that is written nowhere: keys.
        told: Gets percent and a note; called from any thread.
        stop: Set when nobody waits any more.
    """

    unit: str
    device: str
    port: str
    seen: Seen
    order: str = ""
    operator: str = ""
    timeout_s: float = 120
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict, repr=False)
    told: Tell = lambda _percent, _note: None
    stop: threading.Event = field(default_factory=threading.Event)

    def tell(self, percent: int | None = None, note: str = "") -> None:
        """Say how far it is.

        Raises:
            StepStoppedError: Nobody waits any more.
        """
        if self.stop.is_set():
            raise StepStoppedError("stopped")
        self.told(percent, note)

    def flashing(self, event: Event) -> None:
        """Take an event of a flash method: a listener for one."""
        match event:
            case Advance(total_bytes=total) if total > 0:
                self.tell(100 * event.done_bytes // total, "")
            case Advance():
                self.tell()
            case Note(text=text):
                self.tell(None, text)


class Step(Protocol):
    """One step; it keeps nothing of a board, so that one is enough for all ports."""

    def run(self, job: Job) -> Mapping[str, Any]:
        """Do it, and return what was found: canonical JSON for the ledger, without secrets.

        Raises:
            LinkError: The board does not answer, or is gone.
            EdgeError: The step failed; the message is for the operator.
        """
