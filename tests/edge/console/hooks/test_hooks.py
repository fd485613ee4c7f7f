"""Webhooks of a real console: what happens arrives in order, signed, and is not lost."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.console.hooks.addresses import Allowed, networks
from edge.console.hooks.courier import Route
from edge_signing.messages import EventId, ReportEvent
from tests.edge.console.test_console_commands import Run
from tests.edge.console.test_console_commands import edge as edge
from tests.fakes import console, receiver
from tests.fakes.console import Console, sql
from tests.fakes.pki import Pki
from tests.fakes.receiver import Receiver

LOOPBACK = Route(Allowed(networks(["127.0.0.0/8"])))


@pytest.fixture
def site(tmp_path: Path, pki: Pki, keys: Path) -> Iterator[Console]:
    with console.running(tmp_path / "console", pki, keys, route=LOOPBACK) as one:
        one.good("POST", "/devices", {"device": "unit-1"})
        yield one


@pytest.fixture
def pager() -> Iterator[Receiver]:
    with receiver.running() as one:
        yield one


def add(site: Console, pager: Receiver, *kinds: str) -> dict[str, Any]:
    body = {"name": "pager", "url": pager.url, "kinds": list(kinds) or ["*"]}
    made: dict[str, Any] = site.good("POST", "/hooks", body)
    return made


def items(pager: Receiver) -> list[str]:
    """Return what was told, in order."""
    found = [one for _headers, body in pager.came for one in json.loads(body)["items"]]
    return [one.get("act") or one.get("kind") or one["type"] for one in found]


def try_now(site: Console) -> None:
    sql(site.running.office.database, "UPDATE hooks SET retry_at_s = 0")


def until(what: Any) -> None:
    for _time in range(200):
        if what():
            return
        time.sleep(0.05)
    raise AssertionError("it never was so")


def test_what_happens_is_told_in_order_and_signed(site: Console, pager: Receiver) -> None:
    hook = add(site, pager, "event.*", "audit.device.*")
    site.link("unit-1").send_events(
        [
            ReportEvent(EventId("boot", 1), 5, "started"),
            ReportEvent(EventId("boot", 2), 6, "failed"),
        ]
    )
    until(lambda: "failed" in items(pager))
    site.good("POST", "/devices/unit-1/tags", {"add": ["lab"]})
    until(lambda: "device.tag" in items(pager))

    told = items(pager)
    assert [one for one in told if not one.startswith("device.")] == ["started", "failed"]
    assert [one for one in told if one.startswith("device.")] == ["device.bind", "device.tag"]
    headers, body = pager.came[-1]
    at_s, _comma, mac = headers["Edge-Signature"].removeprefix("t=").partition(",v1=")
    wanted = hmac.new(hook["secret"].encode(), f"{at_s}.".encode() + body, hashlib.sha256)
    assert mac == wanted.hexdigest()
    assert json.loads(body)["delivery"] == headers["Edge-Delivery"]


def test_nothing_is_lost_or_told_again_when_the_receiver_is_away(
    site: Console, pager: Receiver
) -> None:
    pager.statuses = [500, 302]
    hook = add(site, pager, "audit.device.tag")
    site.good("POST", "/devices/unit-1/tags", {"add": ["one"]})
    for attempt in (1, 2):
        pager.wait(attempt)
        path = f"/hooks/{hook['hook']}/deliveries"
        until(lambda path=path, n=attempt: len(site.good("GET", path)["deliveries"]) == n)
        site.good("POST", "/devices/unit-1/tags", {"add": [f"more-{attempt}"]})
        try_now(site)
    until(lambda: len(items(pager)) >= 3)

    time.sleep(1.5)
    last = [json.loads(body)["items"] for _headers, body in pager.came[2:]]
    assert sorted(one["number"] for many in last for one in many) == sorted(
        {one["number"] for many in last for one in many}
    )
    tags = [one["details"]["add"] for many in last for one in many]
    assert tags == [["one"], ["more-1"], ["more-2"]]
    done = site.good("GET", f"/hooks/{hook['hook']}/deliveries")["deliveries"]
    assert [one["status"] for one in done][-2:] == [302, 500]
    assert site.good("GET", "/hooks")["hooks"][0]["failures"] == 0


def test_a_redirection_is_not_followed(site: Console, pager: Receiver) -> None:
    with receiver.running() as inner:
        pager.statuses, pager.location = [307], inner.url
        hook = add(site, pager)

        told = site.good("POST", f"/hooks/{hook['hook']}/test")

        assert (told["status"], inner.came) == (307, [])


def test_one_that_is_off_tells_nothing_and_goes_on_where_it_ended(
    site: Console, pager: Receiver, edge: Run
) -> None:
    hook = add(site, pager, "audit.device.tag")["hook"]
    assert edge("hooks", "turn", hook, "off")[0] == 0
    site.good("POST", "/devices/unit-1/tags", {"add": ["lab"]})
    time.sleep(1.5)
    before = items(pager)

    assert edge("hooks", "turn", hook, "on")[1] == f"{hook}: on\n"
    until(lambda: items(pager))

    assert (before, items(pager)) == ([], ["device.tag"])


def test_hooks_are_kept_by_commands(site: Console, pager: Receiver, edge: Run) -> None:
    status, said, _err = edge("hooks", "add", "pager", pager.url, "--kind", "event.failed")
    hook, secret = said.split()
    assert (status, len(secret)) == (0, 64)
    assert "answered with 204" in edge("hooks", "test", hook)[1]
    listed = edge("hooks", "list")[1]
    assert (pager.url in listed, secret in listed) == (True, False)
    assert edge("hooks", "deliveries", hook)[1] == "nothing was sent\n"
    assert edge("hooks", "remove", hook, "--yes")[0] == 0
    assert edge("hooks", "list")[1] == "no webhooks\n"


def test_no_other_tenant_reaches_a_hook(
    site: Console, pager: Receiver, stranger: Pki, keys: Path
) -> None:
    theirs = site.other_tenant("them", stranger, keys)
    hook = add(site, pager)["hook"]

    for method, path, body in (
        ("PATCH", f"/hooks/{hook}", {"is_on": False}),
        ("DELETE", f"/hooks/{hook}", None),
        ("GET", f"/hooks/{hook}/deliveries", None),
        ("POST", f"/hooks/{hook}/test", None),
    ):
        assert site.ask(method, f"/api/v1{path}", body, token=theirs).status == 404
    assert site.good("GET", "/hooks", token=theirs)["hooks"] == []
