"""A syslog server on the loopback: octet-counted messages over TLS (RFC 5425, 4.3)."""

import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

_COUNT = re.compile(rb"(\d+) ")


@dataclass
class SyslogServer:
    """What came in, a stream for each connection, and how many were begun."""

    context: ssl.SSLContext
    streams: list[bytearray] = field(default_factory=list)
    begun: int = 0

    @property
    def messages(self) -> list[str]:
        """Return all whole messages; a stream of anything else is an error."""
        return [message for stream in list(self.streams) for message in _messages(bytes(stream))]

    def receive(self, connection: socket.socket) -> None:
        """Keep what one connection says until it ends."""
        self.begun += 1
        stream = bytearray()
        self.streams.append(stream)
        with (
            suppress(OSError),
            connection,
            self.context.wrap_socket(connection, server_side=True) as secured,
        ):
            while said := secured.recv(1 << 16):
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
def listening(port: int, certificate: Path) -> Iterator[SyslogServer]:
    """Serve on a port of the loopback, with a `.crt` and its `.key`, for the time of the block."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    server = SyslogServer(context)
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
