"""What devices report while the console is down: they keep it, and it counts once."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from edge_agent.link import LinkError
from edge_agent.outbox import Outbox
from edge_signing.messages import Desired, EventId, ReportEvent
from tests.agent.links.conftest import eventually
from tests.edge.console.campaigns.conftest import campaign_console
from tests.edge.console.campaigns.test_campaign_api import PLAN, call, until
from tests.fakes import console
from tests.fakes.console import Console
from tests.fakes.memory_files import MemoryFiles
from tests.fakes.pki import Pki

NAMES = ("unit-0", "unit-1", "unit-2")
AT_ONCE = {**PLAN, "waves": [{"percent": 100, "limit": {"count": 2, "percent": None}}]}


class Device:
    """A device with the agent's own link and outbox, over two lives of its console."""

    def __init__(self, site: Console, name: str) -> None:
        self.name, self.link = name, site.link(name)
        self.box = Outbox(MemoryFiles(), "boot-1", lambda: "w")
        self.order: Desired | None = None
        call(self.link)

    def take(self) -> None:
        assert eventually(lambda: self.link.desired() is not None)
        self.order = self.link.desired()
        self.tell("1", phase="installing")

    def tell(self, version: str, **words: str) -> None:
        assert self.order is not None
        call(self.link, version, seq=self.order.seq, action=self.order.action, **words)

    def end(self, kind: str) -> None:
        """Come to the end of the order: it is in the outbox then."""
        assert self.order is not None
        version = "2" if kind == "succeeded" else "1"
        self.box.add(kind, at_s=1, action=self.order.action, version=version, reason="as it is")

    def deliver(self, *, is_answer_lost: bool = False) -> None:
        def send(events: Sequence[ReportEvent]) -> Sequence[EventId]:
            stored = self.link.send_events(events)
            if is_answer_lost:
                raise LinkError("lost")
            return stored

        self.box.deliver(send)


def test_what_is_reported_while_the_console_is_down_counts_once_when_it_is_back(
    tmp_path: Path, pki: Pki, keys: Path
) -> None:
    with campaign_console(tmp_path, pki, keys) as site:
        devices = [Device(site, name) for name in NAMES]
        id_ = site.good("POST", "/campaigns", AT_ONCE)["campaign"]
        site.good("POST", f"/campaigns/{id_}/start", {})
        for device in devices:
            device.take()

    for device, kind in zip(devices, ("succeeded", "failed", "succeeded"), strict=True):
        device.end(kind)
    with pytest.raises(LinkError):
        devices[0].deliver()
    devices[0].link.close()

    with console.running(tmp_path / "console", pki, keys) as site:
        for device in devices:
            device.link = site.link(device.name)
            # It was stored, and the device has not heard that: it tells it once more.
            with pytest.raises(LinkError):
                device.deliver(is_answer_lost=True)
            device.deliver()
            assert device.box.waiting() == []
            device.tell("1" if device is devices[1] else "2")
        found = until(site, id_, "finished")

        assert found["counts"] == {"succeeded": 2, "failed": 1}
        for device in devices:
            events = site.good("GET", f"/events?device={device.name}")["events"]
            assert len(events) == 1
        journal = site.good("GET", f"/campaigns/{id_}/journal")["entries"]
        ended = [one["device"] for one in journal if one["what"] in ("committed", "failed")]
        assert sorted(ended) == list(NAMES)
        assert site.good("GET", f"/campaigns/{id_}/verification")["differences"] == []
