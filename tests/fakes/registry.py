"""A registry on loopback that gives what it has, and goes wrong where a test says so."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.image_parts import MANIFEST, Descriptor, Parts, digest_of

TOKEN = "a-token"
BASIC = "Basic dGVzdGVyOm9wZW4tc2VzYW1l"  # tester:open-sesame


@dataclass
class Asked:
    """One request: its path, and what it proved who it was with."""

    method: str
    path: str
    range: str | None
    authorization: str | None


@dataclass
class FakeRegistry:
    """What is served, and what goes wrong.

    Attributes:
        parts: The blobs; manifests are among them.
        tags: Descriptors by tag.
        auth: None, `basic`, or `token`: from this very server.
        realm: Where tokens are said to be; else this server.
        statuses: Answers to give before anything else, one a request.
        redirect: Where blobs are instead: a URL that the path is appended to.
        location: Where blobs are instead: this very text.
        cut_bytes: After so many bytes of a blob the connection is closed, each time.
        ranges: The server knows Range.
        stall_bytes: After so many bytes of a blob nothing more comes.
        spoiled: Blobs by digest that are given in place of others.
        headers: More headers of each answer, in place of the usual ones.
        asked: All requests.
        bodies: What was put.
    """

    parts: Parts = field(default_factory=Parts)
    tags: dict[str, Descriptor] = field(default_factory=dict)
    auth: str | None = None
    realm: str | None = None
    statuses: list[int] = field(default_factory=list)
    redirect: str | None = None
    location: str | None = None
    cut_bytes: int | None = None
    ranges: bool = True
    stall_bytes: int | None = None
    spoiled: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    host: str = ""
    stopped: threading.Event = field(default_factory=threading.Event)

    def paths(self, part: str = "") -> list[str]:
        """Return the paths that were asked for and hold a text."""
        return [one.path for one in self.asked if part in one.path]

    def name(self, tag: str, descriptor: Descriptor) -> Descriptor:
        self.tags[tag] = descriptor
        return descriptor


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, served: FakeRegistry, *arguments: Any) -> None:
        self._served = served
        super().__init__(*arguments)

    def do_GET(self) -> None:
        served, path = self._served, urlsplit(self.path)
        asked = Asked(
            self.command, self.path, self.headers.get("Range"), self.headers.get("Authorization")
        )
        served.asked.append(asked)
        if served.statuses:
            self._answer(served.statuses.pop(0), b"", {})
        elif path.path == "/token":
            self._token(parse_qs(path.query), asked.authorization)
        elif not self._is_let_in(asked.authorization):
            self._answer(401, b"", {"WWW-Authenticate": self._challenge()})
        elif "/manifests/" in path.path:
            self._manifest(path.path.rpartition("/")[2])
        else:
            self._blob(path.path, asked.range)

    def do_POST(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._served.bodies.append(body)
        if self._is_let_in(self.headers.get("Authorization")):
            self._answer(201, b"", {})
        else:
            self._answer(401, b"", {"WWW-Authenticate": self._challenge()})

    def _is_let_in(self, shown: str | None) -> bool:
        wanted = {None: shown, "basic": BASIC, "token": f"Bearer {TOKEN}"}[self._served.auth]
        return shown == wanted

    def _challenge(self) -> str:
        if self._served.auth == "basic":
            return 'Basic realm="fake"'
        realm = self._served.realm or f"http://{self._served.host}/token"
        return f'Bearer realm="{realm}",service="fake",scope="repository:x:pull,push"'

    def _token(self, query: dict[str, list[str]], shown: str | None) -> None:
        body = {}
        if self.command == "POST":
            length = int(self.headers["Content-Length"])
            body = parse_qs(self.rfile.read(length).decode())
        is_known = shown in (None, BASIC) or bool(body)
        del query
        self._answer(200 if is_known else 401, json.dumps({"token": TOKEN}).encode(), {})

    def _manifest(self, pointer: str) -> None:
        served = self._served
        found = served.tags.get(pointer, {"digest": pointer})
        data = served.spoiled.get(found["digest"], served.parts.blobs.get(found["digest"]))
        if data is None:
            self._answer(404, b"", {})
            return
        try:
            kind = json.loads(data).get("mediaType", "")
        except RecursionError:
            kind = MANIFEST
        self._answer(200, data, {"Content-Type": kind, "Docker-Content-Digest": digest_of(data)})

    def _blob(self, path: str, wanted: str | None) -> None:
        served, digest = self._served, path.rpartition("/")[2]
        data = served.spoiled.get(digest, served.parts.blobs.get(digest))
        if data is None:
            self._answer(404, b"", {})
        elif served.location:
            self._answer(307, b"", {"Location": served.location})
        elif served.redirect:
            self._answer(307, b"", {"Location": f"{served.redirect}{path}?signature=secret"})
        elif wanted and served.ranges:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            said = f"bytes {start}-{len(data) - 1}/{len(data)}"
            self._answer(206, data[start:], {"Content-Range": said}, is_blob=True)
        else:
            self._answer(200, data, {}, is_blob=True)

    def _answer(
        self, status: int, data: bytes, headers: dict[str, str], *, is_blob: bool = False
    ) -> None:
        served = self._served
        self.send_response(status)
        usual = {"Content-Length": str(len(data)), **headers}
        for key, value in {**usual, **(served.headers if status < 300 else {})}.items():
            if value:
                self.send_header(key, value)
        self.end_headers()
        self.close_connection = True
        end = served.stall_bytes if served.stall_bytes is not None else served.cut_bytes
        with suppress(OSError):
            self.wfile.write(data[:end] if is_blob and end is not None else data)
            if is_blob and served.stall_bytes is not None:
                self.wfile.flush()
                served.stopped.wait(20)

    def log_message(self, format: str, *arguments: object) -> None:
        del format, arguments


@contextmanager
def fake_registry(
    parts: Parts | None = None, *, tls: ssl.SSLContext | None = None
) -> Iterator[FakeRegistry]:
    """Serve on loopback, over TLS if asked."""
    served = FakeRegistry(parts or Parts())
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, served))
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    served.host = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()
