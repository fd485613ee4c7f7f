"""A socket that a slow server can not hold: too few bytes in a time, or too long in all, end it.

Reading goes in windows of time; each must bring its share of bytes, so that neither silence nor a
drip of single bytes goes on for ever. Counts all that goes over it.
"""

import io
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from edge_agent.link import LinkError

_MOMENT_S: Final = 0.01


@dataclass(frozen=True, slots=True)
class Pace:
    """How slow a server may be.

    Attributes:
        least_bytes_per_s: What must come on average in each window while we wait for it.
        window_s: How long such a window is; nothing may stay silent much longer.
        total_s: The longest that one answer may take that is not a range of known length.
        connect_s: The longest that a connection may take, its handshake included.
    """

    least_bytes_per_s: int = 256
    window_s: float = 30.0
    total_s: float = 600.0
    connect_s: float = 30.0


class GuardedSocket:
    """What `http.client` takes for a socket.

    Args:
        inner: A connected socket, with or without TLS.
        pace: How slow the other side may be.
        clock: Seconds that never go back.
    """

    def __init__(
        self, inner: socket.socket, pace: Pace, clock: Callable[[], float], place: str
    ) -> None:
        self._inner = inner
        self._pace = pace
        self._clock = clock
        self._place = place
        self._window_end = self._end = 0.0
        self._window_bytes = 0
        self.begin()

    def begin(self, total_s: float | None = None) -> None:
        """Begin to wait for something new.

        Args:
            total_s: The longest that it may take; None for no other end than the pace.
        """
        now = self._clock()
        self._window_end, self._window_bytes = now + self._pace.window_s, 0
        self._end = now + total_s if total_s is not None else float("inf")

    def sendall(self, data: bytes) -> None:
        """Send all, within the time of one window."""
        self._inner.settimeout(self._pace.window_s)
        self._inner.sendall(data)

    def makefile(self, mode: str, *_arguments: object) -> io.BufferedReader:
        """Return what an answer is read from."""
        return io.BufferedReader(_Reader(self))

    def read_into(self, buffer: Any) -> int:
        """Receive what is there, as soon as something is there; 0 at the end.

        Raises:
            LinkError: It is too slow.
        """
        while True:
            now = self._clock()
            if now >= self._end:
                raise LinkError(f"{self._place}: the answer takes too long")
            if now >= self._window_end:
                self._next_window(now)
            self._inner.settimeout(max(_MOMENT_S, min(self._window_end, self._end) - now))
            try:
                received = self._inner.recv_into(buffer)
            except TimeoutError:
                continue
            self._window_bytes += received
            return received

    def close(self) -> None:
        """Close the socket, whatever is under way."""
        self._inner.close()

    def _next_window(self, now: float) -> None:
        least = self._pace.least_bytes_per_s * self._pace.window_s
        if self._window_bytes < least:
            raise LinkError(
                f"{self._place}: too slow, {self._window_bytes} bytes in {self._pace.window_s:g} s"
            )
        self._window_end, self._window_bytes = now + self._pace.window_s, 0


class _Reader(io.RawIOBase):
    def __init__(self, source: GuardedSocket) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._source.read_into(buffer)
