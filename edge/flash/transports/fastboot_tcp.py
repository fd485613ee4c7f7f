"""Fastboot over TCP: a handshake, then packets with their length ahead.

Source: Android's fastboot/README.md, "TCP Protocol v1".
"""

import contextlib
import socket
import struct
import time
from typing import Final

from edge.errors import LinkError, ThingNotFoundError

PORT: Final = 5554
CONNECT_S: Final = 10.0
WRITE_S: Final = 60.0
HELLO: Final = b"FB01"
_LENGTH: Final = struct.Struct(">Q")
MOST_BYTES: Final = 1 << 30


class FastbootTcp:
    """A port of packets over a connection, which it owns.

    Raises:
        ThingNotFoundError: Nobody listens there.
        LinkError: Who listens speaks something else.
    """

    def __init__(self, host: str, port: int = PORT) -> None:
        self._name = f"{host}:{port}"
        try:
            self._socket = socket.create_connection((host, port), CONNECT_S)
        except OSError as error:
            raise ThingNotFoundError(f"{self._name}: {error.strerror or error}") from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._greet()
        except BaseException:
            self.close()
            raise

    def fileno(self) -> int:
        """Return what `select` takes."""
        return self._socket.fileno()

    def write(self, data: bytes) -> None:
        """Send a packet."""
        self._send(_LENGTH.pack(len(data)) + data)

    def read(self, timeout_s: float) -> bytes:
        """Return the next packet; empty when none begins in time."""
        head = self._receive(_LENGTH.size, time.monotonic() + timeout_s, may_be_late=True)
        if not head:
            return b""
        (length,) = _LENGTH.unpack(head)
        if length > MOST_BYTES:
            raise LinkError(f"{self._name}: a packet of {length} bytes was said to come")
        return self._receive(length, time.monotonic() + max(timeout_s, CONNECT_S))

    def set_baud(self, baud: int) -> None:
        """Do nothing: there is none."""

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def _greet(self) -> None:
        self._send(HELLO)
        said = self._receive(len(HELLO), time.monotonic() + CONNECT_S)
        if said[:2] != HELLO[:2] or not said[2:].isdigit() or int(said[2:]) < 1:
            raise LinkError(f"{self._name}: it says {said!r}, which is not fastboot")

    def _send(self, data: bytes) -> None:
        try:
            self._socket.settimeout(WRITE_S)
            self._socket.sendall(data)
        except OSError as error:
            raise self._lost(error) from error

    def _receive(self, length: int, deadline_s: float, *, may_be_late: bool = False) -> bytes:
        data = bytearray()
        while len(data) < length:
            left_s = deadline_s - time.monotonic()
            try:
                self._socket.settimeout(max(left_s, 0.001))
                piece = self._socket.recv(min(length - len(data), 1 << 20))
            except TimeoutError as error:
                if may_be_late and not data:
                    return b""
                raise LinkError(f"{self._name}: {len(data)} of {length} bytes came") from error
            except OSError as error:
                raise self._lost(error) from error
            if not piece:
                raise LinkError(f"{self._name}: the other side closed the connection")
            data += piece
        return bytes(data)

    def _lost(self, error: OSError) -> LinkError:
        return LinkError(f"{self._name}: {error.strerror or error}")
