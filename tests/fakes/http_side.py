"""The HTTPS side of the reference server: orders, events, states, and a repository by Range."""

import hashlib
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import SHUT_RDWR, SHUT_WR, socket
from typing import Any

from edge_signing import messages
from edge_signing.errors import FormatError
from edge_signing.messages import Status
from edge_signing.repository_file import check_file
from edge_signing.trust.names import check_device
from tests.fakes.fleet import Fleet
from tests.fakes.pki import Pki

_DEVICE = re.compile(r"/v1/devices/([^/]+)/(desired|events|state)")
_RANGE = re.compile(r"bytes=([0-9]+)-([0-9]+)?")
_PIECE_BYTES = 256 << 10


def context(pki: Pki) -> ssl.SSLContext:
    """Return TLS that takes only certificates of the factory that are not revoked."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(pki.folder / "server.crt", pki.folder / "server.key")
    made.load_verify_locations(pki.factory.file)
    made.load_verify_locations(pki.revoked)
    made.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
    # Optional, for repositories are public and tokens are an own way; orders ask for who it is.
    made.verify_mode = ssl.CERT_OPTIONAL
    return made


class HttpSide(ThreadingHTTPServer):
    """Serves until it is closed.

    Args:
        tokens: Devices by the token that stands for their certificate.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self,
        fleet: Fleet,
        repository: Path,
        pki: Pki,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        tokens: dict[str, str] | None = None,
    ) -> None:
        self.fleet = fleet
        self.repository = repository.resolve()
        self.tokens = tokens or {}
        self.asked: list[str] = []
        self.fail_next = 0
        self._context = context(pki)
        self._open: set[socket] = set()
        super().__init__((host, port), _Handler)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server_address[1]}/"

    def finish_request(self, request: Any, client_address: Any) -> None:
        # In the thread of the client, so that a slow handshake holds nobody else.
        secure = self._context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
        try:
            secure.do_handshake()
        except OSError:
            _refuse(secure)
            return
        self._open.add(secure)
        try:
            super().finish_request(secure, client_address)
        except (OSError, ValueError):
            pass
        finally:
            self._open.discard(secure)
            secure.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass

    def stop(self) -> None:
        """Close the port and break all connections."""
        self.shutdown()
        self.server_close()
        for one in list(self._open):
            with suppress(OSError):
                # Not that of TLS, which another thread is in.
                socket.shutdown(one, SHUT_RDWR)


def _refuse(secure: ssl.SSLSocket) -> None:
    """Close so that the client still hears why: it may have sent its request already."""
    with secure, suppress(OSError):
        socket.shutdown(secure, SHUT_WR)
        secure.settimeout(1)
        while socket.recv(secure, 4096):
            pass


@contextmanager
def serving(side: HttpSide) -> Iterator[HttpSide]:
    thread = threading.Thread(target=side.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield side
    finally:
        side.stop()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HttpSide
    wbufsize = -1
    disable_nagle_algorithm = True

    def version_string(self) -> str:
        return "edge"

    def log_message(self, *_words: object) -> None:
        pass

    def do_GET(self) -> None:
        self._route("GET")

    def do_PUT(self) -> None:
        self._route("PUT")

    def do_POST(self) -> None:
        self._route("POST")

    def _route(self, method: str) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > messages.MESSAGE_MOST_BYTES:
            self.close_connection = True
            return self._say(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        body = self.rfile.read(length)
        self.server.asked.append(f"{method} {self.path}")
        if self.server.fail_next:
            self.server.fail_next -= 1
            return self._say(HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "7"})
        if self.path.startswith("/repository/") and method == "GET":
            return self._file(self.path.removeprefix("/repository/"))
        found = _DEVICE.fullmatch(self.path)
        if not found:
            return self._say(HTTPStatus.NOT_FOUND)
        if self._who() != found[1]:
            return self._say(HTTPStatus.FORBIDDEN)
        try:
            return self._device(method, found[1], found[2], body)
        except FormatError:
            return self._say(HTTPStatus.BAD_REQUEST)

    def _who(self) -> str:
        """Return the device that asks, empty if that is not known."""
        secure: Any = self.connection
        certificate = secure.getpeercert() or {}
        names = [
            str(value)
            for part in certificate.get("subject", ())
            for name, value in part
            if name == "commonName"
        ]
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        name = names[0] if len(names) == 1 else self.server.tokens.get(token, "")
        try:
            check_device(name)
        except FormatError:
            return ""
        return name

    def _device(self, method: str, device: str, what: str, body: bytes) -> None:
        fleet = self.server.fleet
        match method, what:
            case "GET", "desired":
                self._desired(fleet.desired(device))
            case "POST", "events":
                ids = fleet.take_events(device, messages.unpack_events(body))
                self._say(HTTPStatus.OK, body=messages.pack_stored(ids))
            case "PUT", "state":
                Status.unpack(body)
                fleet.take("state", device, body)
                self._say(HTTPStatus.NO_CONTENT)
            case _:
                self._say(HTTPStatus.METHOD_NOT_ALLOWED)

    def _desired(self, message: bytes | None) -> None:
        if message is None:
            return self._say(HTTPStatus.NO_CONTENT)
        etag = {"ETag": f'"{hashlib.sha256(message).hexdigest()[:32]}"'}
        if self.headers.get("If-None-Match") == etag["ETag"]:
            return self._say(HTTPStatus.NOT_MODIFIED, etag)
        return self._say(HTTPStatus.OK, etag, message)

    def _file(self, name: str) -> None:
        try:
            path = self.server.repository / check_file(name)
        except FormatError:
            return self._say(HTTPStatus.NOT_FOUND)
        if not path.is_file():
            return self._say(HTTPStatus.NOT_FOUND)
        length = path.stat().st_size
        asked = _RANGE.fullmatch(self.headers.get("Range") or "")
        if not asked:
            return self._send(path, 0, length, HTTPStatus.OK, {})
        begin, last = int(asked[1]), min(int(asked[2] or length), length - 1)
        if begin >= length or last < begin:
            said = {"Content-Range": f"bytes */{length}"}
            return self._say(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, said)
        said = {"Content-Range": f"bytes {begin}-{last}/{length}"}
        return self._send(path, begin, last + 1 - begin, HTTPStatus.PARTIAL_CONTENT, said)

    def _send(
        self, path: Path, offset: int, length: int, status: HTTPStatus, headers: dict[str, str]
    ) -> None:
        self._head(status, {**headers, "Content-Length": str(length)})
        with path.open("rb") as stream:
            stream.seek(offset)
            while length and (piece := stream.read(min(length, _PIECE_BYTES))):
                self.wfile.write(piece)
                length -= len(piece)
        self.wfile.flush()

    def _say(
        self, status: HTTPStatus, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> None:
        has_no_body = status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
        length = {} if has_no_body else {"Content-Length": str(len(body))}
        self._head(status, {**(headers or {}), **length})
        self.wfile.write(body)
        self.wfile.flush()

    def _head(self, status: HTTPStatus, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
