"""A console with its broker, and devices with the links of real agents."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge_agent.backoff import Backoff
from edge_agent.links.mqtt import MqttLink
from edge_agent.links.mqtt_session import Heard, MqttSession
from edge_signing.messages import Desired, EventId, ReportEvent
from tests.agent.links.conftest import eventually
from tests.fakes import console_broker, console_side
from tests.fakes.console_side import ConsoleSide
from tests.fakes.memory_desk import MemoryDesk
from tests.fakes.pki import Pki

Make = Callable[..., MqttLink]


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki.make(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def desk() -> MemoryDesk:
    return MemoryDesk(known={"dev-1", "dev-2"})


@pytest.fixture
def console(tmp_path: Path, pki: Pki, desk: MemoryDesk) -> Iterator[ConsoleSide]:
    settings = console_broker.settings(tmp_path / "broker", pki)
    with console_side.running(settings, desk) as side:
        yield side


@pytest.fixture
def agent(console: ConsoleSide, pki: Pki) -> Iterator[Make]:
    made: list[MqttLink] = []

    def make(device: str = "dev-1", boot_id: str = "boot-1", **more: float) -> MqttLink:
        link = MqttLink(
            console.url,
            pki.identity(device),
            boot_id,
            None,
            backoff=Backoff(lambda: 0.05),
            wake_s=0.05,
            **more,  # type: ignore[arg-type]
        )
        made.append(link)
        assert eventually(lambda: link.is_broker_there)
        return link

    yield make
    for link in made:
        link.close()


class Raw:
    """A device that says what it likes to."""

    def __init__(self, console: ConsoleSide, pki: Pki, device: str) -> None:
        self.heard: list[Heard] = []
        self._there = threading.Event()
        self.session = MqttSession(
            console.url,
            pki.identity(device),
            "boot-1",
            hear=self.heard.append,
            changed=lambda is_there: self._there.set() if is_there else None,
            backoff=Backoff(lambda: 0.05),
        )
        self.session.open()
        assert self._there.wait(10)

    def said(self, topic: str) -> list[bytes]:
        return [one.payload for one in self.heard if one.topic == topic]


@pytest.fixture
def raw(console: ConsoleSide, pki: Pki) -> Iterator[Callable[[str], Raw]]:
    made: list[Raw] = []

    def make(device: str = "dev-1") -> Raw:
        made.append(Raw(console, pki, device))
        return made[-1]

    yield make
    for one in made:
        one.session.close()


def event(number: int, boot_id: str = "boot-1") -> ReportEvent:
    return ReportEvent(EventId(boot_id, number), 1_700_000_000, "succeeded", "action-1")


def retained(make: Make, device: str = "dev-1") -> Desired | None:
    """Return what a device hears that comes now."""
    link = make(device, boot_id="boot-9")
    found = link.desired()
    link.close()
    return found
