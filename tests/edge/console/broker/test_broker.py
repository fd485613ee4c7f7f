"""The real Mosquitto under the console's configuration."""

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import MQTTMessage

from edge.console.broker.broker import Broker
from edge.console.broker.configuration import BrokerSettings
from edge.console.mqtt.client import MqttClient
from edge.errors import EdgeError, LinkError, ToolError
from edge_signing import topics
from tests.fakes import console_broker
from tests.fakes.pki import Authority, Pki

pytestmark = pytest.mark.tools

WAIT_S = 10


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    made = Pki.make(tmp_path_factory.mktemp("pki"))
    for name in ("gw-1", "gw-2", "gw-3"):
        made.device(name)
    return made


class Bench:
    """A broker, and those who connect to it."""

    def __init__(self, settings: BrokerSettings, pki: Pki, broker: Broker) -> None:
        self.settings, self.pki, self.broker = settings, pki, broker
        self.heard: asyncio.Queue[tuple[str, str, bytes]] = asyncio.Queue()

    def device(self, name: str, *, client_id: str = "", who: Authority | None = None) -> MqttClient:
        identity = self.pki.identity(name, authority=who)
        address = console_broker.door(self.settings, identity)
        return MqttClient(address, client_id or name, hear=self._hear(name))

    def console(self) -> MqttClient:
        return MqttClient(self.broker.address, "console.test", hear=self._hear("console"))

    def _hear(self, name: str) -> Callable[[MQTTMessage], None]:
        return lambda one: self.heard.put_nowait((name, one.topic, bytes(one.payload)))

    async def next(self) -> tuple[str, str, bytes]:
        return await asyncio.wait_for(self.heard.get(), WAIT_S)

    async def nothing_but(self, console: MqttClient, told: str) -> list[tuple[str, str, bytes]]:
        """Return all that is heard before something that the console says now comes back."""
        console.publish(f"edge/v1/test/{told}", b"")
        found = []
        while (one := await self.next())[1] != f"edge/v1/test/{told}":
            found.append(one)
        return found


def _run(
    tmp_path: Path, pki: Pki, act: Callable[[Bench], Coroutine[Any, Any, None]], *shut_out: str
) -> None:
    async def whole() -> None:
        settings = console_broker.settings(tmp_path / "broker", pki)
        async with console_broker.running(settings, *shut_out) as broker:
            await act(Bench(settings, pki, broker))

    asyncio.run(whole())


def test_a_device_reads_and_writes_its_own(tmp_path: Path, pki: Pki) -> None:
    async def act(bench: Bench) -> None:
        console, device = bench.console(), bench.device("gw-1")
        await console.connect()
        await console.subscribe("edge/v1/#")
        await device.connect()
        await device.subscribe(topics.command("gw-1"))

        device.publish(topics.state("gw-1"), b"state")
        said = await bench.next()
        console.publish(topics.command("gw-1"), b"command")
        heard = [await bench.next(), await bench.next()]

        assert said == ("console", topics.state("gw-1"), b"state")
        assert ("gw-1", topics.command("gw-1"), b"command") in heard
        await device.disconnect()
        await console.disconnect()

    _run(tmp_path, pki, act)


def test_a_device_can_not_write_what_is_not_its_own(tmp_path: Path, pki: Pki) -> None:
    async def act(bench: Bench) -> None:
        console, device = bench.console(), bench.device("gw-1")
        await console.connect()
        await console.subscribe("edge/v1/#")
        await device.connect()

        for topic in (
            topics.state("gw-2"),
            topics.events("gw-2"),
            topics.desired("gw-1"),
            topics.desired("gw-2"),
            topics.WAKE,
            "edge/v1/test/forged",
        ):
            device.publish(topic, b"forged", retain=True)
        await device.flush()
        device.publish(topics.events("gw-1"), b"own")
        await device.flush()

        heard = await bench.nothing_but(console, "end")
        assert heard == [("console", topics.events("gw-1"), b"own")]
        await device.disconnect()
        await console.disconnect()

    _run(tmp_path, pki, act)


