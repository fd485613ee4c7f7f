"""A certificate that was retired gets nothing over MQTT, before and after there is a list of it."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from paho.mqtt.client import MQTTMessage

from edge.console import app
from edge.console.devices import list_watch
from edge.console.mqtt.client import Address, MqttClient
from edge.console.mqtt.service import GivenBroker
from edge.errors import EdgeError
from edge.keys import create
from edge_agent.backoff import Backoff
from edge_agent.identity import Identity
from edge_agent.link import LinkError, RefusedByServerError
from edge_agent.links import tls
from edge_agent.links.http import HttpLink
from edge_agent.links.mqtt import MqttLink
from edge_signing import messages, topics
from edge_signing.messages import Desired, EventId, ReportEvent, Status
from tests.agent.links.conftest import eventually
from tests.agent.power.system import System, tiny_units
from tests.fakes import console
from tests.fakes.console import PACE, Console
from tests.fakes.mosquitto import Broker
from tests.fakes.operator import Operator
from tests.fakes.pki import Pki

pytestmark = [
    pytest.mark.tools,
    # paho leaves the socket of a handshake that fails to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

EVENT = ReportEvent(EventId("boot-1", 1), 1_700_000_000, "started", "action-1")


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    create.init(tmp_path / "keys", now=datetime.now(UTC), products=("gateway",))
    return tmp_path / "keys"


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki.make(tmp_path / "factory")


@pytest.fixture
def crl(pki: Pki) -> Path:
    return pki.factory.revoke()


@pytest.fixture
def site(
    tmp_path: Path, pki: Pki, keys: Path, crl: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Console]:
    """A console that is given an empty list, with a release."""
    monkeypatch.setattr(app, "_LOOK_S", 0.05)
    folder = tmp_path / "console"
    with (
        tiny_units(),
        console.running(folder, pki, keys, mqtt_port=0, device_lists=(crl,)) as one,
    ):
        operator = Operator(tmp_path / "operator", keys)
        operator.release(System.make("1", 1))
        one.good("POST", "/releases", operator.bundle("1"))
        yield one


class Thief:
    """Somebody with the certificate that a device had before."""

    def __init__(self, site: Console, identity: Identity) -> None:
        self.heard: list[MQTTMessage] = []
        self._site, self._identity = site, identity

    def attack(self) -> None:
        """Listen to all, and say all that a device can say."""
        self._site.wait(self._attack())

    async def _attack(self) -> None:
        device = self._identity.device
        address = Address("127.0.0.1", self._site.running.mqtt_port, tls.context(self._identity))
        client = MqttClient(address, device, hear=self.heard.append, session_s=3600)
        for _attempt in range(3):
            with suppress(EdgeError):
                await client.connect()
                await client.subscribe(topics.desired(device), topics.stored(device), "#")
                forged = Status("boot-9", seq=99, phase="forged").pack()
                client.publish(topics.state(device), forged, retain=True)
                client.publish(topics.events(device), messages.pack_events([EVENT]))
                birth = messages.pack_online("boot-9", is_online=True)
                client.publish(topics.online(device), birth, retain=True)
                with suppress(TimeoutError):
                    await asyncio.wait_for(client.lost.wait(), 0.5)
            await client.disconnect()


def stolen(pki: Pki, device: str) -> Path:
    """Return the files of a device's certificate, and give it another one."""
    own = pki.device(device)
    kept = pki.folder / "stolen" / device
    kept.parent.mkdir(exist_ok=True)
    shutil.move(own, kept)
    (own.parent / device).mkdir()
    pki.factory.sign(device, own, file="device")
    (own / "epoch").write_text("2\n")
    return kept


def of(site: Console, folder: Path, device: str) -> Identity:
    files = folder / "device.crt", folder / "device.key"
    return Identity(device, 1, *files, site.site.authority)


def fresh(site: Console, device: str, *, http: bool = False) -> MqttLink:
    """Return a link of a device with the certificate that it has now."""
    identity = of(site, site.pki.device(device), device)
    polls = HttpLink(site.url, identity, pace=PACE) if http else None
    link = MqttLink(
        site.mqtt_url, identity, "boot-2", polls, backoff=Backoff(lambda: 0.05), stored_s=1
    )
    site._links.append(link)
    return link


def list_of(pki: Pki, *folders: Path, ends_in: timedelta = timedelta(days=30)) -> None:
    """Replace the list of revoked certificates, as an operator does: whole or not at all."""
    own = [x509.load_pem_x509_certificate((one / "device.crt").read_bytes()) for one in folders]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.fakes.pki._AFTER", ends_in)
        before = pki.revoked.read_bytes()
        pki.factory.revoke(*own)
    new = pki.revoked.read_bytes()
    pki.revoked.write_bytes(before)
    aside = pki.revoked.with_suffix(".new")
    aside.write_bytes(new)
    aside.rename(pki.revoked)


def has(link: MqttLink, wanted: Desired | None) -> bool:
    """Whether a link is there, and has that order."""
    try:
        return link.is_broker_there and link.desired() == wanted
    except LinkError:
        return False


def sends(link: MqttLink) -> bool:
    """Whether a link is there, and what it says is stored."""
    try:
        return list(link.send_events([EVENT])) == [EVENT.id]
    except LinkError:
        return False


def shown(site: Console, device: str) -> dict[str, object]:
    found: dict[str, object] = site.good("GET", f"/devices/{device}")
    return found


