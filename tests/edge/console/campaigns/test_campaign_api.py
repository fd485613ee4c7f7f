"""Campaigns by the API of a real console, with the agent's own link."""

import time
from typing import Any
from urllib.parse import quote

import pytest

from edge_agent.links.http import HttpLink
from edge_signing.messages import EventId, ReportEvent, Status
from tests.fakes.console import Console

PLAN: dict[str, Any] = {
    "name": "to 2",
    "version": "2",
    "waves": [{"count": 1, "limit": {"count": 1}}, {"percent": 100, "limit": {"count": 1}}],
    "times": {"soak_s": 0},
    "evidence": None,
}


def call(link: HttpLink, version: str = "1", **words: Any) -> None:
    told = {"boot_id": "boot-1", "board": "board", "product": "gateway", "counter": 1, **words}
    link.send_state(Status(version=version, **told))


def until(site: Console, id_: str, state: str) -> Any:
    for _ in range(100):
        found = site.good("GET", f"/campaigns/{id_}")
        if found["state"] == state:
            return found
        time.sleep(0.1)
    raise AssertionError(site.good("GET", f"/campaigns/{id_}"))


def obey(link: HttpLink, kind: str, version: str) -> None:
    """Do what is ordered, and report how it ended."""
    desired = None
    while desired is None or desired.release is None:
        time.sleep(0.1)
        desired = link.desired()
    call(link, seq=desired.seq, action=desired.action, phase="installing")
    event = ReportEvent(EventId("boot-1", desired.seq), 1, kind, desired.action, version, "")
    link.send_events([event])
    call(link, version, seq=desired.seq, action=desired.action)


def test_a_campaign_goes_from_preview_to_its_end(fleet: Console) -> None:
    links = {f"unit-{number}": fleet.link(f"unit-{number}") for number in range(3)}
    for link in links.values():
        call(link)
    words = {name: value for name, value in PLAN.items() if name != "name"}
    preview = fleet.good("POST", "/campaign-previews", words)
    assert [one["devices"] for one in preview["waves"]] == [1, 2]
    assert preview["reverting"] == 3

    made = fleet.good("POST", "/campaigns", {**PLAN, "seed": preview["seed"]})
    id_ = made["campaign"]
    assert made["state"] == "draft"
    assert "start" in made["acts"]
    canary = fleet.good("GET", f"/campaigns/{id_}/devices?wave=1")["devices"][0]["device"]
    assert canary == preview["waves"][0]["first"][0]

    fleet.good("POST", f"/campaigns/{id_}/start", {})
    obey(links.pop(canary), "succeeded", "2")
    for link in links.values():
        obey(link, "succeeded", "2")
    found = until(fleet, id_, "finished")

    assert found["counts"] == {"succeeded": 3}
    assert fleet.good("GET", "/campaigns")["campaigns"][0]["reached"] == 3
    journal = fleet.good("GET", f"/campaigns/{id_}/journal")["entries"]
    assert journal[0]["what"] == "started"
    assert journal[-1]["what"] == "ended"
    assert fleet.good("GET", f"/campaigns/{id_}/samples")["samples"][-1]["counts"] == {
        "succeeded": 3
    }


def test_a_canary_that_fails_stops_it_and_a_person_decides(fleet: Console) -> None:
    links = {f"unit-{number}": fleet.link(f"unit-{number}") for number in range(3)}
    for link in links.values():
        call(link)
    id_ = fleet.good("POST", "/campaigns", PLAN)["campaign"]
    fleet.good("POST", f"/campaigns/{id_}/start", {})
    canary = fleet.good("GET", f"/campaigns/{id_}/devices?wave=1")["devices"][0]["device"]

    obey(links[canary], "failed", "1")
    found = until(fleet, id_, "paused")

    assert found["tripped"] == "wave 1: 1 failed, and 1 are too many"
    assert found["wave_views"][0]["gauge"]["failures"] == 1
    order = fleet.good("GET", f"/devices/{canary}/orders")["orders"][0]
    assert (order["campaign"], order["campaign_name"]) == (id_, "to 2")
    listed = fleet.good("GET", f"/campaigns/{id_}/reasons")["reasons"]
    assert listed == [{"state": "failed", "reason": "", "devices": 1}]
    whole = fleet.good("GET", f"/campaigns/{id_}/journal?newest=true&whole=true")["entries"]
    assert [one["what"] for one in whole] == ["tripped", "began", "started"]
    seen = {"rule": "limit", "act": "pause", "wave": 1, "failures": 1, "ended": 1, "reached": 1}
    assert [one["trip"] for one in whole] == [seen, None, None]
    refused = fleet.ask("POST", f"/api/v1/campaigns/{id_}/start", {})
    assert refused.status == 409
    assert refused.body["error"] == "the campaign is paused: it can not be started"
    assert fleet.good("POST", f"/campaigns/{id_}/abort", {"reason": "bad"})["state"] in (
        "aborting",
        "aborted",
    )
    until(fleet, id_, "aborted")
    fleet.good("DELETE", f"/campaigns/{id_}")
    assert fleet.good("GET", "/campaigns")["campaigns"] == []
    acts = [one["act"] for one in fleet.good("GET", "/audit?subject=campaign:*")["entries"]]
    assert acts[0] == "campaign.create"
    assert acts[-1] == "campaign.remove"


def test_devices_that_need_somebody_come_first_page_by_page(fleet: Console) -> None:
    links = {f"unit-{number}": fleet.link(f"unit-{number}") for number in range(3)}
    for link in links.values():
        call(link)
    id_ = fleet.good("POST", "/campaigns", PLAN)["campaign"]
    fleet.good("POST", f"/campaigns/{id_}/start", {})
    canary = fleet.good("GET", f"/campaigns/{id_}/devices?wave=1")["devices"][0]["device"]
    obey(links[canary], "failed", "1")
    until(fleet, id_, "paused")

    pages: list[dict[str, Any]] = []
    after = ""
    while not pages or after:
        path = f"/campaigns/{id_}/devices?sort=trouble&limit=1&after={quote(after)}"
        found = fleet.good("GET", path)
        pages += found["devices"]
        after = found["next"]

    assert [one["state"] for one in pages] == ["failed", "waiting", "waiting"]
    assert len({one["device"] for one in pages}) == 3
    narrow = f"/campaigns/{id_}/devices?sort=trouble&state=waiting&wave=2&limit=5"
    assert fleet.good("GET", narrow)["devices"] == pages[1:]
    for bad in ("x", "failed/1", "gone/a/b/c"):
        answer = fleet.ask("GET", f"/api/v1/campaigns/{id_}/devices?sort=trouble&after={bad}")
        assert answer.status == 400


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"waves": [{"percent": 10}]}, "waves"),
        ({"waves": [{"percent": 100, "count": 1}]}, "waves[0].size"),
        ({"version": "9"}, "no release"),
        ({"target": "tag:"}, "tag:"),
        ({"pace": {"at_once": 0}}, "at_once"),
        ({"nothing": 1}, "nothing"),
    ],
)
def test_a_plan_that_can_not_be_is_refused(
    shared: Console, change: dict[str, Any], place: str
) -> None:
    answer = shared.ask("POST", "/api/v1/campaigns", {**PLAN, "version": "1", **change})

    assert answer.status in (400, 404, 422)
    assert place in answer.body["error"] + answer.body["place"]
