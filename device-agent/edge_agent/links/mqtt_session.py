"""One lasting session with an MQTT broker: connects, comes back by itself, hands on what it hears.

The broker is not trusted with more than carrying: all that it brings is checked by who uses it.
paho's thread calls back; what is kept for others is behind one lock.

Source: MQTT 5.0 §3.1.2.11 (properties of CONNECT), §3.1.3.2 (will).
"""

import logging
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge_agent.backoff import Backoff
from edge_agent.identity import Identity
from edge_agent.link import LinkError
from edge_agent.links import tls
from edge_agent.links.exchange import AddressError
from edge_signing import messages, topics

logger = logging.getLogger(__name__)

SESSION_S: Final = 3600
WILL_DELAY_S: Final = 30
RECEIVE_MOST: Final = 20
PACKET_MOST_BYTES: Final = 256 << 10
_QUEUE_MOST: Final = 64
_PORT: Final = 8883
# A connection that held for so long was a good one: the next break starts with short waits.
_GOOD_S: Final = 60.0
_GOODBYE_S: Final = 3.0
# How long paho's thread sleeps at most where nothing comes or goes; it looks at keepalive between.
_SLEEP_MOST_S: Final = 10.0
_SLEEPS_A_KEEPALIVE: Final = 4


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of the broker.

    Attributes:
        correlation: What it answers to, if it is an answer.
        status: What went wrong with that, as of HTTP; empty if nothing did.
    """

    topic: str
    payload: bytes = field(repr=False)
    correlation: bytes = b""
    status: str = ""


class MqttSession:
    """A device's session.

    Args:
        url: `mqtts://host[:port]`.
        identity: Of the device; its id is that of the client.
        boot_id: Of this start of the system, for birth and will.
        hear: Called with each message, in paho's thread.
        changed: Called when the session is there, or lost, in paho's thread.
        keepalive_s: How often a silent connection is probed.
        is_clock_known: See `tls.context`.
        backoff: How long to wait between attempts.

    Raises:
        AddressError: The URL can not be used.
        IdentityError: The identity can not be used.
    """

    def __init__(
        self,
        url: str,
        identity: Identity,
        boot_id: str,
        *,
        hear: Callable[[Heard], None],
        changed: Callable[[bool], None],
        keepalive_s: int = 120,
        is_clock_known: Callable[[], bool] = lambda: True,
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._device = identity.device
        self._boot_id = boot_id
        self._hear, self._changed = hear, changed
        self._is_clock_known = is_clock_known
        self._backoff = backoff or Backoff(random.SystemRandom().random)
        self._clock = clock
        self._there = threading.Event()
        self._since = clock()
        self._context = tls.context(identity)
        self._host, self._port = _address(url)
        self._keepalive_s = keepalive_s
        self._client: paho.Client | None = self._made(self._context)

    @property
    def is_there(self) -> bool:
        """Whether the broker is connected and our topics are subscribed."""
        return self._there.is_set()

    def open(self) -> None:
        """Begin to connect; goes on until `close`, in a thread of its own."""
        properties = with_properties(
            PacketTypes.CONNECT,
            SessionExpiryInterval=SESSION_S,
            ReceiveMaximum=RECEIVE_MOST,
            MaximumPacketSize=PACKET_MOST_BYTES,
        )
        client = self._client
        if client is None:
            return
        self._before_attempt(client)
        client.connect_async(
            self._host,
            self._port,
            keepalive=self._keepalive_s,
            clean_start=False,
            properties=properties,
        )
        client.loop_start()

    def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, correlation: bytes = b""
    ) -> None:
        """Give a message to the broker, which has not got it yet when this returns.

        Raises:
            LinkError: The broker is not there, or takes nothing more.
        """
        client = self._client
        if client is None or not self.is_there:
            raise LinkError(f"{self._host}: the broker is not there")
        self._publish(client, topic, payload, retain=retain, correlation=correlation)

    def close(self) -> None:
        """Say that the device goes, and go; the will is not sent then."""
        if self._client is not None and self.is_there:
            said = self._publish(
                self._client,
                topics.online(self._device),
                messages.pack_online(self._boot_id, is_online=False),
                retain=True,
            )
            try:
                said.wait_for_publish(_GOODBYE_S)
            except (RuntimeError, ValueError) as error:
                logger.debug("no goodbye: %s", error)
        self._there.clear()
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            client.loop_stop()
            # paho closes its last sockets when it is deleted, and is not while it knows us.
            client.on_connect = client.on_connect_fail = client.on_disconnect = None
            client.on_subscribe = client.on_message = None

    def _made(self, context: ssl.SSLContext) -> paho.Client:
        client = _Client(CallbackAPIVersion.VERSION2, self._device, protocol=paho.MQTTv5)
        client.sleep_s = min(_SLEEP_MOST_S, self._keepalive_s / _SLEEPS_A_KEEPALIVE)
        client.tls_set_context(context)
        client.max_inflight_messages_set(RECEIVE_MOST)
        client.max_queued_messages_set(_QUEUE_MOST)
        properties = with_properties(PacketTypes.WILLMESSAGE, WillDelayInterval=WILL_DELAY_S)
        gone = messages.pack_online(self._boot_id, is_online=False)
        client.will_set(topics.online(self._device), gone, 1, retain=True, properties=properties)
        # What goes wrong in a callback is logged, and must not end paho's thread.
        client.suppress_exceptions = True
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _publish(
        self,
        client: paho.Client,
        topic: str,
        payload: bytes,
        *,
        retain: bool = False,
        correlation: bytes = b"",
    ) -> paho.MQTTMessageInfo:
        properties = None
        if correlation:
            properties = with_properties(PacketTypes.PUBLISH, CorrelationData=correlation)
        info = client.publish(topic, payload, 1, retain=retain, properties=properties)
        if info.rc not in (paho.MQTT_ERR_SUCCESS, paho.MQTT_ERR_NO_CONN):
            raise LinkError(f"{self._host}: {paho.error_string(info.rc)}")
        return info

    def _before_attempt(self, client: paho.Client) -> None:
        tls.look_at_dates(self._context, is_wanted=self._is_clock_known())
        wait_s = self._backoff.next_s()
        # paho knows no jitter, but takes a new delay before each attempt.
        client.reconnect_delay_set(wait_s, wait_s)  # type: ignore[arg-type]

    def _on_connect(
        self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        if reason.is_failure:
            logger.warning("broker %s says no: %s", self._host, reason)
            return
        self._since = self._clock()
        mine = [topics.desired(self._device), topics.block(self._device)]
        mine += [topics.stored(self._device), topics.command(self._device), topics.WAKE]
        mine += [topics.to_terminal(self._device)]
        client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in mine])
        online = messages.pack_online(self._boot_id, is_online=True)
        try:
            self._publish(client, topics.online(self._device), online, retain=True)
        except LinkError as error:
            logger.warning("no birth: %s", error)

    def _on_subscribe(self, *_words: Any) -> None:
        self._there.set()
        logger.info("broker %s is there", self._host)
        self._changed(True)

    def _on_connect_fail(self, client: paho.Client, _data: Any) -> None:
        self._before_attempt(client)

    def _on_disconnect(
        self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        was_there = self._there.is_set()
        self._there.clear()
        if was_there:
            logger.info("broker %s is lost: %s", self._host, reason)
            if self._clock() - self._since >= _GOOD_S:
                self._backoff.reset()
        self._before_attempt(client)
        if was_there:
            self._changed(False)

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        properties = message.properties
        said = dict(getattr(properties, "UserProperty", []))
        self._hear(
            Heard(
                message.topic,
                bytes(message.payload),
                getattr(properties, "CorrelationData", b""),
                str(said.get("status", "")),
            )
        )


def _waking_pair() -> tuple[socket.socket, socket.socket]:
    """Return the two ends of what wakes paho's thread, without a port of the device."""
    pair = socket.socketpair()
    for end in pair:
        end.setblocking(False)
    return pair


