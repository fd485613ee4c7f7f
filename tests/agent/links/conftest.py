"""A fleet with its certificates, and a server for it."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_agent.backoff import Backoff
from edge_agent.links.guarded import Pace
from edge_agent.links.http import HttpLink
from edge_agent.links.mqtt import MqttLink
from tests.fakes.fleet import Fleet
from tests.fakes.http_side import HttpSide, serving
from tests.fakes.mosquitto import Broker
from tests.fakes.mqtt_side import MqttSide
from tests.fakes.pki import Pki

PACE = Pace(least_bytes_per_s=1000, window_s=0.6, total_s=4.0, connect_s=3.0)


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki.make(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path / "fleet")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    for name in ("metadata", "targets", "blobs"):
        (folder / name).mkdir(parents=True)
    return folder


@pytest.fixture
def server(fleet: Fleet, repository: Path, pki: Pki) -> Iterator[HttpSide]:
    with serving(HttpSide(fleet, repository, pki, tokens={"secret": "dev-2"})) as side:
        yield side


@pytest.fixture
def link(server: HttpSide, pki: Pki) -> Iterator[HttpLink]:
    made = HttpLink(server.url, pki.identity("dev-1"), pace=PACE)
    yield made
    made.close()


@pytest.fixture
def broker(tmp_path: Path, pki: Pki) -> Iterator[Broker]:
    with Broker(tmp_path / "broker", pki) as one:
        yield one


@pytest.fixture
def mqtt_side(fleet: Fleet, repository: Path, pki: Pki, broker: Broker) -> Iterator[MqttSide]:
    side = MqttSide(fleet, repository, pki, broker.port)
    side.start()
    yield side
    side.stop()


def eventually(is_so: Callable[[], object], *, within_s: float = 10.0) -> bool:
    """Wait until something is so; return whether it came."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.02)
    return bool(is_so())


@pytest.fixture
def mqtt(
    broker: Broker,
    mqtt_side: MqttSide,
    server: HttpSide,
    pki: Pki,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[..., MqttLink]]:
    """Make links of devices over MQTT, with HTTP beside it unless `http_url` is empty."""
    monkeypatch.setattr("edge_agent.links.mqtt.SETTLE_S", 0.2)
    made: list[MqttLink] = []

    def make(device: str = "dev-1", *, http_url: str | None = None, **words: Any) -> MqttLink:
        url = server.url if http_url is None else http_url
        identity = pki.identity(device)
        http = HttpLink(url, identity, pace=PACE) if url else None
        calm = Backoff(lambda: 0.5, first_s=0.2, most_s=1.0)
        broker_url = words.pop("broker_url", broker.url)
        link = MqttLink(
            broker_url, identity, "boot-1", http, **{"backoff": calm, "answer_s": 2.0, **words}
        )
        made.append(link)
        return link

    yield make
    for one in made:
        one.close()
