"""Campaigns and people: of other tenants, limited to groups, some at once, and who asks twice."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.console.api.campaign_details import ENDPOINTS as DETAILS
from edge.console.api.campaigns import ENDPOINTS
from edge.console.api.document import PREFIX
from edge.console.api.endpoint import Endpoint
from edge_signing.messages import Status
from tests.fakes.console import Answered, Console
from tests.fakes.pki import Pki

PLAN: dict[str, Any] = {
    "name": "to hall 4",
    "version": "2",
    "waves": [{"percent": 50}, {"percent": 100}],
    "evidence": None,
}
BODIES: dict[str, object] = {"PUT": {"version": "2"}, "POST": {}, "GET": None, "DELETE": None}
OF_ONE = [one for one in (*ENDPOINTS, *DETAILS) if "{campaign}" in one.path]


def start(fleet: Console, **words: Any) -> str:
    """Let all devices call, make a campaign, and start it."""
    for number in range(3):
        told = {"boot_id": "b", "board": "board", "product": "gateway", "counter": 1}
        fleet.link(f"unit-{number}").send_state(Status(version="1", **told))  # type: ignore[arg-type]
    id_: str = fleet.good("POST", "/campaigns", {**PLAN, **words})["campaign"]
    fleet.good("POST", f"/campaigns/{id_}/start", {})
    return id_


def ask(site: Console, one: Endpoint, id_: str, **words: Any) -> Answered:
    path = f"{PREFIX}{one.path.replace('{campaign}', id_)}"
    return site.ask(one.method, path, BODIES[one.method], **words)


def at_once(*acts: Callable[[], Answered]) -> list[Answered]:
    """Let some ask at the same time, and return what each was answered."""
    found: dict[int, Answered] = {}
    gate = threading.Barrier(len(acts))

    def one(number: int, act: Callable[[], Answered]) -> None:
        gate.wait()
        found[number] = act()

    threads = [threading.Thread(target=one, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found[number] for number in range(len(acts))]


def test_a_campaign_of_another_tenant_is_none(fleet: Console, stranger: Pki, keys: Path) -> None:
    id_ = start(fleet)
    token = fleet.other_tenant("them", stranger, keys)
    fleet.good("POST", f"/campaigns/{id_}/pause", {})
    before = fleet.good("GET", f"/campaigns/{id_}/journal")

    answers = {f"{one.method} {one.path}": ask(fleet, one, id_, token=token) for one in OF_ONE}

    assert len(answers) > 15
    refused = {name: one.status for name, one in answers.items()}
    # A plan is read first: they have no such release either.
    assert set(refused.values()) == {404}, refused
    assert fleet.good("GET", "/campaigns", token=token)["campaigns"] == []
    assert fleet.good("GET", f"/campaigns/{id_}/journal") == before
    named = {**PLAN, "waves": [{"devices": ["unit-0"]}, {"percent": 100}]}
    assert fleet.ask("POST", "/api/v1/campaigns", named, token=token).status == 404


def test_of_two_who_start_and_abort_at_once_nothing_is_half_done(fleet: Console) -> None:
    id_ = start(fleet)
    path = f"/api/v1/campaigns/{id_}"

    answers = at_once(
        lambda: fleet.ask("POST", f"{path}/abort", {}),
        lambda: fleet.ask("POST", f"{path}/pause", {}),
        lambda: fleet.ask("PUT", path, {**PLAN, "on_trip": "abort"} | {"name": None}),
        lambda: fleet.ask("POST", f"{path}/next-wave", {}),
    )

    assert answers[0].status == 200
    assert {one.status for one in answers[1:]} <= {200, 400, 409}
    found = fleet.good("GET", f"/campaigns/{id_}")
    assert found["state"] in ("aborting", "aborted")
    assert fleet.good("GET", f"/campaigns/{id_}/verification")["differences"] == []


def test_of_two_who_do_the_same_at_once_one_does_it_and_the_other_hears_so(
    fleet: Console,
) -> None:
    start(fleet)
    id_ = fleet.good("POST", "/campaigns", {**PLAN, "approvals": 2})["campaign"]
    path = f"/api/v1/campaigns/{id_}"
    plan = {**PLAN, "approvals": 2, "priority": 7}
    plan.pop("name")

    starts = at_once(*[lambda: fleet.ask("POST", f"{path}/start", {})] * 3)
    approvals = at_once(
        *[lambda: fleet.ask("POST", f"{path}/approve", {})] * 2,
        lambda: fleet.ask("PUT", path, plan),
    )

    assert sorted(one.status for one in starts) == [200, 409, 409]
    told = {one.body["error"] for one in starts if one.status == 409}
    assert told == {"the campaign is waiting-for-approval: it can not be started"}
    assert sorted(one.status for one in approvals[:2]) == [200, 409]
    (again,) = [one.body["error"] for one in approvals[:2] if one.status == 409]
    assert "has approved it already" in again
    assert approvals[2].status == 409  # people approve a plan as it was made
    found = fleet.good("GET", f"/campaigns/{id_}")
    assert (found["state"], len(found["approved_by"])) == ("waiting-for-approval", 1)
    journal = fleet.good("GET", f"/campaigns/{id_}/journal")["entries"]
    assert [one["what"] for one in journal] == ["started", "approved"]


def test_who_starts_while_another_edits_gets_one_plan_or_the_other(fleet: Console) -> None:
    start(fleet)
    id_ = fleet.good("POST", "/campaigns", PLAN)["campaign"]
    path = f"/api/v1/campaigns/{id_}"
    plan = {name: value for name, value in PLAN.items() if name != "name"}

    answers = at_once(
        lambda: fleet.ask("POST", f"{path}/start", {}),
        lambda: fleet.ask("PUT", path, {**plan, "priority": 7}),
        lambda: fleet.ask("PUT", path, {**plan, "priority": 8}),
    )

    assert [one.status for one in answers] == [200, 200, 200]
    found = fleet.good("GET", f"/campaigns/{id_}")
    assert found["plan"]["priority"] in (7, 8)
    assert fleet.good("GET", f"/campaigns/{id_}/verification")["differences"] == []


def test_a_request_that_comes_again_makes_and_starts_one_campaign(fleet: Console) -> None:
    key = {"Idempotency-Key": "make-1"}

    def make() -> Answered:
        return fleet.ask("POST", "/api/v1/campaigns", PLAN, headers=key)

    start(fleet)
    first, second = at_once(make, make)
    path = f"/api/v1/campaigns/{first.body['campaign']}/start"
    starts = [fleet.ask("POST", path, {}, headers={"Idempotency-Key": "go-1"}) for _ in range(2)]

    assert (first.status, first.body) == (second.status, second.body)
    assert len(fleet.good("GET", "/campaigns")["campaigns"]) == 2
    assert [one.status for one in starts] == [200, 200]
    assert starts[0].body == starts[1].body
    assert fleet.ask("POST", path, {}, headers={"Idempotency-Key": "go-2"}).status == 409
