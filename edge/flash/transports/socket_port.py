"""A serial line behind a socket: terminal servers, QEMU's `-serial unix:` and `-serial tcp:`."""

import contextlib
import select
import socket
from typing import Final

from edge.errors import LinkError, ThingNotFoundError

CONNECT_S: Final = 10.0
WRITE_S: Final = 20.0
_READ_BYTES: Final = 1 << 16


class SocketPort:
    """A port over a connected socket, which it owns.

    Args:
        connected: The socket.
        name: What to call it in errors.
    """

    def __init__(self, connected: socket.socket, name: str) -> None:
        self._socket = connected
        self._name = name
        connected.settimeout(WRITE_S)
        if connected.family in (socket.AF_INET, socket.AF_INET6):
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @classmethod
    def tcp(cls, host: str, port: int) -> "SocketPort":
        """Return a port over TCP.

        Raises:
            ThingNotFoundError: Nobody listens there.
        """
        name = f"{host}:{port}"
        try:
            return cls(socket.create_connection((host, port), CONNECT_S), name)
        except OSError as error:
            raise ThingNotFoundError(f"{name}: {error.strerror or error}") from error

    @classmethod
    def unix(cls, path: str) -> "SocketPort":
        """Return a port over a socket of the file system.

        Raises:
            ThingNotFoundError: Nobody listens there.
        """
        connected = socket.socket(socket.AF_UNIX)
        try:
            connected.settimeout(CONNECT_S)
            connected.connect(path)
        except OSError as error:
            connected.close()
            raise ThingNotFoundError(f"{path}: {error.strerror or error}") from error
        return cls(connected, path)

    def fileno(self) -> int:
        """Return what `select` takes."""
        return self._socket.fileno()

    def write(self, data: bytes) -> None:
        """Send all of it."""
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise self._lost(error) from error

    def read(self, timeout_s: float) -> bytes:
        """Return what came in, empty when nothing did in time."""
        try:
            if not select.select([self._socket], [], [], timeout_s)[0]:
                return b""
            data = self._socket.recv(_READ_BYTES)
        except (OSError, ValueError) as error:  # a socket that is closed is a wrong value
            raise self._lost(error) from error
        if not data:
            raise LinkError(f"{self._name}: the other side closed the connection")
        return data

    def set_baud(self, baud: int) -> None:
        """Do nothing: what is behind the socket has its rate."""

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def _lost(self, error: OSError | ValueError) -> LinkError:
        reason = error.strerror if isinstance(error, OSError) else "the port is closed"
        return LinkError(f"{self._name}: {reason or error}")
