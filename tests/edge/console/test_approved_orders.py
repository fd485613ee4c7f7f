"""Orders that people approved: the console hands on what they signed, the device decides."""

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge_agent import device
from edge_agent.device import Places, Waker
from edge_agent.standing import Standing
from edge_signing import canonical
from edge_signing.approval import Approval
from edge_signing.release import Content
from tests.agent.conftest import device_in
from tests.agent.driver.bench import until
from tests.agent.power.system import System
from tests.fakes.approving import Board, approvers, released
from tests.fakes.console import Console
from tests.fakes.console_bench import ConsoleBench
from tests.fakes.operator import Operator

DEVICE = "unit-7"
PEOPLE = approvers(2, "anna", "pete", "olga")
ORDERS = f"/devices/{DEVICE}/orders"
OTHERS = Board({"gateway/3/release.json": Content(9, b"x" * 32)})


@pytest.fixture
def bench(site: Console, operator: Operator, tmp_path: Path) -> Iterator[ConsoleBench]:
    """A device that runs 1 and wants two of three people, and a console with release 2."""
    new = System.make("2", 2)
    operator.release(new)
    site.good("POST", "/releases", operator.bundle("2"))
    site.good("POST", "/devices", {"device": DEVICE})
    made = ConsoleBench(System.make("1", 1), new)
    made.join(
        site,
        tmp_path / "device",
        operator.ring.trusted_root(),
        site.identity(DEVICE),
        approvers=PEOPLE,
    )
    with closing(made.link):
        yield made


def body(document: bytes | None) -> dict[str, Any]:
    approval = {"approval": json.loads(document)} if document else {}
    return {"device": DEVICE, "version": "2", **approval}


def ended(site: Console, bench: ConsoleBench) -> tuple[str, str]:
    """Let the device work until its order has ended, and return how."""
    agent = bench.start()

    def newest() -> Any:
        return site.good("GET", ORDERS)["orders"][0]

    while not until(agent, lambda: newest()["state"] != "open"):
        assert bench.boots < 6
        agent = bench.start()
    return newest()["state"], newest()["reason"]


def test_a_console_that_was_stolen_starts_no_roll_out_and_people_do(
    site: Console, bench: ConsoleBench, operator: Operator
) -> None:
    said = []
    for names in ((), ("anna",), ("anna", "eve")):
        document = released(operator, "2").packed(*names) if names else None
        site.good("POST", "/deployments", body(document))
        said.append(ended(site, bench))
    assert (bench.slot, bench.boots) == ("a", 3)

    site.good("POST", "/deployments", body(released(operator, "2").packed("olga", "pete")))

    assert ended(site, bench) == ("succeeded", "")
    assert bench.slot == "b"
    assert [(state, reason.split(": ")[1]) for state, reason in said] == [
        ("failed", "nobody approved it, 2 of 3 have to"),
        ("failed", "1 of 2 approvals that are wanted here"),
        ("failed", "1 of 2 approvals that are wanted here"),
    ]


def test_an_agent_as_it_is_put_together_asks_the_people_of_its_image(
    site: Console, operator: Operator, tmp_path: Path
) -> None:
    operator.release(System.make("2", 2))
    site.good("POST", "/releases", operator.bundle("2"))
    site.good("POST", "/devices", {"device": DEVICE})
    places = places_in(tmp_path / "whole", site, operator)
    site.good("POST", "/deployments", body(released(operator, "2").packed("anna", "eve")))

    with closing(device.agent(places, Waker())) as agent:
        agent.start()
        while not agent.record.last:
            agent.step()
        agent.tell()

    [order] = site.good("GET", ORDERS)["orders"]
    reason = "gateway/2/release.json: 1 of 2 approvals that are wanted here"
    assert (order["state"], order["reason"]) == ("failed", reason)


def places_in(folder: Path, site: Console, operator: Operator) -> Places:
    """Return the folders of a device that runs nothing, is well, and wants two of three people."""
    folder.mkdir()
    files = device_in(folder)
    made = replace(files.places, config=folder / "config", state=folder / "state")
    made.etc.mkdir()
    runs = Standing("board", "gateway", "1", 1, 1000)
    (made.etc / "device.json").write_bytes(runs.pack())
    (made.etc / "root.json").write_bytes(operator.ring.trusted_root())
    settings = {
        "http": site.url,
        "health": {"stable_s": 0, "timeout_s": 5},
        "approvals": PEOPLE.object(),
    }
    (made.etc / "agent.json").write_bytes(canonical.encode(settings))
    for name in ("boot-a", "boot-b", "rootfs-a", "rootfs-b"):
        (made.devices / name).write_bytes(bytes(1 << 16))
    shutil.copytree(site.identity(DEVICE).certificate.parent, made.data / "identity")
    files.ready.touch()
    return made


def test_an_approval_that_can_not_be_meant_is_refused_at_once(
    site: Console, bench: ConsoleBench
) -> None:
    wrong = {**body(None), "approval": {"statement": {}, "signatures": []}}

    other = site.ask("POST", "/api/v1/deployments", body(OTHERS.packed("anna")))
    none = site.ask("POST", "/api/v1/deployments", wrong)
    number = site.ask("POST", "/api/v1/deployments", {**body(None), "approval": {"a": 1.5}})

    assert (other.status, "of other releases" in other.body["error"]) == (409, True)
    assert (none.status, number.status) == (400, 400)
    assert site.good("GET", ORDERS)["orders"] == []


def test_what_is_sent_to_the_device_is_what_they_signed(
    site: Console, bench: ConsoleBench, operator: Operator
) -> None:
    document = released(operator, "2").packed("anna", "pete")
    site.good("POST", "/deployments", body(document))

    desired = bench.link.desired()

    assert desired is not None
    assert Approval.unpack(desired.approval) == Approval.unpack(document)
