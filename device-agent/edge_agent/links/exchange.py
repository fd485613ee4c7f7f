"""One connection to one HTTP server: it is kept, and made again when it was lost while idle.

Every request is safe to repeat. Redirects are not followed: a repository may be anywhere, its URL
says where. Not for more than one thread.

Source: RFC 9110, RFC 9112.
"""

import http.client
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from edge_agent.errors import AgentError
from edge_agent.link import LinkError, RefusedByServerError, WrongAnswerError
from edge_agent.links import tls
from edge_agent.links.guarded import GuardedSocket, Pace

_PORTS: Final = {"http": 80, "https": 443}
_LATER: Final = (408, 425, 429)
_WAIT: Final = re.compile(r"[0-9]{1,6}")
_WAIT_MOST_S: Final = 3600.0
_DRAIN_MOST_BYTES: Final = 64 << 10
_LAST_WORD_S: Final = 1.0


class AddressError(AgentError):
    """A URL can not be used."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server is, and what is asked of it ahead of each path."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def of(cls, url: str) -> "Server":
        """Return the server that a URL names, whose path ends with a slash.

        Raises:
            AddressError: It is no such URL.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise AddressError(f"{url!r}: {error}") from error
        plain = not (parts.query or parts.fragment or parts.username or parts.password)
        if parts.scheme not in _PORTS or not parts.hostname or not plain or not _is_visible(url):
            raise AddressError(f"{url!r} is no URL of a server")
        path = parts.path if parts.path.endswith("/") else f"{parts.path}/"
        return cls(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], path)

    @property
    def place(self) -> str:
        """Who it is, for errors."""
        return f"{self.scheme}://{self.host}:{self.port}"

    def is_same(self, other: "Server") -> bool:
        """Whether it is the same server, under whatever path."""
        return self.place == other.place


class Exchange:
    """Requests to one server, one after the other.

    Args:
        server: Where it is.
        context: Returns the context of TLS for a new connection; None for plain HTTP.
        headers: Sent with each request.
        pace: How slow it may be.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        server: Server,
        context: Callable[[], ssl.SSLContext] | None,
        *,
        headers: Mapping[str, str] | None = None,
        pace: Pace | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.server = server
        self._context = context
        self._headers = dict(headers or {})
        self._pace = pace or Pace()
        self._clock = clock
        self._connection: http.client.HTTPConnection | None = None
        self._answer: Answer | None = None

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        total_s: float | None = None,
    ) -> "Answer":
        """Return the answer to a request, of status 2xx, 304 or 416, its body not read yet.

        Args:
            method: `GET`, `PUT` or `POST`.
            path: Below that of the server.
            headers: Beside those of every request.
            body: What is sent.
            total_s: The longest that it may take; that of the pace when None.

        Raises:
            LinkError: It may work later.
            RefusedByServerError: The server says no.
        """
        limit_s = self._pace.total_s if total_s is None else total_s
        self._finish()
        words = {**self._headers, **(headers or {})}
        if self._connection is not None:
            with suppress(_StaleError):
                return self._sent(method, path, words, body, limit_s)
        return self._sent(method, path, words, body, limit_s)

    def is_coming(self, answer: "Answer") -> bool:
        """Whether this is the answer whose body is under way."""
        return self._answer is answer

    def close(self) -> None:
        """Close the connection; the next request makes a new one."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._answer = None

    def _finish(self) -> None:
        """Make the connection free for the next request."""
        answer, self._answer = self._answer, None
        if answer is not None and not answer.drained(_DRAIN_MOST_BYTES):
            self.close()

    def _sent(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None, limit_s: float
    ) -> "Answer":
        target = f"{self.server.path}{path}"
        try:
            connection = self._connected()
            guarded: Any = connection.sock
            guarded.begin(limit_s)
            connection.request(method, target, body, dict(headers))
            answer = Answer(connection.getresponse(), guarded, f"{self.server.place}{target}")
            answer.require_length()
        except AgentError:
            self.close()
            raise
        except (ConnectionError, ssl.SSLEOFError) as error:
            why = self._last_word()
            self.close()
            raise why or _StaleError(f"{self.server.place}: the link was lost") from error
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise told(error, self.server.place) from error
        self._answer = answer
        try:
            answer.require_good()
        except (LinkError, RefusedByServerError):
            self._finish()
            raise
        return answer

    def _last_word(self) -> AgentError | None:
        """Return what the server said before it closed: with TLS 1.3 its no comes that late."""
        guarded: Any = self._connection.sock if self._connection is not None else None
        if guarded is None:
            return None
        try:
            guarded.begin(_LAST_WORD_S)
            guarded.read_into(bytearray(1))
        except ssl.SSLError as error:
            found = tls.as_ours(error, self.server.place)
            return found if isinstance(found, RefusedByServerError) else None
        except (OSError, AgentError):
            return None
        return None

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is None:
            connection = http.client.HTTPConnection(self.server.host, self.server.port)
            connection.auto_open = 0
            connection.sock = GuardedSocket(
                self._socket(), self._pace, self._clock, self.server.place
            )
            self._connection = connection
        return self._connection

    def _socket(self) -> socket.socket:
        where = (self.server.host, self.server.port)
        plain = socket.create_connection(where, timeout=self._pace.connect_s)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._context is None:
            return plain
        try:
            return self._context().wrap_socket(plain, server_hostname=self.server.host)
        except BaseException:
            plain.close()
            raise


