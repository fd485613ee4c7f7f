"""The last lines of what services said: read from the rings that init keeps in memory.

A ring is a folder with pieces (`@…`, the oldest first) and `current`; each line begins with its
time (s6-log, `T`), so that those of several services can be put in order.
"""

import heapq
import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_agent.errors import AgentError
from edge_agent.request import RefusedError
from edge_signing.commands import CONTENT_MOST_BYTES, SERVICE

FOLDER: Final = Path("/run/edge/log")
# Below what an answer may have, as noise gets longer when it is packed.
MOST_BYTES: Final = CONTENT_MOST_BYTES - (32 << 10)
_PIECE_MOST_BYTES: Final = 256 << 10
_PIECES_MOST: Final = 8
_LINE_MOST_BYTES: Final = 8 << 10


@dataclass(frozen=True, slots=True)
class Logs:
    """The rings of all services but some.

    Attributes:
        folder: With a folder for each.
        hidden: Services that are left out.
    """

    folder: Path = FOLDER
    hidden: frozenset[str] = frozenset()

    def last(self, service: str, lines: int) -> bytes:
        """Return the last lines of a service, or of all, each after the name of its service.

        Args:
            service: Empty for all that are not hidden.
            lines: How many at most; fewer if they would be too long.

        Raises:
            RefusedError: There is no such service, or it is hidden.
            AgentError: There are no logs.
        """
        names = self._names()
        if service:
            if service not in names:
                raise RefusedError(f"logs: there are none of {service!r}")
            return _joined(deque(self._lines(service), maxlen=lines))
        rings = [
            [(line, name) for line in deque(self._lines(name), maxlen=lines)] for name in names
        ]
        merged = deque(heapq.merge(*rings), maxlen=lines)
        return _joined(deque(name.encode() + b" " + line for line, name in merged))

    def _names(self) -> list[str]:
        try:
            found = sorted(one.name for one in self.folder.iterdir() if one.is_dir())
        except OSError as error:
            raise AgentError(f"{self.folder}: {error.strerror}") from error
        return [one for one in found if SERVICE.fullmatch(one) and one not in self.hidden]

    def _lines(self, name: str) -> Iterator[bytes]:
        folder = self.folder / name
        try:
            pieces = sorted(one for one in folder.iterdir() if one.name.startswith("@"))
        except OSError as error:
            raise AgentError(f"{folder}: {error.strerror}") from error
        for piece in (*pieces[-_PIECES_MOST:], folder / "current"):
            for line in _read(piece).splitlines():
                yield line[:_LINE_MOST_BYTES]


def _joined(lines: deque[bytes]) -> bytes:
    """Return the last lines that are not too long together."""
    kept: deque[bytes] = deque()
    length_bytes = 0
    while lines:
        line = lines.pop()
        length_bytes += len(line) + 1
        if length_bytes > MOST_BYTES:
            break
        kept.appendleft(line)
    return b"".join(line + b"\n" for line in kept)


def _read(piece: Path) -> bytes:
    """Return a piece; one that the ring has dropped meanwhile, or that is a link, is empty."""
    try:
        handle = os.open(piece, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as stream:
            return stream.read(_PIECE_MOST_BYTES)
    except OSError:
        return b""
