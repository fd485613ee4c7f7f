"""Requests to a registry: nothing is followed, answered or waited for without a rule.

A request for one server is never carried on to another with what proves who we are; a link from
https to http is not followed; silence, and a trickle, are a lost link.
"""

import errno
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import IO, Final, TypeVar
from urllib.parse import SplitResult, urljoin, urlsplit

from edge.errors import LinkError, RefusedError, ServerError
from edge.oci.registry.endpoint import is_loopback

PIECE_BYTES: Final = 1 << 16
_REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))
_AGAIN: Final = frozenset((408, 425, 429, 500, 502, 503, 504))
_REDIRECTS_MOST: Final = 5
_OWN_TROUBLE: Final = frozenset(
    (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EIO, errno.EMFILE)
)
_LONGEST_WAIT_S: Final = 30.0
_AGENT: Final = "edge"

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server is waited for.

    Attributes:
        timeout_s: A silence that is a lost link.
        tries: In a row without progress.
        first_wait_s: Before the second try; twice as long each time.
        least_bytes_per_s: On the average after `timeout_s`; less is a lost link, and no progress.
        sleep: Waits seconds.
        clock: Seconds that only grow.
    """

    timeout_s: float = 30.0
    tries: int = 5
    first_wait_s: float = 0.5
    least_bytes_per_s: int = 512
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic


class AgainError(OSError):
    """The server said that a later try may do; `wait_s` is what it asked for."""

    def __init__(self, said: str, wait_s: float = 0.0) -> None:
        super().__init__(said)
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Ask:
    """One request; `secret` are headers that only the server of `url` may see."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    secret: Mapping[str, str] = field(default_factory=dict)
    body: bytes | IO[bytes] | None = None
    may_move: bool = True


class _AsIs(urllib.request.HTTPErrorProcessor):
    """Hand every answer back: errors and redirects are for the caller."""

    def http_response(
        self, request: urllib.request.Request, response: HTTPResponse
    ) -> HTTPResponse:
        """Return the response."""
        del request
        return response

    https_response = http_response


class _Prompt(HTTPConnection):
    """A connection whose answer begins in time: a head that trickles in is a lost link."""

    def getresponse(self) -> HTTPResponse:
        sock, late = self.sock, threading.Event()

        def give_up() -> None:
            late.set()
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

        watch = threading.Timer(float(self.timeout or 0), give_up)
        watch.start()
        try:
            response = super().getresponse()
        except (OSError, HTTPException) as error:
            if late.is_set():
                raise TimeoutError("timed out") from error
            raise
        finally:
            watch.cancel()
        if late.is_set():  # a head that was cut off is taken for a whole one
            response.close()
            raise TimeoutError("timed out")
        return response


class _PromptSecure(_Prompt, HTTPSConnection):
    """The same over TLS."""