def test_a_device_can_not_read_what_is_not_its_own(tmp_path: Path, pki: Pki) -> None:
    async def act(bench: Bench) -> None:
        console, device = bench.console(), bench.device("gw-1")
        await console.connect()
        await console.subscribe("edge/v1/test/#")
        await device.connect()
        await device.subscribe("#", "edge/v1/d/+/c/#", topics.desired("gw-2"), "$SYS/#")

        console.publish(topics.desired("gw-2"), b"secret", retain=True)
        console.publish(topics.state("gw-1"), b"own state", retain=True)
        console.publish(topics.WAKE, b"wake")
        await console.flush()

        heard = await bench.nothing_but(console, "end")
        assert {(who, topic) for who, topic, _data in heard} == {("gw-1", topics.WAKE)}
        await device.disconnect()
        await console.disconnect()

    _run(tmp_path, pki, act)


@pytest.mark.parametrize("name", ["+", "#", "gw-1/s", "gw-1/c/#", "a.b", "console", "gw 1"])
def test_a_name_that_is_none_gets_nothing(tmp_path: Path, pki: Pki, name: str) -> None:
    async def act(bench: Bench) -> None:
        console, device = bench.console(), bench.device(name)
        await console.connect()
        await console.subscribe("edge/v1/#")
        with suppress(EdgeError):
            await device.connect()
            for topic in ("edge/v1/d/gw-1/s/state", "edge/v1/d/gw-1/c/desired", topics.WAKE):
                device.publish(topic, b"forged")
            if name != "console":
                await asyncio.wait_for(device.lost.wait(), WAIT_S)

        assert await bench.nothing_but(console, "end") == []
        assert name == "console" or not device.is_there
        await device.disconnect()
        await console.disconnect()

    _run(tmp_path, pki, act)


def test_a_client_id_of_another_is_not_taken(tmp_path: Path, pki: Pki) -> None:
    async def act(bench: Bench) -> None:
        console, victim = bench.console(), bench.device("gw-1")
        await console.connect()
        await victim.connect()
        await victim.subscribe(topics.command("gw-1"))
        thief = bench.device("gw-2", client_id="gw-1")

        with suppress(EdgeError):
            await thief.connect()
        other = bench.device("gw-2", client_id="console.test")
        with suppress(EdgeError):
            await other.connect()

        console.publish(topics.command("gw-1"), b"command")
        assert await bench.next() == ("gw-1", topics.command("gw-1"), b"command")
        assert victim.is_there
        assert console.is_there
        for client in (thief, other, victim, console):
            await client.disconnect()

    _run(tmp_path, pki, act)


def test_devices_do_not_get_through_the_door_of_the_console(tmp_path: Path, pki: Pki) -> None:
    async def act(bench: Bench) -> None:
        identity = pki.identity("gw-1")
        own, through = bench.broker.address, console_broker.door(bench.settings, identity)
        through.context.load_verify_locations(bench.settings.inner / "ca.crt")
        client = MqttClient(type(own)(own.host, own.port, through.context), "gw-1")

        with pytest.raises(LinkError):
            await client.connect()

    _run(tmp_path, pki, act)


def test_a_certificate_of_another_authority_is_refused(tmp_path: Path, pki: Pki) -> None:
    async def act(bench: Bench) -> None:
        other = Authority.make(tmp_path / "other", "other-ca")
        device = bench.device("gw-9", who=other)

        with pytest.raises(LinkError):
            await device.connect()

    _run(tmp_path, pki, act)


def test_who_is_shut_out_is_thrown_out_at_once_and_has_no_rights(tmp_path: Path, pki: Pki) -> None:
    async def act(bench: Bench) -> None:
        console, device, other = bench.console(), bench.device("gw-1"), bench.device("gw-2")
        await console.connect()
        await console.subscribe("edge/v1/#")
        await device.connect()
        await other.connect()

        await bench.broker.shut_out("gw-1")
        await asyncio.wait_for(device.lost.wait(), WAIT_S)
        with suppress(EdgeError):
            await device.connect()
            device.publish(topics.events("gw-1"), b"still here")
            await asyncio.wait_for(device.lost.wait(), WAIT_S)

        assert not device.is_there
        assert other.is_there
        assert await bench.nothing_but(console, "end") == []
        for client in (device, other, console):
            await client.disconnect()

    _run(tmp_path, pki, act)


