"""The whole console with its broker: devices over MQTT, by the links of real agents."""

import asyncio
import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.cli.main import main
from edge.console.mqtt.client import Address, MqttClient
from edge.errors import EdgeError
from edge.keys import create
from edge_agent.identity import Identity
from edge_agent.link import LinkError, RefusedByServerError
from edge_agent.links import tls
from edge_agent.links.mqtt import MqttLink
from edge_signing import messages, topics
from edge_signing.messages import EventId, ReportEvent, Status
from tests.agent.links.conftest import eventually
from tests.agent.power.system import System, tiny_units
from tests.fakes import console
from tests.fakes.console import Console, sql
from tests.fakes.operator import Operator
from tests.fakes.pki import Pki

pytestmark = [
    pytest.mark.tools,
    # paho leaves the socket of a handshake that fails to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ring") / "keys"
    create.init(folder, now=datetime.now(UTC), products=("gateway",))
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, pki: Pki, keys: Path) -> Iterator[Console]:
    """A console with a release; each test has devices of its own."""
    folder = tmp_path_factory.mktemp("served")
    with (
        tiny_units(),
        console.running(folder / "console", pki, keys, mqtt_port=0) as one,
    ):
        operator = Operator(folder / "operator", keys)
        operator.release(System.make("1", 1))
        one.good("POST", "/releases", operator.bundle("1"))
        yield one


def bound(site: Console, *devices: str) -> None:
    for device in devices:
        site.good("POST", "/devices", {"device": device})
        site.link(device).desired()


def there(site: Console, device: str, boot_id: str = "boot-1", *, http: bool = False) -> MqttLink:
    link = site.mqtt_link(device, boot_id=boot_id, http=http)
    assert eventually(lambda: link.is_broker_there)
    return link


def events(site: Console, device: str) -> list[int]:
    return [one["n"] for one in site.good("GET", f"/events?device={device}&limit=500")["events"]]


def event(number: int, boot_id: str = "boot-1") -> ReportEvent:
    return ReportEvent(EventId(boot_id, number), 1_700_000_000, "started", "action-1")


def shown(site: Console, device: str) -> dict[str, object]:
    found: dict[str, object] = site.good("GET", f"/devices/{device}")
    return found


def sends(link: MqttLink) -> bool:
    """Whether a link is there, and what it says is stored."""
    try:
        return list(link.send_events([event(1)])) == [event(1).id]
    except LinkError:
        return False


def has_order(link: MqttLink) -> bool:
    """Whether a link is there, and has an order."""
    try:
        return link.is_broker_there and link.desired() is not None
    except LinkError:
        return False


def test_an_order_comes_over_mqtt_and_what_is_reported_is_stored(site: Console) -> None:
    bound(site, "order-1")
    link = there(site, "order-1")

    order = site.good("POST", "/deployments", {"device": "order-1", "version": "1"})
    assert link.wait(10)
    desired = link.desired()
    link.send_state(Status("boot-1", seq=1, action=order["action"], phase="installing"))
    stored = link.send_events([event(1)])

    assert desired is not None
    assert desired.action == order["action"]
    assert list(stored) == [event(1).id]
    assert eventually(lambda: shown(site, "order-1")["phase"] == "installing")
    assert shown(site, "order-1")["mqtt_refusal"] == ""
    assert eventually(lambda: shown(site, "order-1")["via"] == "mqtt")
    assert eventually(lambda: shown(site, "order-1")["is_online"] is True)


def test_a_device_that_nobody_accepted_goes_on_by_http_until_it_is(site: Console) -> None:
    link = site.mqtt_link("asks-1")

    assert eventually(lambda: _is_refused(link))
    assert eventually(lambda: site.good("GET", "/devices?state=pending")["devices"])
    assert shown(site, "asks-1")["mqtt_refusal"] == "it is pending"
    site.good("POST", "/devices/asks-1/accept")

    assert eventually(lambda: link.is_broker_there)
    assert eventually(lambda: sends(link))
    assert shown(site, "asks-1")["mqtt_refusal"] == ""


