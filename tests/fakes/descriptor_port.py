"""A descriptor as a port: our end of a pseudo terminal or of a socket."""

import os
import select

from edge.errors import LinkError


class DescriptorPort:
    """A port over a descriptor that stays the caller's."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def write(self, data: bytes) -> None:
        """Send all of it."""
        while data:
            data = data[os.write(self._descriptor, data) :]

    def read(self, timeout_s: float) -> bytes:
        """Return what came in, empty when nothing did in time."""
        if not select.select([self._descriptor], [], [], timeout_s)[0]:
            return b""
        try:
            return os.read(self._descriptor, 65536)
        except OSError as error:
            raise LinkError("the other side is gone") from error

    def set_baud(self, baud: int) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""