class _Plain(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> HTTPResponse:
        return self.do_open(_Prompt, req)


class _Secure(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> HTTPResponse:
        return self.do_open(_PromptSecure, req)


class Link:
    """Sends requests, one connection each."""

    def __init__(self, patience: Patience = Patience()) -> None:
        self.patience = patience
        handlers = (_AsIs(), _Plain(), _Secure())
        self._through_proxy = urllib.request.build_opener(*handlers)
        self._direct = urllib.request.build_opener(*handlers, urllib.request.ProxyHandler({}))

    def send(self, ask: Ask) -> HTTPResponse:
        """Return the answer, redirects followed; any status.

        Raises:
            ServerError: It redirects without end or from https to http, or its certificate does
                not hold.
            OSError: The link was lost.
        """
        try:
            return self._followed(ask)
        except ValueError as error:
            raise ServerError(f"it leads to what is no address: {error}") from error

    def _followed(self, ask: Ask) -> HTTPResponse:
        url, headers = ask.url, {**ask.headers, **ask.secret}
        for _ in range(_REDIRECTS_MOST + 1):
            response = self._once(ask.method, url, headers, ask.body)
            location = response.headers.get("Location")
            if response.status not in _REDIRECTS or not ask.may_move or not location:
                return response
            response.close()
            target = urljoin(url, location)
            _require_followable(url, target)
            if origin_of(target) != origin_of(ask.url):
                headers = dict(ask.headers)
            url = target
        raise ServerError(f"{shown(ask.url)}: it redirects without end")

    def _once(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | IO[bytes] | None
    ) -> HTTPResponse:
        if urlsplit(url).scheme not in ("http", "https"):
            raise ServerError(f"{shown(url)}: is not to be fetched")
        words = {"User-Agent": _AGENT, "Accept-Encoding": "identity", **headers}
        request = urllib.request.Request(url, data=body, headers=words, method=method)  # noqa: S310
        opener = self._direct if is_loopback(urlsplit(url).netloc) else self._through_proxy
        try:
            response: HTTPResponse = opener.open(request, timeout=self.patience.timeout_s)
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                raise ServerError(
                    f"{shown(url)}: its certificate does not hold: {error.reason.verify_message}",
                    hint="SSL_CERT_FILE names the certificates of your own authority",
                ) from error
            raise
        return response

    def pieces(self, response: HTTPResponse, *, most_bytes: int) -> Iterator[bytes]:
        """Give what comes over one connection.

        Raises:
            RefusedError: It is more than `most_bytes`; what was given before is within.
            OSError: The link was lost: closed, silent, or all but silent.
        """
        started_s, done_bytes = self.patience.clock(), 0
        while piece := response.read1(PIECE_BYTES):
            done_bytes += len(piece)
            if done_bytes > most_bytes:
                raise RefusedError(f"more than {most_bytes} bytes")
            yield piece
            passed_s = self.patience.clock() - started_s
            is_trickle = done_bytes < passed_s * self.patience.least_bytes_per_s
            if passed_s > self.patience.timeout_s and is_trickle:
                raise TimeoutError(f"only {done_bytes} bytes in {passed_s:.0f} s")

    def tried(self, what: str, attempt: Callable[[], Found], moved: Callable[[], int]) -> Found:
        """Return what an attempt gives; one that lost its link is made again.

        Args:
            what: What errors call it.
            attempt: Raises OSError or HTTPException where another try may do.
            moved: The bytes that came: with enough of them the tries count anew.

        Raises:
            LinkError: No try led on.
            OSError: It is this machine that can not go on: a full disk.
        """
        failures = 0
        least_bytes = self.patience.timeout_s * self.patience.least_bytes_per_s
        while True:
            before = moved()
            try:
                return attempt()
            except (OSError, HTTPException) as error:
                if isinstance(error, OSError) and error.errno in _OWN_TROUBLE:
                    raise
                failures = 1 if moved() - before > least_bytes else failures + 1
                if failures >= self.patience.tries:
                    reason = getattr(error, "reason", None) or error
                    raise LinkError(
                        f"{what}: {reason}",
                        hint="look at the network and try again; what came is kept",
                    ) from error
                asked_s = error.wait_s if isinstance(error, AgainError) else 0.0
                wait_s = max(asked_s, self.patience.first_wait_s * 2 ** (failures - 1))
                self.patience.sleep(min(wait_s, _LONGEST_WAIT_S))


def require_no_trouble(response: HTTPResponse) -> None:
    """Raise AgainError for an answer that may be another one later."""
    if response.status in _AGAIN:
        wait = response.headers.get("Retry-After", "")
        response.close()
        raise AgainError(
            f"{response.status} {response.reason}", float(wait) if wait.isdecimal() else 0.0
        )


def _require_followable(source: str, target: str) -> None:
    before, after = urlsplit(source), urlsplit(target)
    if before.scheme == "https" and after.scheme != "https":
        raise ServerError(f"{shown(source)}: it redirects to {shown(target)}, which is not https")
    if after.scheme == "http" and after.netloc != before.netloc and not is_loopback(after.netloc):
        raise ServerError(f"{shown(source)}: it redirects to {shown(target)}, which is plain HTTP")


def address(url: str) -> SplitResult:
    """Return the parts of what a server says is an address.

    Raises:
        ServerError: It is none.
    """
    try:
        return urlsplit(url)
    except ValueError as error:
        raise ServerError(f"{url!r} is no address: {error}") from error


def origin_of(url: str) -> tuple[str, str]:
    """Return scheme and server: what may see a secret that was meant for it."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.rpartition("@")[2].lower()


def shown(url: str) -> str:
    """Return an address without its query, which may hold a signature, and without names."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
