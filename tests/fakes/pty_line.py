"""A serial line of this machine without hardware: two ends of a pseudo terminal."""

import os
import select
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

WAIT_S = 10


@dataclass(slots=True)
class PtyLine:
    """Our end as a descriptor, the other one as the path of a port."""

    descriptor: int
    path: str
    closed: bool = False

    def close(self) -> None:
        """Pull the cable."""
        if not self.closed:
            os.close(self.descriptor)
        self.closed = True

    def say(self, data: bytes) -> None:
        """Send to whoever has the port."""
        os.write(self.descriptor, data)

    def hear(self, count: int) -> bytes:
        """Return the next bytes of whoever has the port."""
        data = b""
        while len(data) < count:
            assert select.select([self.descriptor], [], [], WAIT_S)[0], data
            data += os.read(self.descriptor, count - len(data))
        return data


@contextmanager
def pty_line() -> Iterator[PtyLine]:
    """Give a line, raw at both ends."""
    ours, theirs = os.openpty()
    line = PtyLine(ours, os.ttyname(theirs))
    tty.setraw(theirs)
    os.close(theirs)
    try:
        yield line
    finally:
        line.close()
