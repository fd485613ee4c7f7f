"""Counts what is fetched, and ends what is under way when the agent has to end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge_agent.errors import AgentError
from edge_agent.payload.acquire import Blobs
from edge_signing.release import Content

TELL_EVERY_S: Final = 1.0


class StoppedError(AgentError):
    """The agent has to end; its next start goes on."""


class Transfer:
    """What the status says of a transfer.

    Args:
        monotonic_s: A clock that only goes forward.
        is_stopped: Whether the agent has to end.
        tell: Called once in a while, to show how it goes on.
    """

    def __init__(
        self,
        monotonic_s: Callable[[], float],
        is_stopped: Callable[[], bool],
        tell: Callable[[], None],
    ) -> None:
        self._monotonic_s = monotonic_s
        self._is_stopped = is_stopped
        self._tell = tell
        self._told_s = monotonic_s()
        self._since_s = 0.0
        self.reset()

    def reset(self) -> None:
        """Begin to count for another action."""
        self.done_bytes = 0
        self.planned_bytes = 0
        self._since_s = self._monotonic_s()

    @property
    def bytes_per_s(self) -> int:
        """How much came in a second, on average."""
        return int(self.done_bytes / max(self._monotonic_s() - self._since_s, 0.001))

    def planned(self, length_bytes: int) -> None:
        """Take up how much will be fetched for one more image."""
        self.planned_bytes += length_bytes

    def counted(self, blobs: Blobs) -> Blobs:
        """Return `blobs`, whose bytes are counted."""
        self.reset()
        return _Counted(blobs, self)

    def tick(self) -> None:
        """End here if the agent has to.

        Raises:
            StoppedError: It has to.
        """
        if self._is_stopped():
            raise StoppedError("the agent has to end")
        if self._monotonic_s() - self._told_s >= TELL_EVERY_S:
            self._told_s = self._monotonic_s()
            self._tell()


@dataclass(frozen=True, slots=True)
class _Counted:
    blobs: Blobs
    transfer: Transfer

    def fetch(self, content: Content, offset_bytes: int, length_bytes: int) -> bytes:
        """See `Blobs`."""
        data = self.blobs.fetch(content, offset_bytes, length_bytes)
        self.transfer.done_bytes += len(data)
        self.transfer.tick()
        return data
