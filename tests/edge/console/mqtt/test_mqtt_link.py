"""The console's MQTT link, a real Mosquitto, and the links of real agents."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.console.mqtt.client import MqttClient, Will
from edge.console.mqtt.link import LinkLimits
from edge_agent.link import LinkError
from edge_signing import messages, topics
from edge_signing.messages import Status
from tests.agent.links.conftest import eventually
from tests.agent.links.test_http import order
from tests.edge.console.mqtt.conftest import Make, Raw, event, retained
from tests.fakes import console_broker, console_side
from tests.fakes.console_side import ConsoleSide
from tests.fakes.memory_desk import TENANT, MemoryDesk
from tests.fakes.pki import Pki

pytestmark = pytest.mark.tools


def test_an_order_comes_by_itself(agent: Make, console: ConsoleSide) -> None:
    link = agent()
    assert link.desired() is None

    console.order("dev-1", order(1).pack())

    assert link.wait(10)
    assert link.desired() == order(1)


def test_an_order_waits_for_the_device(agent: Make, console: ConsoleSide) -> None:
    console.order("dev-1", order(1).pack())

    assert agent().desired() == order(1)


def test_an_order_is_for_its_device_alone(agent: Make, console: ConsoleSide) -> None:
    console.order("dev-2", order(1).pack())

    assert agent("dev-2").desired() == order(1)
    assert agent("dev-1").desired() is None


def test_what_is_wanted_no_longer_is_notretained(agent: Make, console: ConsoleSide) -> None:
    link = agent()
    console.order("dev-1", order(1).pack())
    assert eventually(lambda: link.desired() == order(1))

    console.order("dev-1", None)

    assert eventually(lambda: link.desired() is None)
    link.close()
    assert retained(agent) is None


def test_a_console_that_comes_back_puts_orders_right(agent: Make, console: ConsoleSide) -> None:
    console.order("dev-1", order(1).pack())
    console.order("dev-2", order(1).pack())
    one, other = agent("dev-1"), agent("dev-2")
    assert eventually(lambda: one.desired() == other.desired() == order(1))

    console.unlink()
    console.desk.orders = {"dev-1": order(2).pack()}
    console.relink()

    assert eventually(lambda: one.desired() == order(2))
    assert eventually(lambda: other.desired() is None)


def test_what_is_right_is_not_published_again(
    raw: Callable[[str], Raw], console: ConsoleSide, agent: Make
) -> None:
    device = raw("dev-1")
    console.order("dev-1", order(1).pack())
    assert eventually(lambda: device.said(topics.desired("dev-1")))

    console.unlink()
    console.relink()
    console.order("dev-1", order(2).pack())

    assert eventually(lambda: len(device.said(topics.desired("dev-1"))) > 1)
    assert device.said(topics.desired("dev-1")) == [order(1).pack(), order(2).pack()]


def test_a_broker_that_comes_back_gets_orders_and_devices(
    agent: Make, console: ConsoleSide
) -> None:
    link = agent()
    console.stop_broker()
    assert eventually(lambda: not link.is_broker_there)
    console.order("dev-1", order(1).pack())

    console.start_broker()
    console.there()

    assert eventually(lambda: link.is_broker_there)
    assert eventually(lambda: link.desired() == order(1))
    assert list(link.send_events([event(1)])) == [event(1).id]


def test_a_newer_order_is_not_overtaken_by_an_older_one(agent: Make, console: ConsoleSide) -> None:
    console.desk.delay_s = 0.02
    for number in range(1, 12):
        console.order("dev-1", order(number).pack())
    link = agent()

    assert eventually(lambda: link.desired() == order(11))
    link.close()
    assert retained(agent) == order(11)


def test_an_answer_that_took_long_does_not_undo_a_newer_one(
    agent: Make, console: ConsoleSide
) -> None:
    console.unlink()
    desk = console.desk
    desk.orders["dev-1"] = order(1).pack()

    async def race() -> None:
        desk.release = asyncio.Event()
        relinking = asyncio.create_task(console.relinked())
        await desk.holding.wait()
        desk.orders["dev-1"] = order(2).pack()
        console.link.tell(TENANT, "dev-1")
        for _step in range(100):
            await asyncio.sleep(0)
        desk.release.set()
        await relinking

    console.call(race)

    link = agent()
    assert eventually(lambda: link.desired() == order(2))
    link.close()
    assert retained(agent) == order(2)


def test_an_order_that_was_signed_anew_is_published(tmp_path: Path, pki: Pki) -> None:
    desk = MemoryDesk(known={"dev-1"}, orders={"dev-1": order(1).pack()})
    settings = console_broker.settings(tmp_path / "broker", pki)
    with console_side.running(settings, desk, LinkLimits(renew_s=0.05)) as console:
        device = Raw(console, pki, "dev-1")
        assert eventually(lambda: device.said(topics.desired("dev-1")))

        desk.orders["dev-1"] = order(2).pack()

        assert eventually(lambda: order(2).pack() in device.said(topics.desired("dev-1")))
        device.session.close()


def test_events_are_stored_once_and_each_time_confirmed(agent: Make, desk: MemoryDesk) -> None:
    link = agent()

    for events in ([event(2), event(1)], [event(1)], [event(2), event(3)]):
        assert list(link.send_events(events)) == [one.id for one in events]

    assert set(desk.events["dev-1"].values()) == {event(1), event(2), event(3)}
    assert desk.repeats == 2


def test_events_are_told_again_to_a_console_that_was_away(
    agent: Make, console: ConsoleSide
) -> None:
    link = agent(stored_s=0.3)
    console.unlink()
    with pytest.raises(LinkError):
        link.send_events([event(1)])
    assert "dev-1" not in console.desk.events

    console.relink()

    assert list(link.send_events([event(1)])) == [event(1).id]


def test_the_newest_state_is_known_after_a_flood(agent: Make, desk: MemoryDesk) -> None:
    link = agent()
    for number in range(60):
        link.send_state(Status("boot-1", phase="installing", done_bytes=number))

    assert eventually(lambda: desk.statuses.get("dev-1", Status("")).done_bytes == 59)


def test_the_state_of_a_time_without_a_console_is_known_later(
    agent: Make, console: ConsoleSide
) -> None:
    link = agent()
    console.unlink()
    link.send_state(Status("boot-1", phase="installing"))

    console.relink()

    assert eventually(lambda: console.desk.statuses.get("dev-1") is not None)


def test_birth_and_goodbye_are_known(agent: Make, desk: MemoryDesk) -> None:
    link = agent()
    assert eventually(lambda: desk.online.get("dev-1") == ("boot-1", True))

    link.close()

    assert eventually(lambda: desk.online.get("dev-1") == ("boot-1", False))


def test_the_last_will_of_a_device_is_known(console: ConsoleSide, pki: Pki) -> None:
    async def live_and_die() -> None:
        will = Will(topics.online("dev-1"), messages.pack_online("boot-1", is_online=False))
        address = console_broker.door(console.settings, pki.identity("dev-1"))
        device = MqttClient(address, "dev-1", will=will)
        await device.connect()
        birth = messages.pack_online("boot-1", is_online=True)
        device.publish(topics.online("dev-1"), birth, retain=True)
        await device.flush()
        device.break_off()

    console.call(live_and_die)

    assert eventually(lambda: console.desk.online.get("dev-1") == ("boot-1", False))


def test_a_wake_comes_to_all(agent: Make, raw: Callable[[str], Raw], console: ConsoleSide) -> None:
    devices = [raw("dev-1"), raw("dev-2")]

    async def wake() -> None:
        console.link.wake()

    console.call(wake)

    assert eventually(lambda: [one.said(topics.WAKE) for one in devices] == [[b""], [b""]])
