"""One reader, many takers: an image is read, decompressed and hashed once for all targets.

Each target has a thread of its own. The slowest one sets the pace; one that fails is left behind.
"""

import queue
import threading
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from edge.flash.sources.buffers import Chunk

_WAITING_MOST: Final = 4  # chunks that wait for one target


class Taker(Protocol):
    """Whoever takes chunks, in order."""

    def take(self, chunk: Chunk) -> None:
        """Take one."""


class _Lane:
    """The way to one taker."""

    def __init__(self, taker: Taker) -> None:
        self._taker = taker
        self._waiting: queue.Queue[Chunk | None] = queue.Queue(_WAITING_MOST)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.error: BaseException | None = None
        self._thread.start()

    def put(self, chunk: Chunk | None) -> None:
        self._waiting.put(chunk)

    def join(self) -> None:
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (chunk := self._waiting.get()) is not None:
            try:
                if self.error is None:
                    self._taker.take(chunk)
            except BaseException as error:  # noqa: BLE001 - told to whoever waits for this lane
                self.error = error
            finally:
                chunk.release()


def buffers_for(takers: int) -> int:
    """Return how many buffers keep so many takers busy."""
    return _WAITING_MOST + 2 + takers


def fan_out(chunks: Iterator[Chunk], takers: Sequence[Taker]) -> list[BaseException | None]:
    """Give every chunk to every taker and return what went wrong with each of them.

    An error of the source, or an interrupt, is raised when all takers have taken what they had.
    """
    lanes = [_Lane(taker) for taker in takers]
    try:
        for chunk in chunks:
            chunk.share(len(lanes))
            for lane in lanes:
                lane.put(chunk)
            if all(lane.error is not None for lane in lanes):
                break
    finally:
        for lane in lanes:
            lane.join()
    return [lane.error for lane in lanes]
