"""A serial line of this machine without hardware: two ends of a pseudo terminal."""

import os
import select
import time
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

    def wait(self) -> None:
        """Wait until somebody has the port: to read before that is an error."""
        poll = select.poll()
        poll.register(self.descriptor, 0)
        deadline_s = time.monotonic() + WAIT_S
        while poll.poll(0):  # hung up
            assert time.monotonic() < deadline_s
            time.sleep(0.001)

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
