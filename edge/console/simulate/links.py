"""The links of simulated devices: the messages of the agent, for many devices in one loop."""

import asyncio
import socket
import ssl
from asyncio import sslproto
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, Final, Protocol
from urllib.parse import urlsplit
from weakref import WeakSet

import aiohttp
from paho.mqtt.client import MQTTMessage

from edge.console.mqtt.client import Address, MqttClient, Will
from edge.errors import InputError, LinkError, ServerError
from edge_signing import commands, messages, topics
from edge_signing.commands import Command, Reply
from edge_signing.errors import FormatError
from edge_signing.messages import MESSAGE_MOST_BYTES, Desired, EventId, ReportEvent, Status

SESSION_S: Final = 3600
WILL_DELAY_S: Final = 30
IN_FLIGHT_MOST: Final = 20
STORED_S: Final = 15.0
_TIMEOUT: Final = aiohttp.ClientTimeout(total=60, connect=30)
_TURNS: Final = 20
_END_S: Final = 5.0
_TLS_BUFFER_BYTES: Final = 32 << 10
# Longer than between two polls, or each one begins with a handshake; the console has a minute more.
_KEEP_ALIVE_S: Final = 900.0


class DeviceLink(Protocol):
    """A way to the server, for one device."""

    async def open(self, boot_id: str) -> None:
        """Be there, as a start of the system.

        Raises:
            LinkError: The server is not there.
            ServerError: It does not let the device in.
        """

    async def order(self, timeout_s: float) -> Desired | None:
        """Return what the device should run, at once if that is news, else after a while.

        Raises:
            LinkError: The server is lost.
            ServerError: It does not let the device in.
        """

    async def send_status(self, status: Status) -> None:
        """Tell how the device is; errors as of `order`."""

    async def send_events(self, events: Sequence[ReportEvent]) -> Sequence[EventId]:
        """Tell events, and return those that the server has stored; errors as of `order`."""

    async def commands(self) -> Sequence[Command]:
        """Return what the device was asked since the last time; errors as of `order`."""

    async def send_reply(self, reply: Reply) -> None:
        """Tell a part of an answer; errors as of `order`."""

    def break_off(self) -> None:
        """Be gone without a word."""

    async def close(self, boot_id: str) -> None:
        """Say goodbye and be gone."""


class HttpDevice:
    """A device that polls.

    Args:
        session: Shared by all.
        url: Of the server, with a slash at its end.
        context: TLS with the certificate of the device.
    """

    def __init__(
        self, session: aiohttp.ClientSession, url: str, device: str, context: ssl.SSLContext
    ) -> None:
        self._session, self._url, self._context = session, url, context
        self._device = device
        self._etag = ""
        self._desired: Desired | None = None
        self._is_new = True
        self._is_asked = False

    async def open(self, boot_id: str) -> None:
        """Do nothing: each request is its own."""

    async def order(self, timeout_s: float) -> Desired | None:
        """Poll, after the time between two polls."""
        if not self._is_new:
            await asyncio.sleep(timeout_s)
        self._is_new = False
        headers = {"If-None-Match": self._etag} if self._etag else {}
        status, etag, body = await self._ask("GET", "desired", headers=headers)
        if status == HTTPStatus.NOT_MODIFIED:
            return self._desired
        self._etag = etag
        self._desired = _order(body)
        return self._desired

    async def send_status(self, status: Status) -> None:
        """Tell how the device is."""
        await self._ask("PUT", "state", status.pack())

    async def send_events(self, events: Sequence[ReportEvent]) -> Sequence[EventId]:
        """Tell events."""
        _status, _etag, body = await self._ask("POST", "events", messages.pack_events(events))
        try:
            return messages.unpack_stored(body)
        except FormatError as error:
            raise LinkError(str(error)) from error

    async def commands(self) -> Sequence[Command]:
        """Ask what the device is asked, if the last answer said that there is something."""
        if not self._is_asked:
            return ()
        self._is_asked = False
        _status, _etag, body = await self._ask("GET", "commands")
        try:
            return commands.unpack_commands(body) if body else ()
        except FormatError as error:
            raise LinkError(str(error)) from error

    async def send_reply(self, reply: Reply) -> None:
        """Tell a part of an answer."""
        await self._ask("POST", "replies", reply.pack())

    def break_off(self) -> None:
        """Poll at once when the device is back."""
        self._is_new = True

    async def close(self, boot_id: str) -> None:
        """Do nothing: nobody says goodbye over HTTP."""

    async def _ask(
        self,
        method: str,
        what: str,
        body: bytes | None = None,
        *,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, str, bytes]:
        asking = asyncio.ensure_future(self._asked(method, what, body, headers or {}))
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            # A connection of TLS that is left in the middle stays until its server agrees.
            await asyncio.wait({asking}, timeout=_END_S)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            raise

    async def _asked(
        self, method: str, what: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, str, bytes]:
        url = f"{self._url}{topics.path(self._device, what)}"
        said = {"Content-Type": "application/json"} if body is not None else {}
        try:
            async with self._session.request(
                method, url, data=body, headers={**said, **headers}, ssl=self._context
            ) as answer:
                data = await answer.content.read(MESSAGE_MOST_BYTES + 1)
                status, etag = answer.status, answer.headers.get("ETag", "")
                self._is_asked |= topics.ASKED_HEADER in answer.headers
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise LinkError(f"{method} {url}: {str(error) or type(error).__name__}") from error
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise LinkError(f"{method} {url}: status {status}")
        if status >= HTTPStatus.BAD_REQUEST:
            raise ServerError(f"{method} {url}: status {status}")
        return status, etag, data


