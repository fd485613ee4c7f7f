"""Campaigns over Edge devices and devices that speak DDI at once, each by its own protocol."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from edge_agent.links.http import HttpLink
from edge_signing.messages import EventId, ReportEvent, Status
from tests.fakes.console import Console
from tests.fakes.ddi_device import DdiDevice, add_file, device_with_token

LIMIT = {"percent": None, "count": 2}
PLAN: dict[str, Any] = {
    "name": "to 2",
    "version": "2",
    "waves": [{"percent": 100, "limit": LIMIT}],
    "times": {"soak_s": 0},
    "evidence": None,
}


@dataclass
class EdgeDevice:
    """A device with the agent's own link, which does at once what it is ordered."""

    link: HttpLink
    version: str = "1"
    seq: int = 0

    def call(self, **words: Any) -> None:
        told = {"board": "board", "product": "gateway", "counter": 1, "version": self.version}
        self.link.send_state(Status("boot-1", **{**told, "seq": self.seq, **words}))

    def obey(self) -> str:
        """Do what is ordered, if it is anything new; return the release."""
        desired = self.link.desired()
        if desired is None or desired.seq == self.seq:
            self.call()
            return ""
        self.seq = desired.seq
        if desired.release is not None:
            self.call(action=desired.action, phase="installing")
            self.version = desired.release.split("/")[1]
        name = EventId("boot-1", desired.seq)
        ended = ReportEvent(name, 1, "succeeded", desired.action, self.version, "")
        self.link.send_events([ended])
        self.call(action=desired.action)
        return desired.release or ""


@dataclass
class Mixed:
    """A console with two Edge devices and three that speak DDI, all with release 1."""

    site: Console
    edge: dict[str, EdgeDevice]
    ddi: dict[str, DdiDevice]

    def start(self, **words: Any) -> str:
        id_: str = self.site.good("POST", "/campaigns", {**PLAN, **words})["campaign"]
        self.site.good("POST", f"/campaigns/{id_}/start", {})
        return id_

    def states(self, id_: str) -> dict[str, str]:
        found = self.site.good("GET", f"/campaigns/{id_}/devices")["devices"]
        return {one["device"]: one["state"] for one in found}

    def until(self, is_so: Callable[[], object], meanwhile: Callable[[], object]) -> None:
        end = time.monotonic() + 15
        while not is_so():
            assert time.monotonic() < end
            meanwhile()
            time.sleep(0.1)

    def poll(self) -> None:
        """Let all devices ask, as they do all the time."""
        for one in self.edge.values():
            one.obey()
        for other in self.ddi.values():
            other.links()

    def has_order(self, name: str) -> bool:
        return "deploymentBase" in self.ddi[name].links()

    def number(self, name: str) -> str:
        number: str = self.ddi[name].take()["id"]
        return number

    def install(self, name: str) -> str:
        """Let a device do what it is ordered over DDI; return the version that it was given."""
        self.until(lambda: self.has_order(name), self.poll)
        taken = self.ddi[name].take()
        assert self.ddi[name].feedback(taken["id"], "proceeding") == 200
        assert self.ddi[name].feedback(taken["id"], "closed", "success") == 200
        version: str = taken["deployment"]["chunks"][0]["version"]
        return version


@pytest.fixture
def mixed(fleet: Console) -> Mixed:
    edge = {f"unit-{number}": EdgeDevice(fleet.link(f"unit-{number}")) for number in range(2)}
    for one in edge.values():
        one.call()
    for version in ("1", "2"):
        assert add_file(fleet, version.encode() * 99, version=version, product="radio").status < 300
    ddi = {name: device_with_token(fleet, name) for name in ("radio-0", "radio-1", "radio-2")}
    for other in ddi.values():
        other.links()
        other.put_data({"board": "bench", "product": "radio", "version": "1"})
    return Mixed(fleet, edge, ddi)


def test_both_kinds_are_updated_and_go_back_by_their_own_protocols(mixed: Mixed) -> None:
    id_ = mixed.start()
    assert [mixed.install(name) for name in sorted(mixed.ddi)] == ["2"] * 3

    def state() -> str:
        found: str = mixed.site.good("GET", f"/campaigns/{id_}")["state"]
        return found

    mixed.until(lambda: set(mixed.states(id_).values()) == {"succeeded", "waiting"}, mixed.poll)
    # The third Edge device has never called: it waits.
    assert mixed.states(id_)["unit-2"] == "waiting"
    assert [one.version for one in mixed.edge.values()] == ["2", "2"]
    assert {mixed.site.good("GET", f"/devices/{one}")["version"] for one in mixed.ddi} == {"2"}

    mixed.site.good("POST", f"/campaigns/{id_}/revert", {"reason": "too slow"})
    assert [mixed.install(name) for name in sorted(mixed.ddi)] == ["1"] * 3
    mixed.until(lambda: state() == "reverted", mixed.poll)

    found = mixed.states(id_)
    assert found.pop("unit-2") == "waiting"
    assert set(found.values()) == {"reverted"}
    assert [one.version for one in mixed.edge.values()] == ["1", "1"]
    assert {mixed.site.good("GET", f"/devices/{one}")["version"] for one in mixed.ddi} == {"1"}


def test_failures_over_ddi_stop_a_campaign_and_orders_are_taken_back(mixed: Mixed) -> None:
    id_ = mixed.start(on_trip="abort", times={"soak_s": 0, "answer_s": 5}, target="product:radio")
    numbers = dict.fromkeys(mixed.ddi, "")
    mixed.until(lambda: all(mixed.has_order(one) for one in numbers), lambda: None)
    numbers["radio-0"], numbers["radio-1"] = mixed.number("radio-0"), mixed.number("radio-1")
    # It has read its order, and says nothing of it: no order that nobody took up.
    assert mixed.number("radio-2")
    assert mixed.states(id_) == dict.fromkeys(mixed.ddi, "updating")

    mixed.ddi["radio-0"].feedback(numbers["radio-0"], "closed", "failure", "no space left")
    mixed.ddi["radio-1"].feedback(numbers["radio-1"], "closed", "failure", "no space left")
    mixed.until(
        lambda: mixed.site.good("GET", f"/campaigns/{id_}")["state"] == "aborted", lambda: None
    )

    assert mixed.states(id_) == {"radio-0": "failed", "radio-1": "failed", "radio-2": "cancelled"}
    (reason,) = mixed.site.good("GET", f"/campaigns/{id_}/reasons")["reasons"]
    assert reason == {"state": "failed", "reason": "no space left", "devices": 2}
    links = mixed.ddi["radio-2"].links()
    number = links["cancelAction"].rpartition("/")[2]
    # It will not, and commits the release: that counts, and is watched.
    mixed.ddi["radio-2"].feedback(number, "rejected", channel="cancelAction")
    mixed.ddi["radio-2"].feedback(number, "closed", "success")
    assert mixed.states(id_)["radio-2"] == "soaking"
    mixed.until(lambda: mixed.states(id_)["radio-2"] == "succeeded", mixed.poll)


def test_a_device_that_polls_once_in_a_while_is_soaked_when_it_polls_again(mixed: Mixed) -> None:
    id_ = mixed.start(times={"soak_s": 1, "silence_s": 5}, target="id:radio-0")
    mixed.install("radio-0")
    time.sleep(1.5)
    assert mixed.states(id_) == {"radio-0": "soaking"}
    mixed.until(lambda: mixed.states(id_)["radio-0"] == "succeeded", mixed.ddi["radio-0"].links)
