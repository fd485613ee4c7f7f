"""What feedback means: the tables of the two channels, and a name for each that stays the same.

Pure. DDI names no feedback, and devices send one again until it was answered; so its name is made
of what it says, and a repeat is the one that is known already.
"""

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from edge.console.ddi import words
from edge_signing import canonical
from edge_signing.errors import FormatError
from edge_signing.messages import REASON_MOST

DETAILS_MOST: Final = 50
_FINISHED: Final = ("success", "failure", "none")
_NUMBER_BYTES: Final = 6
# SWUpdate (2024.12) sends its whole log; a line of its trace begins with the function's name.
_TRACE: Final = re.compile(r"\[\w+\] : ")


class Channel(StrEnum):
    """Where feedback came in."""

    DEPLOYMENT = "deploymentBase"
    CANCEL = "cancelAction"


class Verdict(StrEnum):
    """What feedback comes to; the kind of its event, where there is one."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DOWNLOADED = "downloaded"
    DOWNLOADING = "downloading"
    INSTALLING = "installing"
    SCHEDULED = "scheduled"
    WARNING = "warning"
    CANCEL_REFUSED = "cancel-refused"

    @property
    def is_final(self) -> bool:
        """Whether the device does no more."""
        return self in (Verdict.SUCCEEDED, Verdict.FAILED, Verdict.CANCELLED)


_CLOSED: Final = {Channel.DEPLOYMENT: Verdict.SUCCEEDED, Channel.CANCEL: Verdict.CANCELLED}
# All other words mean that it goes on.
_OPEN: Final = {
    Channel.DEPLOYMENT: {
        "canceled": Verdict.CANCELLED,
        "download": Verdict.DOWNLOADING,
        "downloaded": Verdict.DOWNLOADED,
        "rejected": Verdict.WARNING,
        "scheduled": Verdict.SCHEDULED,
    },
    Channel.CANCEL: {
        # No acceptance: the device has to say `closed`.
        "canceled": Verdict.WARNING,
        "rejected": Verdict.CANCEL_REFUSED,
    },
}


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a device says of an order.

    Attributes:
        execution: In the words of DDI; those that nobody knows mean that it goes on.
        finished: `success`, `failure` or `none`.
        done: Steps that are done.
        steps: Of so many; 0 if unknown.
        details: Lines, oldest first.
    """

    execution: str
    finished: str = "none"
    done: int = 0
    steps: int = 0
    details: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """The newest of what it says, as much as an event holds."""
        return "\n".join(self.details)[-REASON_MOST:].strip()

    def number(self, channel: Channel) -> int:
        """Return what names it among those of one order, from 1."""
        said = [channel, self.execution, self.finished, self.done, self.steps, list(self.details)]
        digest = hashlib.sha256(canonical.encode([str(one) for one in said])).digest()
        return int.from_bytes(digest[:_NUMBER_BYTES], "big") + 1


def read(body: bytes) -> Feedback:
    """Return what a body says.

    Raises:
        FormatError: It is no feedback.
    """
    status = words.part(words.opened(body), "status")
    result = words.part(status, "result")
    execution = words.text(status, "execution")
    finished = words.text(result, "finished") or "none"
    if not execution:
        raise FormatError("status.execution is missing")
    if finished not in _FINISHED:
        raise FormatError(f"status.result.finished: not one of {', '.join(_FINISHED)}")
    progress = words.part(result, "progress")
    details = _told(words.texts(status, "details"))
    if code := words.number(status, "code"):
        details = (f"code {code}", *details)
    return Feedback(
        execution[:32],
        finished,
        words.number(progress, "cnt"),
        words.number(progress, "of"),
        details,
    )


def _told(details: tuple[str, ...]) -> tuple[str, ...]:
    """Return the newest of what a device tells, of much only what is no trace of its program."""
    if sum(map(len, details)) > REASON_MOST:
        details = tuple(one for one in details if not _TRACE.match(one))
    return details[-DETAILS_MOST:]


def verdict(channel: Channel, feedback: Feedback) -> Verdict:
    """Return what feedback on a channel comes to."""
    if feedback.execution == "closed":
        return Verdict.FAILED if feedback.finished == "failure" else _CLOSED[channel]
    return _OPEN[channel].get(feedback.execution, Verdict.INSTALLING)