class MqttDevice:
    """A device behind a broker.

    Args:
        address: Of the broker, with TLS by the certificate of the device.
        asks: By which it asks to be let in before it connects for the first time.
    """

    def __init__(self, address: Address, device: str, asks: HttpDevice | None = None) -> None:
        self._address, self._device, self._asks = address, device, asks
        self._client: MqttClient | None = None
        self._desired: Desired | None = None
        self._news = asyncio.Event()
        self._stored: set[EventId] = set()
        self._told = asyncio.Event()
        self._commands: deque[Command] = deque(maxlen=commands.COMMANDS_MOST)

    async def open(self, boot_id: str) -> None:
        """Connect, hear orders, and say that the device is there."""
        if self._asks is not None:
            await self._asks.order(0)
            self._asks = None
        device = self._device
        gone = messages.pack_online(boot_id, is_online=False)
        client = self._client = MqttClient(
            self._address,
            device,
            hear=self._hear,
            session_s=SESSION_S,
            will=Will(topics.online(device), gone, WILL_DELAY_S),
            in_flight_most=IN_FLIGHT_MOST,
        )
        await client.connect()
        await client.subscribe(
            topics.desired(device), topics.stored(device), topics.command(device), topics.WAKE
        )
        there = messages.pack_online(boot_id, is_online=True)
        client.publish(topics.online(device), there, retain=True)

    async def order(self, timeout_s: float) -> Desired | None:
        """Wait for an order."""
        client = self._there()
        lost = asyncio.create_task(client.lost.wait())
        news = asyncio.create_task(self._news.wait())
        try:
            await asyncio.wait({lost, news}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            lost.cancel()
            news.cancel()
        self._there()
        self._news.clear()
        return self._desired

    async def send_status(self, status: Status) -> None:
        """Tell how the device is; retained."""
        self._there().publish(topics.state(self._device), status.pack(), retain=True)

    async def send_events(self, events: Sequence[ReportEvent]) -> Sequence[EventId]:
        """Tell events, and wait until the server says that it has them."""
        wanted = {event.id for event in events}
        self._stored.clear()
        self._there().publish(topics.events(self._device), messages.pack_events(events))
        try:
            async with asyncio.timeout(STORED_S):
                while not self._stored & wanted:
                    self._told.clear()
                    await self._told.wait()
        except TimeoutError as error:
            raise LinkError(f"{self._device}: nobody says that events are stored") from error
        return [one for one in self._stored if one in wanted]

    async def commands(self) -> Sequence[Command]:
        """Return what came."""
        found = list(self._commands)
        self._commands.clear()
        return found

    async def send_reply(self, reply: Reply) -> None:
        """Tell a part of an answer."""
        self._there().publish(topics.reply(self._device), reply.pack())

    def break_off(self) -> None:
        """Lose the connection."""
        if self._client is not None:
            self._client.break_off()

    async def close(self, boot_id: str) -> None:
        """Say that the device goes, and go."""
        client = self._client
        if client is None:
            return
        if client.is_there:
            gone = messages.pack_online(boot_id, is_online=False)
            client.publish(topics.online(self._device), gone, retain=True)
            await client.flush()
        await client.disconnect()

    def _there(self) -> MqttClient:
        if self._client is None or not self._client.is_there:
            raise LinkError(f"{self._device}: the broker is lost")
        return self._client

    def _hear(self, message: MQTTMessage) -> None:
        try:
            match message.topic.rpartition("/")[2]:
                case "desired":
                    self._desired = _order(bytes(message.payload))
                    self._news.set()
                case "stored":
                    self._stored.update(messages.unpack_stored(bytes(message.payload)))
                    self._told.set()
                case "cmd":
                    self._commands.append(Command.unpack(bytes(message.payload)))
                    self._news.set()
                case "wake":
                    self._news.set()
                case _:
                    pass
        except (FormatError, LinkError):
            # An order that can not be read is as none.
            self._desired = None


def server_of(url: str) -> str:
    """Return an URL of a server with a slash at its end.

    Raises:
        InputError: It is no such URL.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
        raise InputError(f"{url!r} is no URL of a server", hint="write https://localhost:8443/")
    return url if url.endswith("/") else f"{url}/"


@asynccontextmanager
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Give what all devices share that poll; all its connections are closed after."""
    # What asyncio keeps for each connection with TLS, 256 KiB else. A record has 16 KiB at most.
    sslproto.SSLProtocol.max_size = _TLS_BUFFER_BYTES
    opened: WeakSet[socket.socket] = WeakSet()

    def made(address: tuple[Any, ...]) -> socket.socket:
        one = socket.socket(*address[:3])
        opened.add(one)
        return one

    connector = aiohttp.TCPConnector(limit=0, socket_factory=made, keepalive_timeout=_KEEP_ALIVE_S)
    try:
        async with aiohttp.ClientSession(
            connector=connector, timeout=_TIMEOUT, auto_decompress=False
        ) as one:
            yield one
    finally:
        # asyncio closes a connection of TLS in later turns of its loop, or when the server agrees.
        for _turn in range(_TURNS):
            await asyncio.sleep(0)
        for left in opened:
            left.close()


def _order(body: bytes) -> Desired | None:
    try:
        return Desired.unpack(body) if body else None
    except FormatError as error:
        raise LinkError(f"the order can not be read: {error}") from error
