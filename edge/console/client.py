"""Ask the API of a console: what the commands use, and nothing else of the console."""

import http.client
import json
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from edge.errors import (
    EdgeError,
    InputError,
    LinkError,
    RefusedError,
    ServerError,
    ThingNotFoundError,
    UntrustedError,
)

PREFIX: Final = "/api/v1"
_TIMEOUT_S: Final = 60.0
# A server that has a bundle checks all of it before it answers.
_UPLOAD_S: Final = 900.0
_ANSWER_MOST_BYTES: Final = 64 << 20
_GOOD_BELOW: Final = 300
_TOKEN: Final = re.compile(r"[!-~]{1,1000}")
_ERRORS: Final[Mapping[int, type[EdgeError]]] = {
    400: InputError,
    404: ThingNotFoundError,
    409: RefusedError,
    422: UntrustedError,
    503: LinkError,
}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a console is, and what it is shown.

    Attributes:
        url: `https://fleet.example.com:8444`.
        token_file: Its first line is the token.
        authority: File with the certificate of the server's authority; None for the system's.
    """

    url: str
    token_file: Path
    authority: Path | None = None


class Client:
    """Requests to one console.

    Attributes:
        url: Of the console, without a stroke at its end.

    Args:
        address: Where it is.
        timeout_s: How long an answer is waited for, but for uploads.

    Raises:
        InputError: The URL or the token can not be used.
        ThingNotFoundError: A file is not there.
    """

    def __init__(self, address: Address, *, timeout_s: float = _TIMEOUT_S) -> None:
        parts = urlsplit(address.url)
        if parts.scheme != "https" or not parts.hostname or parts.path not in ("", "/"):
            raise InputError(
                f"{address.url!r} is no URL of a console", hint="https://fleet.example.com:8444"
            )
        self._place = (parts.hostname, parts.port or 443)
        self.url = address.url.rstrip("/")
        self._token = _token(address.token_file)
        self._context = _context(address.authority)
        self._timeout_s = timeout_s

    def get(self, path: str, **query: object) -> Any:
        """Return what is there.

        Args:
            path: Below `/api/v1`, its parts quoted (`part`).
            query: Words; those that are None or empty are left out.

        Raises:
            EdgeError: The console says no, or can not be reached.
        """
        given = {name: str(value) for name, value in query.items() if value not in (None, "")}
        return self._ask("GET", f"{path}?{urlencode(given)}" if given else path)

    def pages(self, path: str, name: str, **query: object) -> Iterator[dict[str, Any]]:
        """Yield the things of a list, page by page.

        Raises:
            EdgeError: The console says no, or can not be reached.
        """
        after: object = None
        while True:
            page = self.get(path, after=after, limit=500, **query)
            yield from page[name]
            if not page["next"] or not page[name] or page["next"] == after:
                return
            after = page["next"]

    def newest(self, path: str, name: str, **query: object) -> Iterator[dict[str, Any]]:
        """Yield the things of a log, the newest first, page by page.

        Raises:
            EdgeError: The console says no, or can not be reached.
        """
        before = 0
        while True:
            page = self.get(path, newest="true", before=before, limit=500, **query)
            yield from page[name]
            if not page["next"]:
                return
            before = page["next"]

    def file(self, path: str, **query: object) -> bytes:
        """Return the bytes of a file that is there.

        Raises:
            EdgeError: The console says no, or can not be reached.
        """
        given = {name: str(value) for name, value in query.items() if value not in (None, "")}
        status, said = self._answer("GET", f"{path}?{urlencode(given)}" if given else path)
        if status >= _GOOD_BELOW:
            _read(status, said, self.url)
        return said

    def send(self, method: str, path: str, body: object = None) -> Any:
        """Return what a request with a body of JSON comes to.

        Raises:
            EdgeError: The console says no, or can not be reached.
        """
        return self._ask(method, path, None if body is None else json.dumps(body).encode())

    def upload(self, method: str, path: str, file: Path, **query: object) -> Any:
        """Return what the upload of a file comes to.

        Raises:
            EdgeError: The console says no, or can not be reached.
        """
        asked = f"{path}?{urlencode(query)}" if query else path
        with file.open("rb") as stream:
            return self._ask(method, asked, stream, length_bytes=file.stat().st_size)

    def _ask(
        self, method: str, path: str, body: Any = None, *, length_bytes: int | None = None
    ) -> Any:
        return _read(*self._answer(method, path, body, length_bytes=length_bytes), self.url)

    def _answer(
        self, method: str, path: str, body: Any = None, *, length_bytes: int | None = None
    ) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        if length_bytes is not None:
            headers["Content-Length"] = str(length_bytes)
        timeout_s = self._timeout_s if length_bytes is None else _UPLOAD_S
        connection, is_good = None, False
        try:
            connection = self._connection(timeout_s)
            connection.request(method, f"{PREFIX}{path}", body, headers)
            answer = connection.getresponse()
            said = answer.read(_ANSWER_MOST_BYTES)
            is_good = not answer.will_close
        except ssl.SSLCertVerificationError as error:
            raise UntrustedError(
                f"{self.url}: {error.verify_message}", hint="--ca: the console's tls/server-ca.crt"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise LinkError(f"{self.url}: {why}") from error
        finally:
            if connection is not None:
                self._done(connection, is_good=is_good)
        return answer.status, said

    def _connection(self, timeout_s: float) -> http.client.HTTPSConnection:
        host, port = self._place
        return http.client.HTTPSConnection(host, port, context=self._context, timeout=timeout_s)

    def _done(self, connection: http.client.HTTPSConnection, *, is_good: bool) -> None:
        del is_good
        connection.close()


class KeptClient(Client):
    """Requests one after the other over a connection that is kept.

    Args:
        client: To the same console.
    """

    def __init__(self, client: Client) -> None:
        self.url = client.url
        self._place, self._token, self._context = client._place, client._token, client._context
        self._timeout_s = client._timeout_s
        self._kept: http.client.HTTPSConnection | None = None

    def close(self) -> None:
        """Close the connection."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def _connection(self, timeout_s: float) -> http.client.HTTPSConnection:
        if self._kept is None:
            made = super()._connection(timeout_s)
            try:
                made.connect()
                # Or a key waits until what was sent before it is confirmed.
                made.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except BaseException:
                made.close()
                raise
            self._kept = made
        return self._kept

    def _done(self, connection: http.client.HTTPSConnection, *, is_good: bool) -> None:
        del connection
        if not is_good:
            self.close()


def part(text: str) -> str:
    """Return a name as a part of a path."""
    return quote(text, safe="")


def _read(status: int, said: bytes, url: str) -> Any:
    try:
        found = json.loads(said) if said else None
    except ValueError as error:
        raise ServerError(f"{url}: status {status}, and no JSON") from error
    if status < _GOOD_BELOW:
        return found
    told = found if isinstance(found, dict) else {}
    kind = _ERRORS.get(status, ServerError)
    text = str(told.get("error", f"status {status}"))
    raise kind(text, hint=str(told.get("hint", "")) or None)


def _token(file: Path) -> str:
    if not file.is_file():
        raise ThingNotFoundError(f"{file}: no such file", hint="it holds the token of the console")
    lines = file.read_text(errors="replace").splitlines()
    if not lines or not _TOKEN.fullmatch(lines[0].strip()):
        raise InputError(f"{file}: its first line is no token")
    return lines[0].strip()


def _context(authority: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=authority)
    except FileNotFoundError as error:
        raise ThingNotFoundError(f"{authority}: no such file") from error
    except ssl.SSLError as error:
        raise InputError(f"{authority}: no certificate in PEM") from error
