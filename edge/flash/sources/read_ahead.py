"""Read chunks in a thread of its own: the next one is read while one is worked on."""

import queue
import threading
from collections.abc import Iterator
from types import TracebackType

from edge.flash.sources.buffers import Chunk


class ReadAhead:
    """What another thread reads from `chunks`, as a context: at its end that thread has ended.

    Args:
        chunks: Taken in the other thread; their buffers bound how far it is ahead.
    """

    def __init__(self, chunks: Iterator[Chunk]) -> None:
        self._chunks = chunks
        self._ready: queue.SimpleQueue[Chunk | BaseException | None] = queue.SimpleQueue()
        self._unwanted = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> "ReadAhead":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._unwanted.set()
        while not self._ended:  # or the thread would wait for memory that nobody gives back
            chunk = self._take()
            if isinstance(chunk, Chunk):
                chunk.release()
        self._thread.join()

    def __iter__(self) -> Iterator[Chunk]:
        """Give the chunks; what went wrong in the other thread is raised here."""
        while not self._ended:
            chunk = self._take()
            if isinstance(chunk, BaseException):
                raise chunk
            if chunk is not None:
                yield chunk

    def _take(self) -> Chunk | BaseException | None:
        chunk = self._ready.get()
        self._ended |= chunk is None
        return chunk

    def _read(self) -> None:
        try:
            for chunk in self._chunks:
                self._ready.put(chunk)
                if self._unwanted.is_set():
                    break
        except BaseException as error:  # noqa: BLE001 - raised by who iterates
            self._ready.put(error)
        self._ready.put(None)
