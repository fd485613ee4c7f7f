"""What the agent knows of the outside: a link, whatever carries it.

No link is trusted: an order only points at signed metadata, and bytes count when their hash is
right. Every call is one attempt; who calls waits (`edge_agent.backoff`) and calls again.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from edge_agent.errors import AgentError
from edge_signing.messages import Desired, EventId, ReportEvent, Status


class LinkError(AgentError):
    """The link is lost, too slow, or the server can not answer now: the same call may work later.

    Args:
        reason: What was wrong.
        wait_s: What the server asks to wait at least, seconds.
    """

    def __init__(self, reason: str, *, wait_s: float = 0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class WrongAnswerError(LinkError):
    """The answer is not to what was asked: too long, another part, another form."""


class ServerUntrustedError(LinkError):
    """The server's certificate does not hold; later, with a right clock, it may."""


class RefusedByServerError(AgentError):
    """The server understood and says no; asking again will not help.

    Args:
        reason: What was asked and what the server said.
        status: As of HTTP: 404 for what is not there, 403 for what is forbidden.
    """

    def __init__(self, reason: str, *, status: int) -> None:
        super().__init__(reason)
        self.status = status


class RepositoryFiles(Protocol):
    """The files of a repository: `metadata/…`, `targets/…`, `blobs/<sha256>`."""

    def read(self, name: str, offset_bytes: int, length_bytes: int) -> bytes:
        """Return bytes of a file; fewer only if it ends there.

        After a lost link the same call goes on where it was.

        Raises:
            LinkError: It may work later.
            RefusedByServerError: There is no such file, or not for us.
        """

    def pieces(self, name: str) -> Iterator[bytes]:
        """Yield a file whose length is not known; who calls says when it is too long.

        Raises:
            LinkError: It may work later.
            RefusedByServerError: There is no such file, or not for us.
        """


class Link(Protocol):
    """A way to the server."""

    def desired(self) -> Desired | None:
        """Return the newest order that is known, None if there is none.

        Raises:
            LinkError: It may work later.
            RefusedByServerError: The server does not know this device.
            FormatError: The order can not be read.
        """

    def wait(self, timeout_s: float) -> bool:
        """Wait until there may be a new order; return whether there is reason to ask at once."""

    def wake(self) -> None:
        """End the wait that is under way, or the next one; for another thread."""

    def send_state(self, status: Status) -> None:
        """Tell how this device is; the newest one counts.

        Raises:
            LinkError: It may work later.
            RefusedByServerError: The server does not take it.
        """

    def send_events(self, events: Sequence[ReportEvent]) -> Sequence[EventId]:
        """Tell events and return those that the server has stored, now or before.

        Raises:
            LinkError: It may work later.
            RefusedByServerError: The server does not take them.
        """

    def repository(self, url: str) -> RepositoryFiles:
        """Return the files of the repository that an order names.

        Args:
            url: `Desired.repository`; empty for the server's own.
        """

    def close(self) -> None:
        """Say goodbye and give everything back."""