def _is_refused(link: MqttLink) -> bool:
    try:
        link.desired()
    except RefusedByServerError:
        return True
    except LinkError:
        return False
    return False


def test_a_device_that_is_not_bound_yet_gets_nothing_over_mqtt_alone(site: Console) -> None:
    site.good("POST", "/devices", {"device": "bare-1"})
    site.good("POST", "/deployments", {"device": "bare-1", "version": "1"})
    link = site.mqtt_link("bare-1", http=False)

    with pytest.raises(LinkError):
        link.send_events([event(1)])
    assert "seen yet" in str(shown(site, "bare-1")["mqtt_refusal"])
    site.link("bare-1").desired()

    assert eventually(lambda: has_order(link))


def test_who_is_revoked_is_out_of_mqtt_at_once_and_back_when_accepted(site: Console) -> None:
    bound(site, "out-1", "out-2")
    link, other = there(site, "out-1"), there(site, "out-2")
    site.good("POST", "/deployments", {"device": "out-1", "version": "1"})
    assert eventually(lambda: has_order(link))

    site.good("POST", "/devices/out-1/revoke")
    assert eventually(lambda: not link.is_broker_there)
    with pytest.raises(LinkError):
        link.send_events([event(1)])
    assert events(site, "out-1") == []
    assert other.is_broker_there
    site.good("POST", "/devices/out-1/accept")

    assert eventually(lambda: has_order(link))
    assert eventually(lambda: sends(link))


def test_a_broker_that_was_killed_comes_back_and_http_goes_on_meanwhile(site: Console) -> None:
    bound(site, "killed-1")
    link = there(site, "killed-1")
    assert site.ask("GET", "/readyz").body == {"status": "ok", "mqtt": "there"}
    mqtt = site.running.office.mqtt
    assert mqtt is not None

    os.kill(mqtt.pid, signal.SIGKILL)
    assert eventually(lambda: not link.is_broker_there)
    ready = site.ask("GET", "/readyz")
    site.good("POST", "/deployments", {"device": "killed-1", "version": "1"})
    polled = site.link("killed-1").desired()

    assert ready.status == 200
    assert polled is not None
    assert eventually(lambda: has_order(link) and link.desired() == polled)
    assert eventually(lambda: sends(link))
    assert "edge_mqtt_up 1\n" in site.ask("GET", "/metrics").body
    assert "edge_mqtt_starts_total 2\n" in site.ask("GET", "/metrics").body


def test_a_console_that_was_started_again_knows_who_is_out(
    tmp_path: Path, pki: Pki, keys: Path
) -> None:
    with console.running(tmp_path / "console", pki, keys, mqtt_port=0) as one:
        bound(one, "unit-1", "unit-2")
        one.good("POST", "/devices/unit-1/revoke")
        port = one.running.mqtt_port

    with console.running(tmp_path / "console", pki, keys, mqtt_port=port) as one:
        rules = (one.site.folder / "broker" / "devices.acl").read_text()
        mqtt = one.running.office.mqtt
        assert mqtt is not None
        assert eventually(lambda: mqtt.is_there)
        assert sends(there(one, "unit-2"))
        assert mqtt.shut_out == 1
        assert "user unit-1\ntopic deny #" in rules


def test_a_device_can_not_speak_for_another_or_as_another(site: Console) -> None:
    bound(site, "thief-1", "thief-2")
    thief = there(site, "thief-2")

    for topic in (topics.state("thief-1"), topics.events("thief-1"), topics.desired("thief-1")):
        payload = Status("boot-1", phase="forged").pack()
        if topic == topics.events("thief-1"):
            payload = messages.pack_events([event(9)])
        thief._session.publish(topic, payload, retain=True)
    assert eventually(lambda: sends(thief))

    assert (events(site, "thief-1"), events(site, "thief-2")) == ([], [1])
    assert shown(site, "thief-1")["phase"] == ""


