"""Devices of the console's own authority over MQTT, whose list of revoked ones it makes itself."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree

import pytest

from edge.console import app
from edge.keys import create
from edge_agent import enrol, renew
from edge_agent.backoff import Backoff
from edge_agent.identity import Identity
from edge_agent.link import LinkError
from edge_agent.links.http import HttpLink
from edge_agent.links.mqtt import MqttLink
from tests.agent.links.conftest import eventually
from tests.edge.console.enrolment.test_enrolment import key_of, server_of
from tests.edge.console.mqtt.test_retired import EVENT, sends
from tests.fakes import console
from tests.fakes.console import PACE, Console
from tests.fakes.pki import Pki

pytestmark = [
    pytest.mark.tools,
    # paho leaves the socket of a handshake that fails to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def site(tmp_path: Path, pki: Pki, monkeypatch: pytest.MonkeyPatch) -> Iterator[Console]:
    monkeypatch.setattr(app, "_LOOK_S", 0.05)
    create.init(tmp_path / "keys", now=datetime.now(UTC), products=("gateway",))
    lists = (pki.revoked,)
    folder = tmp_path / "console"
    with console.running(folder, pki, tmp_path / "keys", mqtt_port=0, device_lists=lists) as one:
        yield one


def enrolled(site: Console, folder: Path) -> Identity:
    """Return the identity that a device gets for a key of enrolment."""
    server = server_of(site, key_of(site, is_trusted=True), folder / "config")
    enrol.enrol(server, folder, pace=PACE)
    return Identity.read(folder / "identity")


def linked(site: Console, identity: Identity, *, http: bool = False) -> MqttLink:
    polls = HttpLink(site.url, identity, pace=PACE) if http else None
    made = MqttLink(
        site.mqtt_url, identity, "boot-1", polls, backoff=Backoff(lambda: 0.05), stored_s=1
    )
    site._links.append(made)
    return made


def test_a_device_that_enrolled_has_mqtt_and_its_certificate_of_before_has_none(
    site: Console, tmp_path: Path
) -> None:
    first = enrolled(site, tmp_path / "one")
    old = linked(site, first)
    assert eventually(lambda: old.is_broker_there)
    assert eventually(lambda: sends(old))

    site.good("POST", "/devices/gw-1/re-enrol", {})
    assert eventually(lambda: not old.is_broker_there)
    second = enrolled(site, tmp_path / "two")
    new = linked(site, second)

    assert eventually(lambda: new.is_broker_there)
    assert eventually(lambda: site.good("GET", "/devices/gw-1")["mqtt_refusal"] == "")
    with pytest.raises(LinkError):
        old.send_events([EVENT])
    assert not old.is_broker_there
    assert eventually(lambda: sends(new))


def test_a_device_that_renewed_has_mqtt_and_its_certificate_of_before_has_none(
    site: Console, tmp_path: Path
) -> None:
    folder = tmp_path / "one"
    first = enrolled(site, folder)
    kept = copytree(folder / "identity", tmp_path / "old")
    before = linked(site, first)
    assert eventually(lambda: sends(before))
    before.close()

    renew.renew(site.url, folder, first, pace=PACE)
    new = linked(site, Identity.read(folder / "identity"))

    assert eventually(lambda: sends(new))
    assert site.good("GET", "/devices/gw-1")["mqtt_refusal"] == ""
    old = linked(site, Identity.read(kept))
    with pytest.raises(LinkError):
        old.send_events([EVENT])
    assert not old.is_broker_there
    assert eventually(lambda: sends(new))
