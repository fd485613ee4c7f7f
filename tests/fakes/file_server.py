"""A web server with files, Range and tags; it can lose the link after so many bytes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FileServer:
    """What is served, and what goes wrong.

    Attributes:
        files: By path, without the slash at the start.
        cut_bytes: After so many bytes of a file the connection is closed, each time.
        statuses: Answers to give before anything else, one a request.
        ranges: The server knows Range.
        tag: The ETag of every file.
        asked: The paths that were asked for, with their Range.
    """

    files: dict[str, bytes]
    cut_bytes: int | None = None
    statuses: list[int] = field(default_factory=list)
    ranges: bool = True
    tag: str = '"1"'
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    url: str = ""


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, served: FileServer, *arguments: object) -> None:
        self._served = served
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        served = self._served
        path, wanted = self.path.lstrip("/"), self.headers.get("Range")
        served.asked.append((path, wanted))
        if served.statuses:
            self._end(served.statuses.pop(0))
        elif path not in served.files:
            self._end(404)
        else:
            self._send(served.files[path], wanted)

    def _send(self, data: bytes, wanted: str | None) -> None:
        served, start = self._served, 0
        if wanted and served.ranges and self._is_same(self.headers.get("If-Range")):
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("ETag", served.tag)
        self.end_headers()
        end = len(data) if served.cut_bytes is None else start + served.cut_bytes
        with suppress(OSError):
            self.wfile.write(data[start:end])
        self.close_connection = True

    def _is_same(self, tag: str | None) -> bool:
        """Compare strongly, as RFC 9110 has it: a weak tag is never the same."""
        return tag is None or (tag == self._served.tag and not tag.startswith("W/"))

    def _end(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        del format, arguments


@contextmanager
def file_server(served: FileServer) -> Iterator[FileServer]:
    """Serve on loopback; `url` ends with a slash."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, served))
    served.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
