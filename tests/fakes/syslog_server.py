"""A syslog server on the loopback: octet-counted messages over TCP (RFC 6587, 3.4.1)."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_COUNT = re.compile(rb"(\d+) ")


@dataclass
class SyslogServer:
    """What came in, a stream for each connection."""

    streams: list[bytearray] = field(default_factory=list)

    @property
    def messages(self) -> list[str]:
        """Return all whole messages; a stream of anything else is an error."""
        return [message for stream in list(self.streams) for message in _messages(bytes(stream))]

    def receive(self, connection: socket.socket) -> None:
        """Keep what one connection says until it ends."""
        stream = bytearray()
        self.streams.append(stream)
        with suppress(OSError), connection:
            while said := connection.recv(1 << 16):
                stream += said


def _messages(stream: bytes) -> Iterator[str]:
    at = 0
    while at < len(stream):
        counted = _COUNT.match(stream, at)
        assert counted, stream[at : at + 40]
        end = counted.end() + int(counted[1])
        if end > len(stream):
            return
        yield stream[counted.end() : end].decode()
        at = end


@contextmanager
def listening(port: int) -> Iterator[SyslogServer]:
    """Serve on a port of the loopback for the time of the block."""
    server = SyslogServer()
    with socket.create_server(("127.0.0.1", port)) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=server.receive, args=[connection], daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield server
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
