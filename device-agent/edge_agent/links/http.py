"""The link by HTTP: ask for the order now and then, with an ETag, on a connection that is kept."""

import re
import ssl
import threading
from collections.abc import Callable, Sequence
from http.client import NO_CONTENT, NOT_FOUND, NOT_MODIFIED, OK
from typing import Final

from edge_agent.identity import Identity
from edge_agent.link import RefusedByServerError, WrongAnswerError
from edge_agent.links import tls
from edge_agent.links.exchange import AddressError, Answer, Exchange, Server
from edge_agent.links.guarded import Pace
from edge_agent.links.http_files import HttpFiles
from edge_signing import commands, messages, topics
from edge_signing.commands import Command, Reply
from edge_signing.messages import MESSAGE_MOST_BYTES, Desired, EventId, ReportEvent, Status
from edge_signing.terminal import parcels
from edge_signing.terminal.parcels import Parcel

REPOSITORY: Final = "repository/"
_JSON: Final = {"Content-Type": "application/json"}
_ETAG: Final = re.compile(r'(?:W/)?"[!#-~]{0,128}"')


class HttpLink:
    """A server by its URL.

    Attributes:
        on_asked: Called when the server says that there are commands for this device.
        on_terminal: Called when it says that somebody wants to open a terminal.

    Args:
        url: `https://…/`; plain HTTP only where no token is sent.
        identity: Of this device; its certificate is shown to this server alone.
        token: Sent to this server instead of the certificate.
        boot_id: Of this start of the system; told to this server alone.
        is_clock_known: See `tls.context`.
        pace: How slow servers may be.

    Raises:
        AddressError: The URL can not be used.
    """

    def __init__(
        self,
        url: str,
        identity: Identity,
        *,
        token: str = "",
        boot_id: str = "",
        is_clock_known: Callable[[], bool] = lambda: True,
        pace: Pace | None = None,
    ) -> None:
        self._server = Server.of(url)
        self._identity = identity
        self._token = token
        self._boot_id = boot_id
        self._is_clock_known = is_clock_known
        self._pace = pace or Pace()
        if token and self._server.scheme != "https":
            raise AddressError(f"{url}: a token is sent over TLS only")
        self._exchange = self._to(self._server)
        self._files: tuple[str, HttpFiles] | None = None
        self._etag = ""
        self._desired: Desired | None = None
        self._woken = threading.Event()
        self.on_asked: Callable[[], None] = lambda: None
        self.on_terminal: Callable[[], None] = lambda: None

    def desired(self) -> Desired | None:
        """Return the newest order; see `edge_agent.link.Link`."""
        headers = {"If-None-Match": self._etag} if self._etag else {}
        if self._boot_id:
            headers[topics.BOOT_HEADER] = self._boot_id
        answer = self._exchange.ask("GET", self._path("desired"), headers=headers)
        if answer.header(topics.ASKED_HEADER):
            self.on_asked()
        if answer.header(topics.TERMINAL_HEADER):
            self.on_terminal()
        if answer.status == NOT_MODIFIED and self._etag:
            return self._desired
        if answer.status == NO_CONTENT:
            self._etag, self._desired = "", None
            return None
        body = _body(answer)
        self._etag = ""
        self._desired = Desired.unpack(body)
        etag = answer.header("ETag")
        self._etag = etag if _ETAG.fullmatch(etag) else ""
        return self._desired

    def wait(self, timeout_s: float) -> bool:
        """Wait; nothing comes by itself over HTTP."""
        self._woken.wait(timeout_s)
        self._woken.clear()
        return False

    def wake(self) -> None:
        """End the wait that is under way; see `edge_agent.link.Link`."""
        self._woken.set()

    def send_state(self, status: Status) -> None:
        """Tell the state; see `edge_agent.link.Link`."""
        self._exchange.ask("PUT", self._path("state"), headers=_JSON, body=status.pack())

    def send_events(self, events: Sequence[ReportEvent]) -> Sequence[EventId]:
        """Tell events; see `edge_agent.link.Link`."""
        told = messages.pack_events(events)
        answer = self._exchange.ask("POST", self._path("events"), headers=_JSON, body=told)
        return messages.unpack_stored(_body(answer))

    def commands(self) -> Sequence[Command]:
        """Return what is asked of this device; nothing by a server that knows of none.

        Raises:
            LinkError: It may work later.
            RefusedByServerError: The server does not know this device.
            FormatError: They can not be read.
        """
        try:
            answer = self._exchange.ask("GET", self._path("commands"))
        except RefusedByServerError as error:
            if error.status == NOT_FOUND:
                return ()
            raise
        return () if answer.status == NO_CONTENT else commands.unpack_commands(_body(answer))

    def send_reply(self, reply: Reply) -> None:
        """Tell a part of an answer.

        Raises:
            LinkError: It may work later.
            RefusedByServerError: The server does not take it.
        """
        self._exchange.ask("POST", self._path("replies"), headers=_JSON, body=reply.pack())

    def parcels(self, session: str, after: int, wait_s: int) -> Sequence[Parcel]:
        """Return what is sent to a terminal of this device.

        Args:
            session: Its id; empty for one that somebody wants to open.
            after: The number of the last parcel that is here.
            wait_s: How long the server may wait until there is one.

        Raises:
            LinkError: It may work later.
            RefusedByServerError: There is no such session any more.
            FormatError: They can not be read.
        """
        words = f"session={session}&after={after}&wait_s={wait_s}"
        answer = self._exchange.ask("GET", f"{self._path('terminal')}?{words}")
        if answer.status == NO_CONTENT:
            return ()
        return parcels.unpack(_body(answer, parcels.MESSAGE_MOST_BYTES))

    def send_parcels(self, said: Sequence[Parcel]) -> None:
        """Tell what a terminal says.

        Raises:
            LinkError: It may work later.
            RefusedByServerError: There is no such session any more.
        """
        body = parcels.pack(said)
        self._exchange.ask("POST", self._path("terminal"), headers=_JSON, body=body)

    def repository(self, url: str) -> HttpFiles:
        """Return the files of a repository; see `edge_agent.link.Link`."""
        if self._files is None or self._files[0] != url:
            if self._files is not None:
                self._files[1].close()
            server = Server.of(url or f"{self._server.place}{self._server.path}{REPOSITORY}")
            self._files = (url, HttpFiles(self._to(server)))
        return self._files[1]

    def close(self) -> None:
        """Close the connections."""
        self._woken.set()
        self._exchange.close()
        if self._files is not None:
            self._files[1].close()
            self._files = None

    def _path(self, what: str) -> str:
        return topics.path(self._identity.device, what)

    def _to(self, server: Server) -> Exchange:
        """Return a connection; who is not our server gets neither certificate nor token."""
        is_ours = server.is_same(self._server)
        headers = {"User-Agent": "edge-agent"}
        if is_ours and self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        shown = is_ours and not self._token

        def context() -> ssl.SSLContext:
            is_known = self._is_clock_known()
            return tls.context(self._identity, is_clock_known=is_known, with_certificate=shown)

        chosen = context if server.scheme == "https" else None
        return Exchange(server, chosen, headers=headers, pace=self._pace)


def _body(answer: Answer, most_bytes: int = MESSAGE_MOST_BYTES) -> bytes:
    if answer.status != OK:
        raise WrongAnswerError(f"status {answer.status} where 200 is due")
    return answer.body(most_bytes)
