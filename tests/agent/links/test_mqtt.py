"""The link by MQTT against a real Mosquitto, with HTTP beside it."""

import socket
import threading
import time
from collections.abc import Callable
from errno import EACCES
from pathlib import Path

import pytest

from edge_agent.link import LinkError, RefusedByServerError
from edge_agent.links.mqtt import MqttLink
from edge_signing import messages
from edge_signing.messages import Status
from tests.agent.links.conftest import eventually
from tests.agent.links.test_http import event, order, put_blob
from tests.fakes.fleet import Fleet
from tests.fakes.http_side import HttpSide
from tests.fakes.mosquitto import Broker
from tests.fakes.mqtt_side import MqttSide

pytestmark = pytest.mark.tools

Make = Callable[..., MqttLink]


def there(link: MqttLink) -> MqttLink:
    assert eventually(lambda: link.is_broker_there)
    return link


def test_an_order_comes_by_itself_and_wakes_who_waits(mqtt: Make, fleet: Fleet) -> None:
    link = there(mqtt(http_url=""))
    assert link.desired() is None

    fleet.offer("dev-1", order(1))

    assert link.wait(5)
    assert link.desired() == order(1)
    assert not link.wait(0.05)


def test_no_port_is_listened_on(mqtt: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    # As on the device, where Landlock refuses it to the agent (services/agent/service.yml).
    def refused(_one: socket.socket, address: object) -> None:
        raise PermissionError(EACCES, f"{address} may not be listened on")

    monkeypatch.setattr(socket.socket, "bind", refused)

    assert there(mqtt(http_url="")).desired() is None


def test_an_order_that_was_replaced_while_away_is_the_new_one(mqtt: Make, fleet: Fleet) -> None:
    first = there(mqtt(http_url=""))
    fleet.offer("dev-1", order(1))
    assert eventually(lambda: first.desired() == order(1))
    first.close()

    fleet.offer("dev-1", order(2))
    time.sleep(0.5)

    assert there(mqtt(http_url="")).desired() == order(2)


def test_an_order_that_was_cleared_while_away_is_gone(mqtt: Make, fleet: Fleet) -> None:
    first = there(mqtt(http_url=""))
    fleet.offer("dev-1", order(1))
    assert eventually(lambda: first.desired() == order(1))
    first.close()

    fleet.offer("dev-1", None)
    time.sleep(0.5)

    assert there(mqtt(http_url="")).desired() is None


def test_events_are_known_to_be_stored_only_when_the_server_says_so(
    mqtt: Make, fleet: Fleet, mqtt_side: MqttSide
) -> None:
    link = there(mqtt(http_url="", stored_s=0.5))

    mqtt_side.is_storing = False
    with pytest.raises(LinkError):
        link.send_events([event(1)])
    mqtt_side.is_storing = True
    assert link.send_events([event(1), event(2)]) == [event(1).id, event(2).id]
    assert fleet.events("dev-1") == [event(1), event(2)]


def test_events_go_by_http_while_the_server_does_not_hear_mqtt(
    mqtt: Make, fleet: Fleet, mqtt_side: MqttSide
) -> None:
    link = there(mqtt(stored_s=0.3))
    mqtt_side.is_storing = False

    assert list(link.send_events([event(1)])) == [event(1).id]
    assert fleet.events("dev-1") == [event(1)]


def test_the_state_arrives_and_is_told_again_after_a_break(
    mqtt: Make, fleet: Fleet, broker: Broker
) -> None:
    link = there(mqtt(http_url=""))
    link.send_state(Status("boot-1", phase="installing"))
    assert eventually(lambda: fleet.state("dev-1") == Status("boot-1", phase="installing"))

    (fleet.folder / "state" / "dev-1.json").unlink()
    broker.stop(is_killed=True)
    broker.start()

    assert eventually(lambda: fleet.state("dev-1") == Status("boot-1", phase="installing"))


def test_birth_and_goodbye_are_seen(mqtt: Make, fleet: Fleet) -> None:
    link = there(mqtt(http_url=""))
    online = messages.pack_online("boot-1", is_online=True)
    assert eventually(lambda: fleet.online("dev-1") == online)

    link.close()

    assert eventually(
        lambda: fleet.online("dev-1") == messages.pack_online("boot-1", is_online=False)
    )


def test_without_a_broker_orders_are_polled_and_with_it_they_come_again(
    mqtt: Make, fleet: Fleet, broker: Broker, server: HttpSide
) -> None:
    link = there(mqtt())
    broker.stop(is_killed=True)
    assert eventually(lambda: not link.is_broker_there)

    fleet.offer("dev-1", order(1))
    assert link.desired() == order(1)
    link.send_state(Status("boot-1"))
    assert list(link.send_events([event(1)])) == [event(1).id]
    assert "PUT /v1/devices/dev-1/state" in server.asked

    broker.start()
    there(link)
    asked = len(server.asked)
    fleet.offer("dev-1", order(2))
    assert eventually(lambda: link.desired() == order(2))
    assert len(server.asked) == asked


def test_with_neither_the_link_is_lost(mqtt: Make, broker: Broker) -> None:
    link = there(mqtt(http_url=""))
    broker.stop(is_killed=True)
    assert eventually(lambda: not link.is_broker_there)

    for call in (
        link.desired,
        lambda: link.send_state(Status("b")),
        lambda: link.send_events([event()]),
        lambda: link.repository("").read("blobs/" + "0" * 64, 0, 1),
    ):
        with pytest.raises(LinkError):
            call()


def test_a_wake_lets_the_device_poll_once_at_a_random_moment(
    mqtt: Make, mqtt_side: MqttSide, server: HttpSide, fleet: Fleet
) -> None:
    link = there(mqtt(wake_s=1.0, chance=lambda: 0.4))
    link.desired()
    link.wait(1.0)
    link.desired()
    server.asked.clear()

    begin = time.monotonic()
    mqtt_side.wake()
    assert link.wait(5)
    assert 0.3 < time.monotonic() - begin < 2
    link.desired()
    link.desired()
    assert server.asked == ["GET /v1/devices/dev-1/desired"]


def test_another_thread_ends_one_wait_even_if_it_came_before(mqtt: Make) -> None:
    link = there(mqtt(http_url=""))
    link.desired()
    threading.Timer(0.1, link.wake).start()

    assert not link.wait(60)

    link.wake()
    assert not link.wait(60)
    begin_s = time.monotonic()
    link.wait(0.2)
    assert time.monotonic() - begin_s >= 0.2


def test_blocks_bring_the_same_bytes(mqtt: Make, repository: Path, mqtt_side: MqttSide) -> None:
    name, data = put_blob(repository, 1_000_000)
    files = there(mqtt(http_url="")).repository("")

    assert files.read(name, 0, len(data)) == data
    assert files.read(name, 131_071, 3) == data[131_071:131_074]
    assert files.read(name, 999_000, 5000) == data[999_000:]
    assert b"".join(files.pieces(name)) == data
    assert max(want.length_bytes for want in mqtt_side.wants) == messages.BLOCK_MOST_BYTES


def test_a_file_of_whole_blocks_ends(mqtt: Make, repository: Path) -> None:
    name, data = put_blob(repository, 2 * messages.BLOCK_MOST_BYTES)

    assert b"".join(there(mqtt(http_url="")).repository("").pieces(name)) == data


def test_a_file_that_is_not_there_is_final_over_mqtt_too(mqtt: Make) -> None:
    with pytest.raises(RefusedByServerError) as caught:
        there(mqtt(http_url="")).repository("").read("blobs/" + "0" * 64, 0, 1)

    assert caught.value.status == 404


def test_blocks_come_where_http_is_blocked(mqtt: Make, repository: Path) -> None:
    name, data = put_blob(repository)
    link = there(mqtt(http_url="https://127.0.0.1:9/"))

    for _attempt in range(2):
        with pytest.raises(LinkError):
            link.repository("").read(name, 0, 1000)
    assert link.repository("").read(name, 0, len(data)) == data


def test_a_lying_block_is_cut_off_or_ends_at_the_hash(
    mqtt: Make, repository: Path, mqtt_side: MqttSide
) -> None:
    name, data = put_blob(repository)
    files = there(mqtt(http_url="")).repository("")

    mqtt_side.answer = lambda block: block + b"more"
    with pytest.raises(LinkError, match="1004 bytes where 1000"):
        files.read(name, 0, 1000)
    mqtt_side.answer = lambda block: bytes(len(block))
    assert files.read(name, 0, 1000) == bytes(1000)
    mqtt_side.answer = lambda block: block
    assert files.read(name, 0, 1000) == data[:1000]


def test_a_block_that_does_not_come_is_asked_for_again_and_then_given_up(
    mqtt: Make, repository: Path, mqtt_side: MqttSide
) -> None:
    name, data = put_blob(repository)
    files = there(mqtt(http_url="", answer_s=0.2)).repository("")

    mqtt_side.is_answering = False
    with pytest.raises(LinkError, match="no block"):
        files.read(name, 0, 1000)
    mqtt_side.is_answering = True
    assert files.read(name, 0, 1000) == data[:1000]
