"""paho's client without a thread of its own: its socket is one of the event loop.

Only connecting (with the handshake of TLS) is done in a thread, for paho blocks there.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge.errors import InputError, LinkError, ServerError

CONNECT_S: Final = 10.0
_PORT: Final = 8883
_LOOK_S: Final = 1.0
_GOODBYE_S: Final = 2.0
Hear = Callable[[paho.MQTTMessage], None]


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says when the client is lost."""

    topic: str
    payload: bytes
    delay_s: int = 0


@dataclass(frozen=True, slots=True)
class Address:
    """Where a broker is, and what is shown to it."""

    host: str
    port: int
    context: ssl.SSLContext


class MqttClient:
    """A client of one broker; may connect again after it was lost. For one event loop.

    Args:
        address: Of the broker.
        client_id: Under which it connects.
        hear: Called with each message.
        session_s: How long the broker keeps the session of a client that is lost.
        will: What is said then.
        keepalive_s: How often a silent connection is probed.
        packet_most_bytes: What the broker may send at most.
        in_flight_most: How many messages are on the way at once, in each direction.
    """

    def __init__(
        self,
        address: Address,
        client_id: str,
        *,
        hear: Hear | None = None,
        session_s: int = 0,
        will: Will | None = None,
        keepalive_s: int = 60,
        packet_most_bytes: int = 256 << 10,
        in_flight_most: int = 1000,
    ) -> None:
        self._address = address
        self._hear = hear
        self._keepalive_s = keepalive_s
        self._session_s = session_s
        self._properties = properties(
            PacketTypes.CONNECT,
            SessionExpiryInterval=session_s,
            ReceiveMaximum=in_flight_most,
            MaximumPacketSize=packet_most_bytes,
        )
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id, protocol=paho.MQTTv5)
        client.tls_set_context(address.context)
        client.connect_timeout = CONNECT_S
        client.max_inflight_messages_set(in_flight_most)
        if will is not None:
            said = properties(PacketTypes.WILLMESSAGE, WillDelayInterval=will.delay_s)
            client.will_set(will.topic, will.payload, 1, retain=True, properties=said)
        client.on_socket_open = self._on_socket_open
        client.on_socket_close = self._on_socket_close
        client.on_socket_register_write = self._on_register_write
        client.on_socket_unregister_write = self._on_unregister_write
        client.on_connect = self._on_connect
        client.on_subscribe = client.on_unsubscribe = self._on_agreed
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        self._client = client
        self._socket: socket.socket | None = None
        self._answer: asyncio.Future[ReasonCode] | None = None
        self._subscribed: dict[int, asyncio.Future[None]] = {}
        self._misc: asyncio.TimerHandle | None = None
        self._on_the_way: set[int] = set()
        self._acknowledged = asyncio.Event()
        self._acknowledged.set()
        self.lost = asyncio.Event()
        self.lost.set()
        self.reason = ""

    @property
    def is_there(self) -> bool:
        """Whether the broker has taken us."""
        return not self.lost.is_set()

    async def connect(self) -> None:
        """Connect; may be called again when `lost`.

        Raises:
            LinkError: The broker is not there.
            ServerError: It says no.
        """
        loop = asyncio.get_running_loop()
        self._answer = loop.create_future()
        where = f"{self._address.host}:{self._address.port}"
        try:
            await self._connected()
            self._attach(loop)
            reason = await asyncio.wait_for(self._answer, CONNECT_S)
        except (OSError, ValueError, TimeoutError) as error:
            self._answer = None
            self._drop()
            raise LinkError(f"broker {where}: {str(error) or 'no answer'}") from error
        except asyncio.CancelledError:
            self._answer = None
            self._drop()
            raise
        if reason.is_failure:
            self._drop()
            raise ServerError(f"broker {where}: {reason}")
        self.reason = ""
        self.lost.clear()

    async def subscribe(self, *topics: str) -> None:
        """Hear topics from now on; returns when the broker has agreed.

        Raises:
            LinkError: It is lost, or takes too long.
        """
        await self._agreed(self._client.subscribe([(topic, 1) for topic in topics]))

    async def unsubscribe(self, *topics: str) -> None:
        """Hear topics no longer; returns when the broker has agreed.

        Raises:
            LinkError: It is lost, or takes too long.
        """
        await self._agreed(self._client.unsubscribe(list(topics)))

    async def _agreed(self, asked: tuple[MQTTErrorCode, int | None]) -> None:
        done = asyncio.get_running_loop().create_future()
        status, number = asked
        if status != MQTTErrorCode.MQTT_ERR_SUCCESS or number is None:
            raise LinkError(f"broker: {paho.error_string(status)}")
        self._subscribed[number] = done
        try:
            await asyncio.wait_for(done, CONNECT_S)
        except TimeoutError as error:
            raise LinkError("broker: no answer to what was subscribed") from error
        finally:
            self._subscribed.pop(number, None)

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        retain: bool = False,
        said: Properties | None = None,
    ) -> None:
        """Give a message to the broker; while it is lost nothing is kept.

        Raises:
            LinkError: It is lost.
        """
        if not self.is_there:
            raise LinkError("the broker is not there")
        info = self._client.publish(topic, payload, qos, retain=retain, properties=said)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise LinkError(f"broker: {paho.error_string(info.rc)}")
        if qos and not info.is_published():
            self._on_the_way.add(info.mid)
            self._acknowledged.clear()

    async def flush(self, timeout_s: float = CONNECT_S) -> None:
        """Wait until the broker has acknowledged all that was published, or is lost.

        Raises:
            LinkError: That takes too long.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self._acknowledged.wait()
        except TimeoutError as error:
            raise LinkError("broker: no answer to PUBLISH") from error

    async def disconnect(self) -> None:
        """Say goodbye: the will is not sent."""
        if self._socket is not None:
            self._client.disconnect()
            if self.is_there:
                try:
                    await asyncio.wait_for(self.lost.wait(), _GOODBYE_S)
                except TimeoutError:
                    self.reason = "no goodbye"
        self._drop()

    def break_off(self) -> None:
        """Close the connection without a word, as a device does that loses its power."""
        self._drop()

    async def _connected(self) -> None:
        connecting = asyncio.ensure_future(asyncio.to_thread(self._connect))
        try:
            await asyncio.shield(connecting)
        except asyncio.CancelledError:
            # The thread can not be ended; what it opened has to be closed.
            await asyncio.wait({connecting})
            raise

    def _connect(self) -> None:
        self._client.connect(
            self._address.host,
            self._address.port,
            self._keepalive_s,
            clean_start=self._session_s == 0,
            properties=self._properties,
        )

    def _attach(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._socket is None:
            raise OSError("closed at once")
        loop.add_reader(self._socket, self._read)
        self._misc = loop.call_later(_LOOK_S, self._look, loop)
        if self._client.want_write():
            loop.add_writer(self._socket, self._write)

    def _read(self) -> None:
        self._client.loop_read()
        # What TLS has decoded already makes no socket readable.
        while isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            self._client.loop_read()

    def _write(self) -> None:
        self._client.loop_write()
        if self._socket is not None and not self._client.want_write():
            asyncio.get_running_loop().remove_writer(self._socket)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._client.loop_misc()
        self._misc = loop.call_later(_LOOK_S, self._look, loop) if self._socket else None

    def _drop(self) -> None:
        if self._misc is not None:
            self._misc.cancel()
            self._misc = None
        if self._socket is not None:
            with suppress(OSError):
                # Not that of TLS, which would say goodbye.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
            self._client.loop_read()
        self._gone("closed")

    def _gone(self, reason: str) -> None:
        if not self.lost.is_set():
            self.reason = reason
        self.lost.set()
        self._on_the_way.clear()
        self._acknowledged.set()
        for waiting in self._subscribed.values():
            if not waiting.done():
                waiting.set_exception(LinkError(f"broker: {reason}"))
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(OSError(reason))

    # Called by paho: the first one in the thread that connects.

    def _on_socket_open(self, _client: paho.Client, _data: Any, opened: Any) -> None:
        self._socket = opened

    def _on_socket_close(self, _client: paho.Client, _data: Any, closed: Any) -> None:
        loop = _loop()
        if loop is not None and closed.fileno() >= 0:
            loop.remove_reader(closed)
            loop.remove_writer(closed)
        self._socket = None

    def _on_register_write(self, _client: paho.Client, _data: Any, opened: Any) -> None:
        loop = _loop()
        if loop is not None:
            loop.add_writer(opened, self._write)

    def _on_unregister_write(self, _client: paho.Client, _data: Any, opened: Any) -> None:
        loop = _loop()
        if loop is not None and opened.fileno() >= 0:
            loop.remove_writer(opened)

    def _on_connect(
        self, _client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _said: Any
    ) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(reason)

    def _on_agreed(self, _client: paho.Client, _data: Any, number: int, *_words: Any) -> None:
        waiting = self._subscribed.get(number)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def _on_publish(self, _client: paho.Client, _data: Any, number: int, *_words: Any) -> None:
        self._on_the_way.discard(number)
        if not self._on_the_way:
            self._acknowledged.set()

    def _on_disconnect(
        self, _client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _said: Any
    ) -> None:
        self._gone(str(reason))

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        if self._hear is not None:
            self._hear(message)


def broker_of(url: str) -> tuple[str, int]:
    """Return host and port of `mqtts://host[:port]`.

    Raises:
        InputError: It is no such URL.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _PORT
    except ValueError as error:
        raise InputError(f"{url!r}: {error}") from error
    if parts.scheme != "mqtts" or not parts.hostname or parts.path not in ("", "/"):
        raise InputError(f"{url!r} is no URL of a broker", hint="write mqtts://HOST:PORT")
    return parts.hostname, port


def properties(packet: int, **values: object) -> Properties:
    """Return the properties of a packet of MQTT 5."""
    made = Properties(packet)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(made, name, value)
    return made


def _loop() -> asyncio.AbstractEventLoop | None:
    """Return the loop of this thread; none in the one that connects."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
