"""What a broker lets a device do: all by its certificate, nothing of another device."""

import queue
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from edge_agent.identity import Identity
from edge_agent.links.mqtt import MqttLink
from edge_signing import messages, topics
from tests.agent.links.conftest import eventually
from tests.fakes.fleet import Fleet
from tests.fakes.mosquitto import Broker
from tests.fakes.mqtt_side import MqttSide
from tests.fakes.pki import Authority, Pki

pytestmark = pytest.mark.tools

Make = Callable[..., MqttLink]


class Rogue:
    """A client that does as it likes, with a certificate."""

    def __init__(self, broker: Broker, identity: Identity | None, client_id: str) -> None:
        self.heard: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self.is_in, self.losses, self.acks = False, 0, list[str]()
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id, protocol=paho.MQTTv5)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if identity is not None:
            context.load_cert_chain(identity.certificate, identity.key)
        client.tls_set_context(context)
        client.reconnect_delay_set(1, 1)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        self.client = client
        client.connect_async("127.0.0.1", broker.port)
        client.loop_start()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
        self.client.on_connect = self.client.on_disconnect = self.client.on_publish = None
        self.client.on_message = None

    def said_to(self, topic: str, data: bytes = b"x") -> str:
        """Publish and return what the broker says."""
        self.acks.clear()
        self.client.publish(topic, data, qos=1, retain=True)
        assert eventually(lambda: self.acks)
        return self.acks[0]

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, *_: Any) -> None:
        self.is_in = not reason.is_failure

    def _on_disconnect(self, *_words: Any) -> None:
        self.losses += self.is_in
        self.is_in = False

    def _on_publish(
        self, _client: Any, _data: Any, _mid: int, reason: Any, _properties: Any
    ) -> None:
        self.acks.append(str(reason))

    def _on_message(self, _client: Any, _data: Any, message: Any) -> None:
        self.heard.put((message.topic, message.payload))


@contextmanager
def rogue(broker: Broker, identity: Identity | None, client_id: str) -> Iterator[Rogue]:
    one = Rogue(broker, identity, client_id)
    try:
        yield one
    finally:
        one.close()


@pytest.mark.parametrize(
    "topic",
    [
        topics.state("dev-1"),
        topics.events("dev-1"),
        topics.want("dev-1"),
        topics.online("dev-1"),
        topics.desired("dev-1"),
        topics.desired("dev-2"),
        topics.block("dev-2"),
        topics.stored("dev-2"),
        topics.WAKE,
        "edge/v1/d/dev-2",
        "x",
    ],
)
def test_a_device_writes_only_its_own_reports(
    broker: Broker, mqtt_side: MqttSide, fleet: Fleet, pki: Pki, topic: str
) -> None:
    with rogue(broker, pki.identity("dev-2"), "dev-2") as one:
        assert eventually(lambda: one.is_in)

        assert "Not authorized" in one.said_to(topic)
        assert "Success" in one.said_to(
            topics.online("dev-2"), messages.pack_online("b", is_online=True)
        )
    assert eventually(lambda: fleet.online("dev-2"))
    assert fleet.online("dev-1") == b""


def test_a_device_hears_only_what_is_for_it(broker: Broker, mqtt_side: MqttSide, pki: Pki) -> None:
    with rogue(broker, pki.identity("dev-2"), "dev-2") as one:
        assert eventually(lambda: one.is_in)
        for pattern in ("#", "edge/v1/d/+/c/#", "edge/v1/d/dev-1/#", "$SYS/#"):
            one.client.subscribe(pattern, 1)
        mqtt_side.publish(topics.desired("dev-1"), b"for 1", retain=True)
        mqtt_side.publish(topics.state("dev-1"), b"of 1")
        mqtt_side.publish(topics.desired("dev-2"), b"for 2", retain=True)

        assert one.heard.get(timeout=5) == (topics.desired("dev-2"), b"for 2")
        mqtt_side.publish(topics.WAKE, b"")
        while (heard := one.heard.get(timeout=5))[0] == topics.desired("dev-2"):
            pass
        assert heard == (topics.WAKE, b"")


def test_a_device_can_not_throw_another_off(broker: Broker, mqtt: Make, pki: Pki) -> None:
    link = mqtt("dev-1", http_url="")
    assert eventually(lambda: link.is_broker_there)
    lost: list[bool] = []
    link._session._changed = lost.append

    with rogue(broker, pki.identity("dev-2"), "dev-1") as one:
        assert eventually(lambda: one.is_in)
        assert not eventually(lambda: lost, within_s=1.5)

    assert link.is_broker_there


@pytest.mark.slow
def test_two_with_one_certificate_take_turns_and_do_not_storm(broker: Broker, mqtt: Make) -> None:
    first = mqtt("dev-1", http_url="")
    assert eventually(lambda: first.is_broker_there)
    before = broker.log.count("New client connected")

    mqtt("dev-1", http_url="")
    eventually(lambda: False, within_s=4)

    assert broker.log.count("New client connected") - before < 40


@pytest.mark.parametrize("name", ["+", "#", "dev-1/x", "dev-1/c"])
def test_a_name_with_wildcards_or_levels_gets_nowhere(
    broker: Broker, mqtt_side: MqttSide, fleet: Fleet, pki: Pki, name: str
) -> None:
    """Such a certificate must not exist; if it does, it hears nothing and is taken for nobody."""
    mqtt_side.publish(topics.desired("dev-1"), b"for 1", retain=True)
    birth = messages.pack_online("b", is_online=True)

    with rogue(broker, pki.identity(name), name) as one:
        if eventually(lambda: one.is_in, within_s=1.5):
            for pattern in ("#", "edge/v1/d/+/c/#", "edge/v1/d/dev-1/c/desired"):
                one.client.subscribe(pattern, 1)
            one.client.publish(topics.online("dev-1"), birth, 1)
            with suppress(ValueError):  # paho's own: no topic has a wildcard
                one.client.publish(f"edge/v1/d/{name}/s/online", birth, 1)
            mqtt_side.publish(topics.desired("dev-1"), b"again for 1", retain=True)
            eventually(lambda: False, within_s=0.5)
        assert one.heard.empty()

    assert list((fleet.folder / "online").iterdir()) == []


def test_who_has_no_certificate_of_the_factory_gets_nowhere(
    broker: Broker, pki: Pki, tmp_path: Path
) -> None:
    foreign = pki.identity("dev-5", authority=Authority.make(tmp_path, "foreign-ca"))

    for identity in (None, foreign):
        with rogue(broker, identity, "dev-5") as one:
            assert not eventually(lambda: one.is_in, within_s=0.5)


def test_a_revoked_device_gets_nowhere(tmp_path: Path) -> None:
    pki = Pki.make(tmp_path / "pki")
    pki.revoke("dev-1")

    with Broker(tmp_path / "broker", pki) as broker:
        with rogue(broker, pki.identity("dev-1"), "dev-1") as one:
            assert not eventually(lambda: one.is_in, within_s=0.5)
        with rogue(broker, pki.identity("dev-2"), "dev-2") as other:
            assert eventually(lambda: other.is_in)


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broker_of_another_authority_is_not_trusted(
    broker: Broker, mqtt: Make, tmp_path: Path, pki: Pki
) -> None:
    stranger = Pki.make(tmp_path / "other")
    with Broker(tmp_path / "b2", stranger) as other:
        link = mqtt("dev-1", http_url="", broker_url=other.url)
        assert not eventually(lambda: link.is_broker_there, within_s=1.0)