def test_a_retired_certificate_gets_nothing_before_and_after_the_list(
    site: Console, pki: Pki
) -> None:
    site.good("POST", "/devices", {"device": "unit-1"})
    site.link("unit-1").desired()
    before = site.mqtt_link("unit-1", http=False)
    assert eventually(lambda: before.is_broker_there)
    old = stolen(pki, "unit-1")
    thief = Thief(site, of(site, old, "unit-1"))

    site.good("POST", "/devices/unit-1/re-enrol", {})
    assert eventually(lambda: not before.is_broker_there)
    before.close()
    own = fresh(site, "unit-1", http=True)
    assert own.desired() is None
    order = site.good("POST", "/deployments", {"device": "unit-1", "version": "1"})
    thief.attack()

    assert thief.heard == []
    assert "of the same name has not expired" in str(shown(site, "unit-1")["mqtt_refusal"])
    assert (shown(site, "unit-1")["phase"], site.good("GET", "/events")["events"]) == ("", [])
    polled = own.desired()
    assert polled is not None
    assert polled.action == order["action"]

    list_of(pki, old)
    assert eventually(lambda: shown(site, "unit-1")["mqtt_refusal"] == "")
    assert eventually(lambda: has(own, polled))
    thief.attack()

    assert thief.heard == []
    assert own.is_broker_there
    assert eventually(lambda: sends(own))
    assert shown(site, "unit-1")["phase"] == ""
    assert site.link("unit-1").desired() is not None


def test_a_list_that_ends_shuts_out_nobody_but_names_with_a_retired_certificate(
    site: Console, pki: Pki, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("unit-1", "unit-2"):
        site.good("POST", "/devices", {"device": name})
        site.link(name).desired()
    old = stolen(pki, "unit-1")
    site.good("POST", "/devices/unit-1/re-enrol", {})
    fresh(site, "unit-1", http=True).desired()
    list_of(pki, old)
    own, other = fresh(site, "unit-1"), fresh(site, "unit-2")
    assert eventually(lambda: own.is_broker_there and other.is_broker_there)

    list_of(pki, old, ends_in=list_watch.MARGIN / 2)

    assert eventually(lambda: shown(site, "unit-1")["mqtt_refusal"] != "")
    assert eventually(lambda: not own.is_broker_there)
    assert eventually(lambda: "has ended" in caplog.text)
    assert eventually(lambda: sends(other))
    with pytest.raises(LinkError):
        own.send_events([EVENT])

    list_of(pki, old)
    assert eventually(lambda: own.is_broker_there and shown(site, "unit-1")["mqtt_refusal"] == "")


def test_a_certificate_on_the_list_is_out_of_both_links(site: Console, pki: Pki) -> None:
    site.good("POST", "/devices", {"device": "unit-1"})
    site.link("unit-1").desired()
    link = site.mqtt_link("unit-1", http=False)
    assert eventually(lambda: link.is_broker_there)

    list_of(pki, pki.device("unit-1"))

    assert eventually(lambda: not link.is_broker_there)
    assert "on the list" in str(shown(site, "unit-1")["mqtt_refusal"])
    with pytest.raises(RefusedByServerError):
        site.link("unit-1").desired()


def test_two_certificates_of_one_name_are_told_apart_by_http_alone(site: Console, pki: Pki) -> None:
    site.good("POST", "/devices", {"device": "unit-1"})
    site.link("unit-1").desired()
    link = site.mqtt_link("unit-1", http=False)
    assert eventually(lambda: link.is_broker_there)
    first = stolen(pki, "unit-1")

    with pytest.raises(RefusedByServerError):
        site.link("unit-1").desired()

    assert eventually(lambda: not link.is_broker_there)
    assert "of the same name" in str(shown(site, "unit-1")["mqtt_refusal"])
    acts = site.good("GET", "/audit?subject=device:unit-1")["entries"]
    assert [one["act"] for one in acts][-1] == "device.other-certificate"
    polls = HttpLink(site.url, of(site, first, "unit-1"), pace=PACE)
    assert polls.desired() is None
    polls.close()


def test_a_given_broker_carries_orders_and_what_is_retired_gets_none(
    tmp_path: Path, pki: Pki, keys: Path
) -> None:
    with (
        tiny_units(),
        Broker(tmp_path / "broker", pki) as broker,
    ):
        given = GivenBroker.of(
            broker.url,
            ca=pki.servers.file,
            certificate=pki.folder / "console.crt",
            key=pki.folder / "console.key",
        )
        with console.running(
            tmp_path / "console", pki, keys, given=given, with_own_server=False
        ) as site:
            operator = Operator(tmp_path / "operator", keys)
            operator.release(System.make("1", 1))
            site.good("POST", "/releases", operator.bundle("1"))
            site.good("POST", "/devices", {"device": "unit-1"})
            site.link("unit-1").desired()
            own = fresh(site, "unit-1")
            site.good("POST", "/deployments", {"device": "unit-1", "version": "1"})
            assert eventually(lambda: own.is_broker_there and own.desired() is not None)
            assert eventually(lambda: sends(own))

            site.good("POST", "/devices/unit-1/re-enrol", {})

            assert eventually(lambda: has(own, None))
            later = replace(EVENT, id=EventId("boot-1", 2))
            with pytest.raises(LinkError):
                own.send_events([later])
            assert [one["n"] for one in site.good("GET", "/events")["events"]] == [1]
