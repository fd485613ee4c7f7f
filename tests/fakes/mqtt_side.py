"""The MQTT side of the reference server: publishes orders, answers wants, collects the rest."""

import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes

from edge_agent.links.mqtt_session import with_properties
from edge_signing import messages, topics
from edge_signing.errors import FormatError
from edge_signing.messages import Status, Want
from tests.fakes.fleet import Fleet
from tests.fakes.pki import CONSOLE, Pki

_LOOK_S: Final = 0.2
_BLOCK_EXPIRY_S: Final = 60
Answer = Callable[[bytes], bytes]


class MqttSide:
    """The server as a client of the broker, under its own name.

    Attributes:
        answer: What is done to each block before it is sent: a lying server.
        is_answering: Whether wants are answered at all.
        is_storing: Whether events are taken.
        is_telling: Whether devices hear that they were.
    """

    def __init__(self, fleet: Fleet, repository: Path, pki: Pki, port: int) -> None:
        self.fleet = fleet
        self.repository = repository.resolve()
        self.answer: Answer = lambda block: block
        self.is_answering = True
        self.is_storing = self.is_telling = True
        self.wants: list[Want] = []
        self._published: dict[str, bytes] = {}
        self._ready = threading.Event()
        self._stop = threading.Event()
        self._port = port
        self._client = paho.Client(CallbackAPIVersion.VERSION2, CONSOLE, protocol=paho.MQTTv5)
        self._client.tls_set_context(_context(pki))
        self._client.reconnect_delay_set(1, 1)
        self._client.max_inflight_messages_set(200)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_words: self._ready.set()
        self._client.on_message = self._on_message
        self._looking = threading.Thread(target=self._look)

    def start(self, timeout_s: float = 10) -> None:
        """Connect and wait until all is heard."""
        self._client.connect_async("127.0.0.1", self._port, keepalive=30)
        self._client.loop_start()
        self._looking.start()
        assert self._ready.wait(timeout_s), "the broker does not take the server"

    def stop(self) -> None:
        self._stop.set()
        self._looking.join()
        self._client.disconnect()
        self._client.loop_stop()
        self._client.on_connect = self._client.on_subscribe = self._client.on_message = None
        del self._client

    def wake(self) -> None:
        """Ask all devices to poll."""
        self._client.publish(topics.WAKE, b"", qos=0)

    def publish(self, topic: str, data: bytes, *, retain: bool = False) -> None:
        """Publish anything, and wait until the broker has it."""
        self._client.publish(topic, data, qos=1, retain=retain).wait_for_publish(5)

    def look(self) -> None:
        """Publish what changed in the folder of orders."""
        offers = self.fleet.offers()
        for device in sorted(set(offers) | set(self._published)):
            data = offers.get(device, b"")
            if self._published.get(device) != data:
                self._client.publish(topics.desired(device), data, qos=1, retain=True)
                self._published[device] = data

    def _look(self) -> None:
        while not self._stop.wait(_LOOK_S):
            if self._ready.is_set():
                self.look()

    def _on_connect(self, client: paho.Client, _data: Any, *_words: Any) -> None:
        self._published.clear()
        client.subscribe(
            [
                (topic, 1)
                for topic in (
                    topics.ALL_EVENTS,
                    topics.ALL_WANTS,
                    topics.ALL_STATES,
                    topics.ALL_ONLINE,
                )
            ]
        )

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        try:
            device = topics.device_of(message.topic)
            self._take(message.topic.rpartition("/")[2], device, message)
        except FormatError:
            return

    def _take(self, what: str, device: str, message: paho.MQTTMessage) -> None:
        payload = bytes(message.payload)
        match what:
            case "ev" if self.is_storing:
                ids = self.fleet.take_events(device, messages.unpack_events(payload))
                if self.is_telling:
                    told = messages.pack_stored(ids)
                    self._client.publish(topics.stored(device), told, qos=1)
            case "want" if self.is_answering:
                self._give(device, Want.unpack(payload), message)
            case "state":
                Status.unpack(payload)
                self.fleet.take("state", device, payload)
            case "online":
                messages.unpack_online(payload)
                self.fleet.take("online", device, payload)
            case _:
                return

    def _give(self, device: str, want: Want, message: paho.MQTTMessage) -> None:
        self.wants.append(want)
        said: dict[str, object] = {
            "CorrelationData": getattr(message.properties, "CorrelationData", b""),
            "MessageExpiryInterval": _BLOCK_EXPIRY_S,
        }
        path = self.repository / want.name
        block = b""
        if path.is_file():
            with path.open("rb") as stream:
                stream.seek(want.offset_bytes)
                block = self.answer(stream.read(want.length_bytes))
        else:
            said["UserProperty"] = ("status", "404")
        properties = with_properties(PacketTypes.PUBLISH, **said)
        self._client.publish(topics.block(device), block, qos=1, properties=properties)


def _context(pki: Pki) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(pki.servers.file)
    made.load_cert_chain(pki.folder / "console.crt", pki.folder / "console.key")
    return made