@pytest.mark.parametrize("name", ["+", "#", "name-1/s", "a b"])
def test_a_name_that_is_none_gets_nothing(site: Console, pki: Pki, name: str) -> None:
    device = f"name-{len(name)}-{ord(name[0])}"
    bound(site, device)
    heard: list[str] = []

    async def attack() -> None:
        address = Address("127.0.0.1", site.running.mqtt_port, tls.context(identity))
        client = MqttClient(address, name, hear=lambda one: heard.append(one.topic))
        with suppress(EdgeError):
            await client.connect()
            await client.subscribe("#")
            for topic in (topics.state(device), topics.online(device)):
                client.publish(topic, Status("boot-1", phase="forged").pack(), retain=True)
            client.publish(topics.events(device), messages.pack_events([event(9)]))
            await asyncio.wait_for(client.lost.wait(), 10)
        await client.disconnect()

    folder = pki.device(name)
    files = folder / "device.crt", folder / "device.key"
    identity = Identity(device, 1, *files, site.site.authority)
    site.wait(attack())

    assert heard == []
    assert (shown(site, device)["phase"], events(site, device)) == ("", [])


def test_a_locked_database_costs_no_report(site: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    bound(site, "locked-1")
    link = there(site, "locked-1")
    database = site.running.office.database
    sql(database, "ALTER TABLE devices RENAME TO away")

    link.send_state(Status("boot-1", seq=3, phase="downloading"))
    with pytest.raises(LinkError):
        link.send_events([event(1)])
    sql(database, "ALTER TABLE away RENAME TO devices")

    assert eventually(lambda: shown(site, "locked-1")["phase"] == "downloading")
    assert eventually(lambda: sends(link))
    assert events(site, "locked-1") == [1]


def test_what_comes_twice_and_out_of_order_over_both_links_counts_once(site: Console) -> None:
    bound(site, "twice-1")
    broker, http = there(site, "twice-1"), site.link("twice-1")
    said = [event(number) for number in range(1, 21)]
    failed: list[Exception] = []

    def tell(by_mqtt: bool) -> None:
        link = broker if by_mqtt else http
        ordered = said if by_mqtt else list(reversed(said))
        try:
            for begin in range(0, len(ordered), 4):
                some = ordered[begin : begin + 4]
                assert set(link.send_events(some)) == {one.id for one in some}
        except Exception as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=tell, args=(by_mqtt,)) for by_mqtt in (True, False)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert failed == []
    assert sorted(events(site, "twice-1")) == list(range(1, 21))
    broker.send_state(Status("boot-1", seq=7, phase="idle"))
    assert eventually(lambda: shown(site, "twice-1")["phase"] == "idle")
    http.send_state(Status("boot-1", seq=6, phase="downloading"))
    assert shown(site, "twice-1")["phase"] == "idle"


@pytest.mark.parametrize("via", ["mqtt", "both"])
def test_simulated_devices_end_their_orders_at_the_console(
    site: Console, pki: Pki, capsys: pytest.CaptureFixture[str], via: str
) -> None:
    names = [f"{via}-{number}" for number in range(1, 7)]
    site.good("POST", "/imports/devices", {"devices": [{"device": name} for name in names]})
    for name in names:
        site.good("POST", "/deployments", {"device": name, "version": "1"})
    words = ["-q", "simulate", "--json", "--devices", "6", "--prefix", via, "--via", via]
    words += ["--speed", "100", "--ramp", "0", "--poll", "0.2", "--mix", "ok=50,fails=50"]
    words += ["--http", site.url, "--mqtt", site.mqtt_url, "--actions", "1"]
    words += ["--factory-ca", str(pki.factory.file), "--factory-key", str(pki.factory.key_file)]
    words += ["--server-ca", str(site.site.authority), "--product", "gateway", "--board", "board"]

    status = main(words)

    facts = json.loads(capsys.readouterr().out)
    ends = [site.good("GET", f"/devices/{name}/orders")["orders"][0]["state"] for name in names]
    assert (status, facts["results"]["succeeded"], facts["results"]["failed"]) == (0, 3, 3)
    assert sorted(ends) == ["failed"] * 3 + ["succeeded"] * 3
    by_mqtt = 6 if via == "mqtt" else 3
    assert eventually(lambda: [shown(site, name)["via"] for name in names].count("mqtt") == by_mqtt)
