"""The agent's own driver, link and checks in campaigns: what it does, what the console knows."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from edge.console.campaigns import store
from edge_agent.driver import Agent
from edge_agent.request import Request
from tests.agent.driver.bench import until
from tests.agent.in_place.service_room import DIGEST, ServiceRoom
from tests.agent.links.conftest import eventually
from tests.agent.power.system import System
from tests.edge.console.test_taken_back import HeardSource
from tests.fakes.agent_parts import OPTIONS
from tests.fakes.console import TENANT, Console
from tests.fakes.console_bench import ConsoleBench
from tests.fakes.operator import Operator

DEVICE = "unit-7"
PLAN: dict[str, Any] = {
    "name": "to 2",
    "version": "2",
    "waves": [{"percent": 100}],
    "times": {"soak_s": 0},
    "evidence": None,
}


@dataclass
class Stand:
    """A device with the real agent that runs 1, and a console with the releases 1 and 2."""

    site: Console
    bench: ConsoleBench
    fetches: list[str] = field(default_factory=list)
    agent: Agent | None = None
    on_fetch: Callable[[], None] = lambda: None

    def start(self, **words: Any) -> str:
        id_: str = self.site.good("POST", "/campaigns", {**PLAN, **words})["campaign"]
        self.site.good("POST", f"/campaigns/{id_}/start", {})
        return id_

    def decide(self, id_: str, act: str) -> None:
        self.site.good("POST", f"/campaigns/{id_}/{act}", {})

    def member(self, id_: str) -> str:
        found: str = self.site.good("GET", f"/campaigns/{id_}/devices")["devices"][0]["state"]
        return found

    def campaign(self, id_: str) -> str:
        found: str = self.site.good("GET", f"/campaigns/{id_}")["state"]
        return found

    def run(self, is_over: Callable[[], object]) -> None:
        """Let the device work, and restart, until something holds."""
        if self.agent is None:
            self.agent = self.bench.start()

        def is_so() -> bool:
            if is_over():
                return True
            # The steps of a device that waits take no time, those of the console do.
            time.sleep(0.02)
            return False

        while not until(self.agent, is_so, within_s=60):
            assert self.bench.boots < 12
            self.agent = self.bench.start()

    def orders(self) -> list[str]:
        found = self.site.good("GET", f"/devices/{DEVICE}/orders")["orders"]
        return [one["state"] for one in found]

    def version(self) -> str:
        found: str = self.site.good("GET", f"/devices/{DEVICE}")["version"]
        return found

    def services(self) -> dict[str, str]:
        found: dict[str, str] = self.site.good("GET", f"/devices/{DEVICE}")["services"]
        return found

    def fetched(self) -> None:
        self.fetches.append("fetched")
        self.on_fetch()


@pytest.fixture
def stand(site: Console, operator: Operator, tmp_path: Path) -> Iterator[Stand]:
    # The same counter: so that the older one is no system that must not come back.
    old, new = System.make("1", 1), System.make("2", 1)
    for system, version in ((old, "1"), (new, "2")):
        operator.release(system)
        site.good("POST", "/releases", operator.bundle(version))
    site.good("POST", "/devices", {"device": DEVICE})
    bench = ConsoleBench(old, new)
    bench.join(site, tmp_path / "device", operator.ring.trusted_root(), site.identity(DEVICE))
    with closing(bench.link):
        made = Stand(site, bench)
        bench.source = HeardSource(bench.source, made.fetched)  # type: ignore[assignment]
        made.run(lambda: site.good("GET", f"/devices/{DEVICE}")["version"] == "1")
        yield made


def test_it_is_updated_and_goes_back_without_a_fetch(stand: Stand) -> None:
    id_ = stand.start()
    stand.run(lambda: stand.campaign(id_) == "finished")
    assert (stand.member(id_), stand.bench.slot, stand.version()) == ("succeeded", "b", "2")
    assert stand.fetches

    stand.fetches.clear()
    stand.decide(id_, "revert")
    stand.run(lambda: stand.campaign(id_) == "reverted")

    assert (stand.member(id_), stand.bench.slot, stand.fetches) == ("reverted", "a", [])
    stand.run(lambda: stand.version() == "1")


def test_a_download_under_way_is_left_when_its_campaign_is_aborted(stand: Stand) -> None:
    id_ = stand.start()

    def abort() -> None:
        if stand.campaign(id_) == "running":
            stand.decide(id_, "abort")
            assert eventually(lambda: stand.member(id_) == "cancelled")
            stand.bench.clock.at_s += OPTIONS.poll_s  # so it asks before the next unit

    stand.on_fetch = abort
    stand.run(lambda: stand.orders()[-1:] == ["cancelled"])

    assert (stand.campaign(id_), stand.member(id_)) == ("aborted", "cancelled")
    assert (stand.bench.slot, stand.bench.boots, stand.version()) == ("a", 1, "1")


def test_it_waits_for_its_user_without_being_late(stand: Stand) -> None:
    id_ = stand.start(confirm="always", times={"soak_s": 0, "timeout_s": 10})
    stand.run(lambda: stand.member(id_) == "held")
    database = stand.site.running.office.database
    member = database.read_now(lambda one: store.member(one, TENANT, id_, DEVICE))
    assert member.deadline_s == 0

    assert stand.agent is not None
    stand.agent.take(Request("confirm", "local-1"))
    stand.run(lambda: stand.campaign(id_) == "finished")

    assert (stand.member(id_), stand.bench.slot) == ("succeeded", "b")


def test_it_goes_on_by_itself_when_its_user_has_put_it_off_long_enough(stand: Stand) -> None:
    day_s, clock = 86_400, stand.bench.clock
    id_ = stand.start(confirm="always", confirm_until_s=clock.now_s() + day_s)
    stand.run(lambda: stand.member(id_) == "held")
    assert stand.agent is not None
    stand.agent.take(Request("postpone", "local-1"))
    assert stand.bench.slot == "a"

    clock.at_s += day_s
    stand.run(lambda: stand.campaign(id_) == "finished")

    assert (stand.member(id_), stand.bench.slot) == ("succeeded", "b")


def test_what_is_only_downloaded_is_started_by_the_next_campaign(stand: Stand) -> None:
    first = stand.start(download_only=True)
    stand.run(lambda: stand.campaign(first) == "finished")
    assert (stand.member(first), stand.bench.slot) == ("succeeded", "a")

    stand.fetches.clear()
    second = stand.start()
    stand.run(lambda: stand.campaign(second) == "finished")

    assert (stand.member(first), stand.member(second)) == ("succeeded", "succeeded")
    assert (stand.bench.slot, stand.fetches) == ("b", [])


def test_what_is_only_downloaded_is_left_when_its_campaign_is_reverted(stand: Stand) -> None:
    id_ = stand.start(download_only=True)
    stand.run(lambda: stand.campaign(id_) == "finished")

    stand.decide(id_, "revert")
    stand.run(lambda: stand.campaign(id_) == "reverted")

    assert (stand.member(id_), stand.bench.slot, stand.bench.boots) == ("reverted", "a", 1)


@pytest.fixture
def room(stand: Stand, operator: Operator) -> ServiceRoom:
    """The services of the device: its system's own `web`, of which there is a later release."""
    own = System.make("web+1", 1, blocks={"service": 3}).equal_to(DIGEST)
    for one in (own, System.make("web+2", 1, blocks={"service": 3})):
        operator.release(one)
        stand.site.good("POST", "/releases", operator.bundle(one.release.version))
    stand.bench.medium.now.devices |= {"web-a": {}, "web-b": {}}
    stand.bench.services = room = ServiceRoom(stand.bench.medium)
    stand.agent = None
    stand.run(lambda: stand.services() == {"web": "web+1"})
    return room


