"""Bytes of a file behind http(s), taken up again where a link that was lost left off."""

import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Iterator
from http.client import HTTPException, HTTPResponse, InvalidURL
from typing import Final
from urllib.parse import urlsplit

from edge.errors import InputError, LinkError, ServerError, ThingNotFoundError

PIECE_BYTES: Final = 1 << 18
TRIES: Final = 6
TIMEOUT_S: Final = 30.0
_FIRST_WAIT_S: Final = 0.5
_NOT_FOUND: Final = frozenset((404, 410))
_PARTIAL: Final = 206
_AGAIN: Final = frozenset((408, 425, 429, 500, 502, 503, 504))


class _SameSecurity(urllib.request.HTTPRedirectHandler):
    """Follow redirects, but never from https to http."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: object,
        code: int,
        msg: str,
        headers: object,
        newurl: str,
    ) -> urllib.request.Request | None:
        if urlsplit(req.full_url).scheme == "https" and urlsplit(newurl).scheme != "https":
            raise ServerError(f"{req.full_url}: it redirects to {newurl}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def is_url(text: str) -> bool:
    """Return whether a text is a URL that can be fetched.

    Raises:
        InputError: It looks like one, and is not.
    """
    try:
        return urlsplit(text).scheme in ("http", "https")
    except ValueError as error:
        raise InputError(f"{text}: {error}") from error


def get(url: str, *, most_bytes: int) -> bytes | None:
    """Return a small file, None if the server has none.

    Raises:
        InputError: It is longer than `most_bytes`.
        LinkError: The server cannot be reached.
        ServerError: It refuses.
    """
    try:
        data = b""
        for piece in pieces(url):
            data += piece
            if len(data) > most_bytes:
                raise InputError(f"{url}: longer than {most_bytes} bytes")
    except ThingNotFoundError:
        return None
    return data


def pieces(
    url: str, *, sleep: Callable[[float], None] = time.sleep, timeout_s: float = TIMEOUT_S
) -> Generator[bytes]:
    """Give the bytes of a file in order; a link that is lost is taken up where it was.

    Args:
        url: What to fetch.
        sleep: Waits seconds between tries.
        timeout_s: How long a silence is taken for a lost link.

    Raises:
        InputError: It is no URL.
        ThingNotFoundError: The server has no such file.
        ServerError: It refuses, or the file changed in the middle.
        LinkError: It cannot be reached, `TRIES` times in a row without a byte.
    """
    transfer = _Transfer(url, timeout_s)
    failures = 0
    while not transfer.is_done:
        before_bytes = transfer.done_bytes
        try:
            yield from transfer.pieces()
        except InvalidURL as error:
            raise InputError(f"{url}: {error}") from error
        except (OSError, HTTPException) as error:
            failures = 1 if transfer.done_bytes > before_bytes else failures + 1
            if failures >= TRIES:
                reason = getattr(error, "reason", None) or error
                raise LinkError(
                    f"{url}: {reason} at byte {transfer.done_bytes}",
                    hint="the same command goes on where it was",
                ) from error
            sleep(_FIRST_WAIT_S * 2 ** (failures - 1))


class _Transfer:
    """One file on its way: how much came, and what says that it is still the same file."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._opener = urllib.request.build_opener(_SameSecurity())
        self._total_bytes: int | None = None
        self._tag: str | None = None
        self.done_bytes = 0
        self.is_done = False

    def pieces(self) -> Iterator[bytes]:
        """Give what comes over one connection.

        Raises:
            OSError: The link was lost.
        """
        with self._open() as response:
            self._check(response)
            while piece := response.read(PIECE_BYTES):
                self.done_bytes += len(piece)
                yield piece
        if self._total_bytes is not None and self.done_bytes < self._total_bytes:
            raise ConnectionResetError("the connection was closed")
        self.is_done = True

    def _open(self) -> HTTPResponse:
        request = urllib.request.Request(self._url)  # noqa: S310 - the scheme was looked at
        if self.done_bytes:
            request.add_header("Range", f"bytes={self.done_bytes}-")
            # RFC 9110, 13.1.5: a weak tag never holds here; what comes is compared below.
            if self._tag and not self._tag.startswith("W/"):
                request.add_header("If-Range", self._tag)
        try:
            response: HTTPResponse = self._opener.open(request, timeout=self._timeout_s)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in _NOT_FOUND:
                raise ThingNotFoundError(f"{self._url}: {error.code} {error.reason}") from error
            if error.code not in _AGAIN:
                raise ServerError(f"{self._url}: {error.code} {error.reason}") from error
            raise ConnectionError(f"{error.code} {error.reason}") from error
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                raise ServerError(
                    f"{self._url}: its certificate does not hold: {error.reason.verify_message}"
                ) from error
            raise
        return response

    def _check(self, response: HTTPResponse) -> None:
        """See to it that what comes goes on where the last connection ended."""
        length = response.headers.get("Content-Length")
        tag = response.headers.get("ETag") or response.headers.get("Last-Modified")
        if not self.done_bytes:
            self._total_bytes = int(length) if length and length.isdecimal() else None
            self._tag = tag
            return
        start = response.headers.get("Content-Range", "")
        if response.status != _PARTIAL or not start.startswith(f"bytes {self.done_bytes}-"):
            raise ServerError(
                f"{self._url}: the server can not go on at byte {self.done_bytes},"
                " or the file has changed",
                hint="start again, or download the file first",
            )
        if tag != self._tag:
            raise ServerError(f"{self._url}: the file has changed", hint="start again")
