"""Chunks of an image in memory that begins at a page, as O_DIRECT wants it, used over and over."""

import ctypes
import mmap
import queue
import threading
from typing import Final

CHUNK_BYTES: Final = 1 << 20
SECTOR_BYTES: Final = 512
_C: Final = ctypes.CDLL(None)


def same_bytes(one: memoryview, other: memoryview) -> bool:
    """Return whether two writable pieces of memory hold the same, as memcmp(3) says.

    Python compares views item by item, seventy times as slow, and holds up all other threads.
    """
    if len(one) != len(other) or not len(one):
        return len(one) == len(other)
    first, second = (ctypes.byref(ctypes.c_char.from_buffer(memory)) for memory in (one, other))
    return int(_C.memcmp(first, second, ctypes.c_size_t(len(one)))) == 0


class Chunk:
    """Bytes of one span, at most `CHUNK_BYTES`.

    Attributes:
        offset_bytes: Where they belong, a multiple of 512.
        length_bytes: How many they are.
    """

    __slots__ = ("_buffers", "_memory", "_users", "length_bytes", "offset_bytes")

    def __init__(
        self, buffers: "Buffers", memory: memoryview, *, offset_bytes: int, length_bytes: int
    ) -> None:
        self._buffers = buffers
        self._memory = memory
        self._users = 1
        self.offset_bytes = offset_bytes
        self.length_bytes = length_bytes

    @property
    def data(self) -> memoryview:
        """The bytes; they hold until the last user has released the chunk."""
        return self._memory[: self.length_bytes]

    @property
    def sectors(self) -> memoryview:
        """The same with zeros behind them to the end of the last sector."""
        whole = -(-self.length_bytes // SECTOR_BYTES) * SECTOR_BYTES
        self._memory[self.length_bytes : whole] = bytes(whole - self.length_bytes)
        return self._memory[:whole]

    @property
    def end_bytes(self) -> int:
        """Where they end."""
        return self.offset_bytes + self.length_bytes

    def share(self, users: int) -> None:
        """Have `users` of them release the chunk, where one would."""
        self._users = users

    def release(self) -> None:
        """Say that this user needs it no longer; with the last one its memory is used again."""
        if self._buffers.count_down(self):
            self._buffers.give_back(self._memory)


class Buffers:
    """A fixed number of buffers: whoever reads ahead waits when all are in use.

    Args:
        count: How many.
    """

    def __init__(self, count: int) -> None:
        self._map = mmap.mmap(-1, count * CHUNK_BYTES)
        whole = memoryview(self._map)
        self._free: queue.SimpleQueue[memoryview | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        for start in range(0, count * CHUNK_BYTES, CHUNK_BYTES):
            self._free.put(whole[start : start + CHUNK_BYTES])

    def take(self) -> memoryview:
        """Return a free buffer; wait for one.

        Raises:
            BrokenPipeError: The buffers were closed.
        """
        memory = self._free.get()
        if memory is None:
            self._free.put(None)
            raise BrokenPipeError("nobody takes chunks any more")
        return memory

    def give_back(self, memory: memoryview) -> None:
        """Take a buffer back."""
        self._free.put(memory)

    def count_down(self, chunk: Chunk) -> bool:
        """Return whether this was the last user of a chunk."""
        with self._lock:
            chunk._users -= 1
            return chunk._users == 0

    def close(self) -> None:
        """Wake up whoever waits for a buffer, with an error."""
        self._free.put(None)