def test_one_service_is_updated_in_place_and_goes_back_to_the_systems_own(
    stand: Stand, room: ServiceRoom
) -> None:
    id_ = stand.start(version="web+2", times={"soak_s": 1}, on_trip="revert")
    stand.run(lambda: stand.campaign(id_) == "finished")

    assert (stand.member(id_), room.running, stand.version()) == ("succeeded", "web+2", "1")
    assert stand.services() == {"web": "web+2"}
    assert stand.bench.boots == 2, "the one of the fixture, and ours"
    stand.fetches.clear()
    stand.decide(id_, "revert")
    stand.run(lambda: stand.campaign(id_) == "reverted")
    assert (stand.member(id_), room.running, stand.fetches) == ("reverted", "factory", [])
    assert stand.services() == {"web": "web+1"}


def test_a_set_is_taken_system_first_and_goes_back_without_a_download(
    stand: Stand, room: ServiceRoom
) -> None:
    id_ = stand.start(also=["web+2"], times={"soak_s": 1}, on_trip="revert")
    stand.run(lambda: stand.campaign(id_) == "finished")

    assert (stand.member(id_), stand.version(), room.running) == ("succeeded", "2", "web+2")
    assert stand.orders()[:2] == ["succeeded", "succeeded"]
    stand.fetches.clear()
    stand.decide(id_, "revert")
    stand.run(lambda: stand.campaign(id_) == "reverted")
    assert (stand.member(id_), stand.version(), room.running) == ("reverted", "1", "factory")
    assert (stand.services(), stand.fetches) == ({"web": "web+1"}, [])