# Its own listens on a TCP port for a moment: Landlock refuses that to the agent, and any program of
# the device could be the first to connect (paho-mqtt 2.1 and 2.2).
paho._socketpair_compat = _waking_pair


class _Client(paho.Client):
    """paho's client, whose own thread would wake every second (paho-mqtt 2.1)."""

    sleep_s = 1.0

    def loop_forever(
        self, timeout: float = 1.0, retry_first_connection: bool = False
    ) -> MQTTErrorCode:
        """Run until `disconnect`; what is to be sent ends a sleep."""
        return super().loop_forever(max(timeout, self.sleep_s), retry_first_connection)

    def _create_socket_connection(self) -> socket.socket:
        """Return a connection to the broker; paho's own binds it to a port first, even to any."""
        return socket.create_connection((self._host, self._port), timeout=self._connect_timeout)


def with_properties(packet: int, **values: object) -> Properties:
    """Return the properties of a packet of MQTT 5."""
    made = Properties(packet)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(made, name, value)
    return made


def _address(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or _PORT
    except ValueError as error:
        raise AddressError(f"{url!r}: {error}") from error
    if parts.scheme != "mqtts" or not parts.hostname or parts.path not in ("", "/"):
        raise AddressError(f"{url!r} is no URL of a broker: mqtts://host:port")
    return parts.hostname, port
