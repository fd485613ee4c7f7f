"""What the MQTT link gives to devices, and what it does not take."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge.console.desk import Caller
from edge.console.mqtt.link import LinkLimits
from edge.console.store.database import StoreError
from edge_agent.link import RefusedByServerError
from edge_signing import messages, topics
from edge_signing.messages import BLOCK_MOST_BYTES, Status, Want
from tests.agent.links.conftest import eventually
from tests.agent.links.test_http import order
from tests.edge.console.mqtt.conftest import Make, Raw, event, retained
from tests.fakes import console_broker, console_side
from tests.fakes.console_side import ConsoleSide
from tests.fakes.memory_desk import TENANT, MemoryDesk
from tests.fakes.pki import Pki

pytestmark = pytest.mark.tools


def test_a_file_comes_in_blocks(agent: Make, desk: MemoryDesk) -> None:
    data = os.urandom(3 * BLOCK_MOST_BYTES + 17)
    name = f"blobs/{hashlib.sha256(data).hexdigest()}"
    desk.blocks[name] = data

    files = agent().repository("")

    assert files.read(name, 5, len(data)) == data[5:]
    assert b"".join(files.pieces(name)) == data


def test_a_file_that_is_not_there_is_refused(agent: Make) -> None:
    with pytest.raises(RefusedByServerError) as caught:
        agent().repository("").read("blobs/" + "0" * 64, 0, 1)

    assert caught.value.status == 404


def test_blocks_have_a_rate_for_each_device(tmp_path: Path, pki: Pki) -> None:
    desk = MemoryDesk(known={"dev-1", "dev-2"}, blocks={"metadata/a.json": bytes(1000)})
    limits = LinkLimits(blocks_bytes_per_s=1, blocks_burst_bytes=2500)
    settings = console_broker.settings(tmp_path / "broker", pki)
    with console_side.running(settings, desk, limits) as console:
        greedy, other = Raw(console, pki, "dev-1"), Raw(console, pki, "dev-2")

        want = Want("metadata/a.json", 0, 1000).pack()
        for number in range(50):
            greedy.session.publish(topics.want("dev-1"), want, correlation=b"%d" % number)
        greedy.session.publish(topics.events("dev-1"), messages.pack_events([event(1)]))
        assert eventually(lambda: greedy.said(topics.stored("dev-1")))
        other.session.publish(topics.want("dev-2"), want, correlation=b"other")

        assert eventually(lambda: other.said(topics.block("dev-2")) == [bytes(1000)])
        assert len(greedy.said(topics.block("dev-1"))) == 3
        assert len(desk.wants) == 4
        for one in (greedy, other):
            one.session.close()


@pytest.mark.parametrize("what", ["ev", "state", "online", "want"])
@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"\xff\x00", id="bytes"),
        pytest.param(b"{}", id="no fields"),
        pytest.param(b"[" * 60_000, id="depth"),
        pytest.param(b'{"format":2}', id="format"),
        pytest.param(b'"' + b"a" * (65 << 10) + b'"', id="length"),
    ],
)
def test_what_is_no_message_harms_nobody(
    console: ConsoleSide, raw: Callable[[str], Raw], desk: MemoryDesk, what: str, payload: bytes
) -> None:
    device = raw("dev-1")

    device.session.publish(f"edge/v1/d/dev-1/s/{what}", payload)
    device.session.publish(f"edge/v1/d/dev-1/s/more/{what}", payload)
    device.session.publish("edge/v1/d/dev-1/s/other", payload)
    device.session.publish(topics.events("dev-1"), messages.pack_events([event(1)]))

    assert eventually(lambda: device.said(topics.stored("dev-1")))
    assert list(desk.events["dev-1"]) == [event(1).id]
    assert desk.wants == []


def test_who_is_not_let_in_is_not_heard(
    raw: Callable[[str], Raw], desk: MemoryDesk, console: ConsoleSide
) -> None:
    desk.blocks["metadata/a.json"] = b"secret"
    stranger, device = raw("dev-3"), raw("dev-1")

    stranger.session.publish(topics.events("dev-3"), messages.pack_events([event(1)]))
    want = Want("metadata/a.json", 0, 10).pack()
    stranger.session.publish(topics.want("dev-3"), want, correlation=b"1")
    stranger.session.publish(topics.state("dev-3"), Status("b").pack(), retain=True)
    console.order("dev-3", order(1).pack())
    device.session.publish(topics.events("dev-1"), messages.pack_events([event(1)]))

    assert eventually(lambda: device.said(topics.stored("dev-1")))
    assert set(desk.taken) == {"dev-1"}
    assert desk.wants == []
    assert stranger.heard == []


def test_who_is_shut_out_leaves_nothing_behind(agent: Make, console: ConsoleSide) -> None:
    console.order("dev-1", order(1).pack())
    link = agent()
    assert eventually(lambda: link.desired() == order(1))
    link.send_state(Status("boot-1", phase="idle"))
    assert eventually(lambda: "dev-1" in console.desk.statuses)

    async def shut_out() -> None:
        console.desk.known.discard("dev-1")
        await console.broker.shut_out("dev-1")
        console.link.shut_out(TENANT, "dev-1")

    console.call(shut_out)
    link.close()
    console.unlink()
    console.desk.known.add("dev-1")
    console.desk.orders.clear()
    console.desk.statuses.clear()
    console.desk.online.clear()

    async def let_in() -> None:
        await console.broker.let_in("dev-1")

    console.call(let_in)
    console.relink()

    assert retained(agent) is None
    assert eventually(lambda: console.desk.online.get("dev-1") == ("boot-9", False))
    assert console.desk.statuses == {}


def test_what_was_said_before_it_was_let_in_is_not_heard_afterwards(
    raw: Callable[[str], Raw], console: ConsoleSide
) -> None:
    device = raw("dev-9")
    seen = raw("dev-1")
    device.session.publish(topics.state("dev-9"), Status("boot-1").pack(), retain=True)
    seen.session.publish(topics.state("dev-1"), Status("boot-1").pack(), retain=True)
    assert eventually(lambda: "dev-1" in console.desk.statuses)
    device.session.close()

    console.desk.known.add("dev-9")
    console.unlink()
    console.relink()
    seen.session.publish(topics.state("dev-1"), Status("boot-1", seq=1).pack(), retain=True)

    assert eventually(lambda: console.desk.statuses["dev-1"].seq == 1)
    assert "dev-9" not in console.desk.statuses


def test_a_state_that_could_not_be_stored_is_stored_later(tmp_path: Path, pki: Pki) -> None:
    desk = FailingDesk(known={"dev-1"}, failures=3)
    settings = console_broker.settings(tmp_path / "broker", pki)
    with console_side.running(settings, desk, LinkLimits(retry_s=0.05)) as console:
        device = Raw(console, pki, "dev-1")
        device.session.publish(topics.state("dev-1"), Status("boot-1", seq=3).pack(), retain=True)

        assert eventually(lambda: "dev-1" in desk.statuses)
        assert (desk.failures, desk.statuses["dev-1"].seq) == (0, 3)
        device.session.close()


@dataclass
class FailingDesk(MemoryDesk):
    """A desk whose database is locked for some times."""

    failures: int = 0

    async def take_status(self, caller: Caller, status: Status) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreError("database: locked")
        await super().take_status(caller, status)
