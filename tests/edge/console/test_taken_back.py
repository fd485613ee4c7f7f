"""Orders taken back: what the real agent does with an order to stay, and what the console knows."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edge_agent.machine import State
from edge_agent.parts import Checked, Known, Source
from edge_agent.payload.acquire import Blobs
from edge_agent.record import Action
from edge_signing.release import Content
from tests.agent.driver.bench import until
from tests.agent.power.system import System
from tests.fakes.agent_parts import OPTIONS
from tests.fakes.console import Console
from tests.fakes.console_bench import ConsoleBench
from tests.fakes.operator import Operator

DEVICE = "unit-7"
ORDERS = f"/devices/{DEVICE}/orders"
NEVER = "taken back before the device took it up"


@dataclass
class HeardBlobs:
    """Blobs of a server; a test hears of each fetch before it is done."""

    inner: Blobs
    hear: Callable[[], None]

    def fetch(self, content: Content, offset_bytes: int, length_bytes: int) -> bytes:
        self.hear()
        return self.inner.fetch(content, offset_bytes, length_bytes)


@dataclass
class HeardSource:
    """A source whose fetches a test hears of."""

    inner: Source
    hear: Callable[[], None]

    def check(self, action: Action, known: Known) -> Checked:
        return self.inner.check(action, known)

    def blobs(self, action: Action) -> HeardBlobs:
        return HeardBlobs(self.inner.blobs(action), self.hear)

    def close(self) -> None:
        self.inner.close()


@pytest.fixture
def bench(site: Console, operator: Operator, tmp_path: Path) -> Iterator[ConsoleBench]:
    """A device that runs 1, and a console with release 2."""
    new = System.make("2", 2)
    operator.release(new)
    site.good("POST", "/releases", operator.bundle("2"))
    site.good("POST", "/devices", {"device": DEVICE})
    made = ConsoleBench(System.make("1", 1), new)
    made.join(site, tmp_path / "device", operator.ring.trusted_root(), site.identity(DEVICE))
    with closing(made.link):
        yield made


def deploy(site: Console, **words: object) -> str:
    body = {"device": DEVICE, "version": "2", **words}
    return str(site.good("POST", "/deployments", body)["action"])


def states(site: Console) -> list[tuple[str, str]]:
    return [(one["state"], one["reason"]) for one in site.good("GET", ORDERS)["orders"]]


def run(site: Console, bench: ConsoleBench) -> None:
    """Let the device work until no order is open any more."""
    agent = bench.start()
    while not until(agent, lambda: "open" not in dict(states(site))):
        assert bench.boots < 6
        agent = bench.start()


def test_a_download_that_is_taken_back_ends_and_the_device_stays(
    site: Console, bench: ConsoleBench
) -> None:
    deploy(site)
    asked: list[dict[str, Any]] = []

    def take_back() -> None:
        if not asked:
            asked.append(site.good("POST", f"{ORDERS}/cancel"))
            bench.clock.at_s += OPTIONS.poll_s  # so it asks before the next unit

    bench.source = HeardSource(bench.source, take_back)  # type: ignore[assignment]
    run(site, bench)

    [(kind, reason), (old, why)] = states(site)
    assert (kind, reason, old) == ("succeeded", "", "cancelled")
    assert why.startswith("another order came: 2-")
    assert (bench.slot, bench.boots) == ("a", 1)
    assert bench.control().state().order == ("a",)
    assert (asked[0]["state"], asked[0]["version"]) == ("replaced", "2")
    assert asked[0]["cancel_asked_at_s"] > 0


def test_what_waits_to_be_started_is_left_and_costs_no_download_later(
    site: Console, bench: ConsoleBench
) -> None:
    deploy(site, download_only=True)
    agent = bench.start()
    until(agent, lambda: agent.record.state is State.WAITING)
    site.good("POST", f"{ORDERS}/cancel")
    until(agent, lambda: "open" not in dict(states(site)))
    assert [state for state, _reason in states(site)] == ["succeeded", "cancelled"]

    deploy(site)

    def refuse() -> None:
        raise AssertionError("something is fetched")

    bench.source = HeardSource(bench.source, refuse)  # type: ignore[assignment]
    run(site, bench)
    assert (states(site)[0], bench.slot) == (("succeeded", ""), "b")


def test_a_device_in_its_trial_goes_on_and_says_how_it_ended(
    site: Console, bench: ConsoleBench
) -> None:
    deploy(site)
    assert not until(bench.start(), lambda: False)
    agent = bench.start()
    until(agent, lambda: agent.record.state is State.TRIAL)

    site.good("POST", f"{ORDERS}/cancel")
    until(agent, lambda: "open" not in dict(states(site)))

    assert states(site) == [("succeeded", ""), ("succeeded", "")]
    assert (bench.slot, site.good("GET", f"/devices/{DEVICE}")["version"]) == ("b", "2")


def test_an_order_that_no_device_has_heard_of_is_closed_once_it_has_heard_to_stay(
    site: Console, bench: ConsoleBench
) -> None:
    deploy(site)
    site.good("POST", f"{ORDERS}/cancel")

    run(site, bench)

    assert states(site) == [("succeeded", ""), ("cancelled", NEVER)]
    assert (bench.boots, bench.slot) == (1, "a")


def test_an_order_is_taken_back_once_and_it_is_in_the_audit(
    site: Console, bench: ConsoleBench
) -> None:
    first = site.ask("POST", f"/api/v1{ORDERS}/cancel")
    action = deploy(site)
    site.good("POST", f"{ORDERS}/cancel")

    again = site.ask("POST", f"/api/v1{ORDERS}/cancel")

    for refused in (first, again):
        assert (refused.status, refused.body["error"]) == (409, f"{DEVICE} has no open order")
    found = site.good("GET", "/audit")["entries"]
    taken = [one["details"] for one in found if one["act"] == "device.cancel-order"]
    assert [one["action"] for one in taken] == [action]
    assert taken[0]["by"].startswith("2-")
