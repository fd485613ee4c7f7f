"""A whole update through the console, by the agent's own driver, link and checks."""

from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.in_place.shelf import Shelf
from edge_signing.hours import Hours
from edge_signing.messages import Policy
from tests.agent.driver.bench import until
from tests.agent.in_place.service_room import NAME, ServiceRoom
from tests.agent.power.system import System
from tests.fakes.console import Console
from tests.fakes.console_bench import ConsoleBench
from tests.fakes.operator import Operator

ALL_DAY = "00:00-23:59"  # but for a minute in which the clock of the test is not


@pytest.mark.parametrize("way", ["full", "patch"])
def test_a_device_gets_a_release_and_the_console_knows(
    site: Console, operator: Operator, tmp_path: Path, way: str
) -> None:
    old = System.make("1", 1)
    new = System.make("2", 2) if way == "full" else System.update("2", 2, old, "patch")
    operator.release(new)
    uploads = [operator.bundle("2"), *([operator.bundle("2", "1")] if way == "patch" else [])]
    for bundle in uploads:
        site.good("POST", "/releases", bundle)
    site.good("POST", "/devices", {"device": "unit-7"})
    bench = ConsoleBench(old, new)
    bench.join(site, tmp_path / "device", operator.ring.trusted_root(), site.identity("unit-7"))

    body = {"device": "unit-7", "version": "2", "reboot": "window", "window": ALL_DAY}
    action = site.good("POST", "/deployments", body)["action"]

    def states() -> list[str]:
        return [one["state"] for one in site.good("GET", "/devices/unit-7/orders")["orders"]]

    with closing(bench.link):
        order = bench.link.desired()
        assert order is not None
        assert order.policy == Policy(reboot="window", window=Hours.parse(ALL_DAY))
        agent = bench.start()
        while not until(agent, lambda: states() != ["open"]):
            assert bench.boots < 6
            agent = bench.start()
        until(agent, lambda: site.good("GET", "/devices/unit-7")["phase"] == "idle")

    device = site.good("GET", "/devices/unit-7")
    assert states() == ["succeeded"]
    assert (device["version"], device["action"], device["phase"]) == ("2", action, "idle")


def test_a_device_gets_a_new_version_of_one_service_and_stays_as_it_is(
    site: Console, operator: Operator, tmp_path: Path
) -> None:
    old, new = System.make("1", 1), System.make("web+2", 1, blocks={"service": 3})
    operator.release(new)
    site.good("POST", "/releases", operator.bundle("web+2"))
    site.good("POST", "/devices", {"device": "unit-8"})
    bench = ConsoleBench(old, new)
    bench.medium.now.devices |= {"web-a": {}, "web-b": {}}
    bench.services = room = ServiceRoom(bench.medium)
    bench.join(site, tmp_path / "device", operator.ring.trusted_root(), site.identity("unit-8"))

    site.good("POST", "/deployments", {"device": "unit-8", "version": "web+2"})

    with closing(bench.link):
        agent = bench.start()
        until(
            agent,
            lambda: site.good("GET", "/devices/unit-8/orders")["orders"][0]["state"] != "open",
        )

    order = site.good("GET", "/devices/unit-8/orders")["orders"][0]
    assert (order["state"], order["version"]) == ("succeeded", "web+2")
    assert room.started == ["factory", "web+2"]
    assert Shelf(room, NAME).version() == "web+2"
    assert site.good("GET", "/devices/unit-8")["version"] == "1"
    assert bench.boots == 1
    kinds = {one["version"]: one["kind"] for one in site.good("GET", "/releases")["releases"]}
    assert kinds["web+2"] == "service"
