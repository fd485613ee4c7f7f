"""A small HTTP server that gives the pieces of one image to one board, while it is flashed.

It knows no paths: a name is looked up among the SHA-256 of the pieces, below a folder that nobody
can guess, and all else is not found.
"""

import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from edge.errors import LinkError

PROBE: Final = "probe"
SHORTEST_BYTES: Final = 1 << 14  # U-Boot 2025.01 fails with files of a packet or two
PROBE_BYTES: Final = bytes(SHORTEST_BYTES)
_TIMEOUT_S: Final = 30.0

Named = Callable[[str], bytes | None]


class PieceServer:
    """What is served, and where.

    Attributes:
        host: This machine's address as the board reaches it.
        port: The TCP port.
        folder: Ahead of each name.
    """

    def __init__(self, host: str, bind: str) -> None:
        self.host = host
        self.folder = secrets.token_hex(8)
        self._named: Named | None = None
        try:
            self.http = _Http((bind, 0), partial(_Handler, self))
        except OSError as error:
            raise LinkError(f"no server at {bind}: {error.strerror or error}") from error
        self.port: int = self.http.server_address[1]

    @property
    def probe(self) -> str:
        """The name of a small file with `PROBE_BYTES`."""
        return f"{self.folder}/{PROBE}"

    def offer(self, named: Named) -> None:
        """Serve these from now on: the bytes of a name, or None; called from several threads."""
        self._named = named

    def found(self, path: str) -> bytes | None:
        """Return what a path of a request leads to."""
        folder, _slash, name = path.lstrip("/").partition("/")
        if not secrets.compare_digest(folder.encode(), self.folder.encode()):
            return None
        if name == PROBE:
            return PROBE_BYTES
        return self._named(name) if self._named else None


@contextmanager
def serving(host: str, bind: str) -> Iterator[PieceServer]:
    """Serve until the end of the block.

    Args:
        host: What the board calls this machine.
        bind: The address of this machine to listen at, and no other.

    Raises:
        LinkError: It is no address of this machine.
    """
    server = PieceServer(host, bind)
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.http.shutdown()
        thread.join()
        server.http.server_close()


def address_towards(board: str) -> str:
    """Return the address of this machine that packets to the board come from.

    Raises:
        LinkError: There is no way to it.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((board, 9))  # sends nothing
        except OSError as error:
            raise LinkError(f"no way to the board at {board}: {error.strerror}") from error
        return str(probe.getsockname()[0])


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a board that gives up a transfer asks again."""


class _Handler(BaseHTTPRequestHandler):
    timeout = _TIMEOUT_S

    def __init__(self, server: PieceServer, *arguments: Any) -> None:
        self._pieces = server
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """Answer with a piece, or that there is none."""
        data = self._pieces.found(self.path)
        if data is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
