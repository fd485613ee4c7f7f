"""MQTT over a network that fails, with brokers and servers that come and go."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from edge_agent.errors import AgentError
from edge_agent.link import LinkError
from edge_agent.links import mqtt_session
from edge_agent.links.mqtt import MqttLink
from edge_agent.outbox import Outbox
from edge_signing import messages
from edge_signing.messages import EventId
from tests.agent.links.conftest import eventually
from tests.agent.links.test_http import order, put_blob
from tests.fakes.bad_network import FAULTS, BadNetwork, Fault, Trouble, bad_network
from tests.fakes.fleet import Fleet
from tests.fakes.http_side import HttpSide
from tests.fakes.memory_files import MemoryFiles
from tests.fakes.mosquitto import Broker
from tests.fakes.mqtt_side import MqttSide
from tests.fakes.pki import Pki

pytestmark = [
    pytest.mark.tools,
    pytest.mark.slow,  # each waits for times to run out
    # paho leaves the socket of a failed handshake to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

Make = Callable[..., MqttLink]
UNIT_BYTES = 300_000


@pytest.fixture
def network(broker: Broker) -> Iterator[BadNetwork]:
    with bad_network(broker.port) as one:
        yield one


def far(mqtt: Make, network: BadNetwork, **words: object) -> MqttLink:
    url = f"mqtts://127.0.0.1:{network.port}"
    return mqtt(**{"http_url": "", "broker_url": url, "answer_s": 0.4, "stored_s": 0.4, **words})


def patiently(call: Callable[[], object], *, within_s: float = 30) -> object:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        try:
            return call()
        except AgentError:
            time.sleep(0.1)
    return call()


@pytest.mark.parametrize("fault", FAULTS)
def test_blocks_come_whole_whatever_happens(
    mqtt: Make, network: BadNetwork, repository: Path, fault: Fault
) -> None:
    name, data = put_blob(repository, 2 * UNIT_BYTES)
    chance = random.Random(fault)
    network.plan = lambda number: (
        Trouble(fault, chance.randrange(2000, 250_000))
        if number < (3 if fault == "stall" else 6)
        else None
    )
    files = far(mqtt, network, keepalive_s=1).repository("")

    begin = patiently(lambda: files.read(name, 0, UNIT_BYTES))
    rest = patiently(lambda: files.read(name, UNIT_BYTES, UNIT_BYTES))

    assert (begin, rest) == (data[:UNIT_BYTES], data[UNIT_BYTES:])
    assert network.connections > 1 or fault == "delay"


def test_blocks_go_on_over_restarts_of_broker_and_server(
    mqtt: Make, broker: Broker, fleet: Fleet, repository: Path, pki: Pki, mqtt_side: MqttSide
) -> None:
    name, data = put_blob(repository, 4 * UNIT_BYTES)
    link = mqtt(http_url="", answer_s=0.4)
    assert eventually(lambda: link.is_broker_there)
    files, found = link.repository(""), []

    for number in range(4):
        if number == 1:
            broker.stop(is_killed=True)
            with pytest.raises(LinkError):
                files.read(name, UNIT_BYTES, UNIT_BYTES)
            broker.start()
        if number == 2:
            mqtt_side.is_answering = False
            with pytest.raises(LinkError):
                files.read(name, 2 * UNIT_BYTES, UNIT_BYTES)
            mqtt_side.is_answering = True
        found.append(patiently(lambda at=number: files.read(name, at * UNIT_BYTES, UNIT_BYTES)))  # type: ignore[misc]

    assert b"".join(found) == data  # type: ignore[arg-type]


def test_after_a_long_absence_all_is_as_it_should_be(
    mqtt: Make, broker: Broker, fleet: Fleet, server: HttpSide
) -> None:
    link = mqtt(http_url="")
    assert eventually(lambda: link.is_broker_there)
    broker.stop(is_killed=True)
    assert eventually(lambda: not link.is_broker_there)

    end = time.monotonic() + 3
    while time.monotonic() < end:
        with pytest.raises(LinkError):
            link.desired()
        link.wait(0.5)
    fleet.offer("dev-1", order(9))
    broker.start()

    assert patiently(link.desired) == order(9) or eventually(lambda: link.desired() == order(9))


@dataclass
class Device:
    """An agent with an outbox, and all that can happen to it and around it."""

    link: MqttLink
    network: BadNetwork
    broker: Broker
    side: MqttSide
    files: MemoryFiles = field(default_factory=MemoryFiles)
    boots: int = 0
    happened: list[EventId] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.words = count()
        self.restart()

    def restart(self) -> None:
        self.box = Outbox(self.files, f"boot-{self.boots}", lambda: f"w{next(self.words)}")

    def start_anew(self) -> None:
        self.boots += 1
        self.restart()

    def happen(self) -> None:
        self.happened.append(self.box.add("one", at_s=0, reason=str(len(self.happened))).id)

    def restart_broker(self) -> None:
        self.broker.stop(is_killed=True)
        self.broker.start()

    def turn_deaf_or_hear(self) -> None:
        self.side.is_storing = not self.side.is_storing

    def turn_mute_or_speak(self) -> None:
        self.side.is_telling = not self.side.is_telling

    def send(self) -> bool:
        eventually(lambda: self.link.is_broker_there, within_s=1)
        return self.box.deliver(self.link.send_events)


@pytest.mark.parametrize("seed", range(8))
def test_events_are_never_lost_and_never_doubled(
    mqtt: Make, network: BadNetwork, broker: Broker, fleet: Fleet, mqtt_side: MqttSide, seed: int
) -> None:
    chance = random.Random(seed)
    network.plan = lambda number: (
        Trouble(chance.choice(["drop", "reset", "spoil"]), chance.randrange(2500, 9000))
        if number % 3 == 0
        else None
    )
    device = Device(far(mqtt, network), network, broker, mqtt_side)
    steps = [device.restart, device.start_anew, network.cut, device.turn_deaf_or_hear]
    steps += [device.turn_mute_or_speak]
    steps += [device.restart_broker] + [device.happen] * 5

    for _step in range(25 if seed else 12):
        chance.choice(steps)()
        with suppress(AgentError):
            device.send()
    mqtt_side.is_storing = mqtt_side.is_telling = True
    network.plan = lambda _number: None

    assert eventually(lambda: patiently(device.send))
    heard = [event.id for event in fleet.events("dev-1")]
    assert sorted(heard, key=str) == sorted(device.happened, key=str)
    assert len(set(heard)) == len(heard)
    print(f"\n{len(heard)} events, {fleet.repeats} repeats, {network.connections} connections")


def test_the_last_will_is_seen_after_its_delay(
    mqtt: Make, network: BadNetwork, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt_session, "WILL_DELAY_S", 1)
    link = far(mqtt, network)
    online = messages.pack_online("boot-1", is_online=True)
    gone = messages.pack_online("boot-1", is_online=False)
    assert eventually(lambda: fleet.online("dev-1") == online)

    network.plan = lambda _number: Trouble("refuse")
    network.cut()
    begin = time.monotonic()
    assert eventually(lambda: fleet.online("dev-1") == gone)
    assert time.monotonic() - begin > 0.5

    network.plan = lambda _number: None
    assert eventually(lambda: fleet.online("dev-1") == online)
    assert link.is_broker_there


def test_a_short_break_makes_nobody_believe_that_the_device_is_gone(
    mqtt: Make, network: BadNetwork, fleet: Fleet
) -> None:
    link = far(mqtt, network)
    assert eventually(lambda: link.is_broker_there)
    seen = set()

    network.cut()
    end = time.monotonic() + 2
    while time.monotonic() < end:
        seen.add(fleet.online("dev-1"))
        time.sleep(0.02)

    assert seen == {messages.pack_online("boot-1", is_online=True)}
    assert link.is_broker_there
