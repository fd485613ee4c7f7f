"""A web server that takes webhooks."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Receiver:
    """What came, and what is answered.

    Attributes:
        statuses: Of the next answers; 204 after them.
        location: Where a redirection leads.
    """

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    location: str = ""
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    news: threading.Condition = field(default_factory=threading.Condition)

    def wait(self, count: int, timeout_s: float = 10) -> None:
        """Wait until so many requests came."""
        with self.news:
            assert self.news.wait_for(lambda: len(self.came) >= count, timeout_s), self.came


@contextmanager
def running() -> Iterator[Receiver]:
    """Run a receiver on the loopback."""
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with found.news:
                status = found.statuses.pop(0) if found.statuses else 204
                found.came.append((dict(self.headers), body))
                found.news.notify_all()
            self.send_response(status)
            if found.location:
                self.send_header("Location", found.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
