"""A broker that is killed in the middle of a wave, with the agent's own links."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from edge.console.campaigns.deafness import AGAIN_MOST_S, Deafness
from edge_agent.link import LinkError
from edge_agent.links.mqtt import MqttLink
from edge_signing.messages import EventId, ReportEvent, Status
from tests.agent.links.conftest import eventually
from tests.agent.power.system import System
from tests.fakes import console
from tests.fakes.console import Console
from tests.fakes.operator import Operator
from tests.fakes.pki import Pki

SILENCE_S = 5
PLAN: dict[str, Any] = {
    "name": "to 2",
    "version": "2",
    "waves": [{"percent": 100, "limit": {"count": 1}}],
    "times": {"soak_s": 0, "silence_s": SILENCE_S, "answer_s": SILENCE_S},
    "evidence": None,
}


def test_devices_are_not_to_blame_while_the_broker_is_lost_and_as_long_again() -> None:
    now, is_there = [1000.0], [True]
    deafness = Deafness(lambda: is_there[0], lambda: now[0])
    found = []

    for at, there in ((1000, 1), (1001, 0), (1061, 1), (1120, 1), (1121, 1), (2000, 0), (9000, 1)):
        now[0], is_there[0] = float(at), bool(there)
        found.append(deafness.lasts())
    now[0] += AGAIN_MOST_S

    assert found == [False, True, True, True, False, True, True]
    assert not deafness.lasts()


@pytest.fixture
def site(tmp_path: Path, pki: Pki, keys: Path) -> Iterator[Console]:
    operator = Operator(tmp_path / "operator", keys)
    with console.running(tmp_path / "console", pki, keys, mqtt_port=0) as one:
        for version in ("1", "2"):
            operator.release(System.make(version, 1))
            one.good("POST", "/releases", operator.bundle(version))
        yield one


class Device:
    """A device that is reached by the broker alone."""

    def __init__(self, site: Console, name: str) -> None:
        site.good("POST", "/devices", {"device": name})
        site.link(name).desired()
        self.site, self.name, self.boot = site, name, 1
        self.link = self._linked()
        assert eventually(lambda: self.link.is_broker_there)
        self.tell(version="1")

    def _linked(self) -> MqttLink:
        return self.site.mqtt_link(self.name, boot_id=f"boot-{self.boot}", http=False)

    def tell(self, **words: Any) -> None:
        known = {"board": "board", "product": "gateway", "counter": 1}
        self.link.send_state(Status(f"boot-{self.boot}", **{**known, **words}))

    def take(self) -> None:
        """Take an order up."""
        assert eventually(self.has_order)
        self.order = self.link.desired()
        assert self.order is not None
        self.tell(version="1", seq=self.order.seq, action=self.order.action, phase="installing")

    def has_order(self) -> bool:
        with suppress(LinkError):
            found = self.link.desired()
            return found is not None and found.release is not None
        return False

    def restart(self) -> None:
        assert self.order is not None
        self.tell(version="1", seq=self.order.seq, action=self.order.action, phase="rebooting")
        assert eventually(lambda: self.shown()["phase"] == "rebooting")
        self.link.close()
        self.boot += 1
        self.link = self._linked()

    def idle(self) -> None:
        assert self.order is not None
        self.tell(version="2", seq=self.order.seq, action=self.order.action)

    def report(self) -> bool:
        """Report that all is well; return whether that was stored."""
        assert self.order is not None
        event = ReportEvent(EventId("boot-2", 1), 1, "succeeded", self.order.action, "2", "")
        with suppress(LinkError):
            return list(self.link.send_events([event, event])) == [event.id, event.id]
        return False

    def shown(self) -> Any:
        return self.site.good("GET", f"/devices/{self.name}")


def kill(site: Console, away_s: float) -> None:
    """Kill the broker, and let the next one take so long until it is there."""
    mqtt = site.running.office.mqtt
    assert mqtt is not None
    before = mqtt.pid
    os.kill(before, signal.SIGKILL)
    assert eventually(lambda: mqtt.pid not in (0, before))
    os.kill(mqtt.pid, signal.SIGSTOP)
    time.sleep(away_s)
    assert not mqtt.is_there
    os.kill(mqtt.pid, signal.SIGCONT)


# paho leaves the socket of a handshake that fails to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.tools
def test_a_broker_that_is_lost_in_a_wave_costs_nothing_and_makes_nobody_silent(
    site: Console,
) -> None:
    fleet = [Device(site, f"unit-{number}") for number in range(4)]
    assert eventually(lambda: {one.shown()["via"] for one in fleet} == {"mqtt"})
    id_ = site.good("POST", "/campaigns", PLAN)["campaign"]

    def until(is_so: Callable[[dict[str, str]], bool]) -> dict[str, str]:
        found: dict[str, str] = {}
        for _ in range(100):
            rows = site.good("GET", f"/campaigns/{id_}/devices")["devices"]
            found = {one["device"]: one["state"] for one in rows}
            if is_so(found):
                return found
            time.sleep(0.1)
        raise AssertionError(found)

    site.good("POST", f"/campaigns/{id_}/start", {})
    for device in fleet[:3]:
        device.take()
    for device in fleet[:2]:
        device.restart()
    until(lambda one: sorted(one.values()) == ["offered", *["updating"] * 3])

    # The last one has not taken its order up, two are in their restart.
    kill(site, SILENCE_S + 1.5)
    between = until(lambda _one: True)
    fleet[3].take()
    for device in fleet:
        assert eventually(device.report)
        device.idle()

    assert sorted(between.values()) == ["offered", *["updating"] * 3]
    until(lambda one: set(one.values()) == {"succeeded"})
    assert site.good("GET", f"/campaigns/{id_}")["state"] == "finished"
    for device in fleet:
        orders = site.good("GET", f"/devices/{device.name}/orders")["orders"]
        assert [one["state"] for one in orders] == ["succeeded"]
        events = site.good("GET", f"/events?device={device.name}")["events"]
        assert [one["kind"] for one in events] == ["succeeded"]