class Answer:
    """The head of an answer, and its body piece by piece."""

    def __init__(
        self, response: http.client.HTTPResponse, guarded: GuardedSocket, place: str
    ) -> None:
        self._response = response
        self._guarded = guarded
        self._place = place
        self.status = response.status

    def header(self, name: str) -> str:
        """Return a header, empty if it is not there."""
        return self._response.getheader(name) or ""

    @property
    def length_bytes(self) -> int | None:
        """How many bytes of the body are left, None if the server did not say."""
        return self._response.length

    def piece(self, most_bytes: int) -> bytes:
        """Return what is there of the body, at most so much; empty at its end.

        Raises:
            LinkError: It is lost, or too slow.
        """
        left = self._response.length
        try:
            data = self._response.read1(most_bytes)
        except (OSError, http.client.HTTPException) as error:
            raise told(error, self._place) from error
        if not data and left:
            raise LinkError(f"{self._place}: the link was lost {left} bytes before the end")
        return data

    def resume(self, total_s: float | None = None) -> None:
        """Go on to read, after a time in which nobody waited for bytes."""
        self._guarded.begin(total_s)

    def body(self, most_bytes: int) -> bytes:
        """Return the whole body.

        Raises:
            WrongAnswerError: It is longer.
            LinkError: It is lost, or too slow.
        """
        found = bytearray()
        while piece := self.piece(most_bytes + 1 - len(found)):
            found += piece
            if len(found) > most_bytes:
                raise WrongAnswerError(f"{self._place}: more than {most_bytes} bytes")
        return bytes(found)

    def drained(self, most_bytes: int) -> bool:
        """Read the rest if it is short; whether the connection is free then."""
        response = self._response
        is_free = not response.will_close
        if not response.isclosed():
            is_free = is_free and response.length is not None and response.length <= most_bytes
            with suppress(AgentError):
                while is_free and self.piece(most_bytes):
                    pass
            is_free = is_free and not response.length
            response.close()
        return is_free

    def require_length(self) -> None:
        """Refuse an answer that says nowhere how long it is: its loss could not be seen.

        Raises:
            WrongAnswerError: It is such a one.
        """
        if self._response.length is None and not self._response.chunked:
            raise WrongAnswerError(f"{self._place}: an answer without a length")

    def require_good(self) -> None:
        """Refuse an answer that is none to what was asked.

        Raises:
            LinkError: It may be another one later.
            RefusedByServerError: It will not.
        """
        status = self.status
        said = f"{self._place}: status {status}"
        if status >= 500 or status in _LATER:
            wait = self.header("Retry-After")
            wait_s = min(float(wait), _WAIT_MOST_S) if _WAIT.fullmatch(wait) else 0.0
            raise LinkError(said, wait_s=wait_s)
        if status in (http.client.NOT_MODIFIED, http.client.REQUESTED_RANGE_NOT_SATISFIABLE):
            return
        if status >= 400:
            raise RefusedByServerError(said, status=status)
        if status >= 300:
            raise WrongAnswerError(f"{said}: redirects are not followed")
        if self.header("Content-Encoding") not in ("", "identity"):
            raise WrongAnswerError(f"{self._place}: an encoding that was not asked for")


def told(error: OSError | http.client.HTTPException, place: str) -> AgentError:
    """Return an error of a connection as ours."""
    if isinstance(error, OSError):
        return tls.as_ours(error, place)
    return WrongAnswerError(f"{place}: not HTTP as it should be: {type(error).__name__}")


class _StaleError(LinkError):
    """A connection that was kept is lost."""


def _is_visible(url: str) -> bool:
    return all("!" <= one <= "~" for one in url)