def test_who_is_let_in_again_may_speak(tmp_path: Path, pki: Pki) -> None:
    async def act(bench: Bench) -> None:
        console, device = bench.console(), bench.device("gw-1")
        await console.connect()
        await console.subscribe("edge/v1/#")

        await bench.broker.let_in("gw-1")

        await device.connect()
        device.publish(topics.events("gw-1"), b"here")
        assert await bench.next() == ("console", topics.events("gw-1"), b"here")
        assert device.is_there
        await device.disconnect()
        await console.disconnect()

    _run(tmp_path, pki, act, "gw-1")


def test_a_killed_broker_comes_back_with_what_was_retained(tmp_path: Path, pki: Pki) -> None:
    async def act(bench: Bench) -> None:
        console = bench.console()
        await console.connect()
        console.publish(topics.desired("gw-1"), b"order", retain=True)
        await console.flush()
        again = asyncio.Event()
        bench.broker.on_running.append(again.set)

        os.kill(bench.broker.pid, signal.SIGTERM)
        await asyncio.wait_for(console.lost.wait(), WAIT_S)
        await asyncio.wait_for(again.wait(), WAIT_S)
        device = bench.device("gw-1")
        await device.connect()
        await device.subscribe(topics.desired("gw-1"))

        assert await bench.next() == ("gw-1", topics.desired("gw-1"), b"order")
        assert bench.broker.starts == 2
        await device.disconnect()
        await console.disconnect()

    _run(tmp_path, pki, act)


def test_one_that_can_not_start_says_why(tmp_path: Path, pki: Pki) -> None:
    (tmp_path / "broken.crl").write_text("not a list\n")

    async def act() -> None:
        settings = console_broker.settings(tmp_path / "broker", pki)
        broker = Broker(replace(settings, revoked=tmp_path / "broken.crl"))
        await broker.start()

    with pytest.raises(ToolError, match=r"does not start\n.*CRL|crl"):
        asyncio.run(act())


def test_a_packet_that_is_too_large_closes_the_connection(tmp_path: Path, pki: Pki) -> None:
    async def act(bench: Bench) -> None:
        device = bench.device("gw-1")
        await device.connect()

        device.publish(topics.events("gw-1"), bytes(300 << 10))

        await asyncio.wait_for(device.lost.wait(), WAIT_S)
        await device.disconnect()

    _run(tmp_path, pki, act)


def test_keys_are_for_us_alone(tmp_path: Path, pki: Pki) -> None:
    async def act(bench: Bench) -> None:
        files = [one for one in bench.settings.folder.rglob("*") if one.suffix in (".key", ".acl")]

        assert len(files) == 4
        assert {one.stat().st_mode & 0o777 for one in files} == {0o600}
        assert not list(bench.settings.inner.glob("ca.key"))

    _run(tmp_path, pki, act)


def test_it_ends_with_a_console_that_is_killed(tmp_path: Path, pki: Pki) -> None:
    chosen = console_broker.settings(tmp_path / "broker", pki)
    where = (chosen.folder, pki.folder, chosen.port, chosen.console_port)
    words = [sys.executable, "-m", "tests.fakes.console_broker", *map(str, where)]
    own = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    console = subprocess.Popen(words, env=own, stdout=subprocess.PIPE)
    assert console.stdout is not None
    with console.stdout:
        broker = int(console.stdout.readline())
        ending = os.pidfd_open(broker)

        console.kill()
        console.wait()

    try:
        ended, _none, _nothing = select.select([ending], [], [], WAIT_S)
    finally:
        os.close(ending)
    assert ended == [ending]
