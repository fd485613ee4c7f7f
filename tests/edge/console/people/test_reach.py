"""Somebody who is limited to groups: every endpoint, against devices that are not his."""

import json

import pytest

from edge.console.api.document import PREFIX
from edge.console.api.endpoint import Endpoint, Reach
from edge.console.api.server import ENDPOINTS
from edge.console.people.roles import SCOPES, Role
from edge.console.tokens import Scope
from edge_signing.messages import EventId, ReportEvent
from tests.edge.console.endpoints import BODIES, each, path_of
from tests.edge.console.test_api import everything
from tests.fakes import browser
from tests.fakes.browser import Browser
from tests.fakes.console import Console

OUTSIDE = "unit-2"


@pytest.fixture(scope="module")
def limited(shared: Console) -> Browser:
    """An operator who reaches unit-1, and not unit-2."""
    shared.good("PUT", "/groups/secret", {})
    shared.good("POST", "/groups/secret/members", {"add": [OUTSIDE]})
    shared.good("PUT", "/groups/all", {"filter": "id~*"})
    shared.link(OUTSIDE).send_events([ReportEvent(EventId("boot-2", 1), 1, "started")])
    return browser.inside(shared, "lena", Role.OPERATOR, groups=frozenset({"hall-3"}))


def do_outside(page: Browser, one: Endpoint, device: str = OUTSIDE) -> tuple[int, str]:
    path = path_of(one).replace("unit-1", device).replace("hall-3", "secret")
    body = b"no bundle" if one.is_upload else BODIES.get(one.path) if one.body else None
    if isinstance(body, dict):
        body = json.loads(json.dumps(body).replace("unit-1", device))
    answer = page.ask(one.method, path.removeprefix(PREFIX), body)
    return answer.status, json.dumps(answer.body)


@pytest.mark.parametrize("one", each())
def test_no_endpoint_reaches_a_device_of_others(
    shared: Console, limited: Browser, one: Endpoint
) -> None:
    before = everything(shared)

    status, said = do_outside(limited, one)

    assert OUTSIDE not in said.replace(f"no device '{OUTSIDE}'", "")
    assert "secret" not in said.replace("no group 'secret'", "")
    assert everything(shared) == before
    if one.scope in (Scope.TERMINAL, Scope.CAMPAIGNS_APPROVE):
        assert status == 403  # it takes an admin or approver, and no admin is limited
    elif "{device}" in one.path or one.reach is Reach.NAMED:
        assert status == 404
        assert said.replace(OUTSIDE, "none") == do_outside(limited, one, "none")[1]
    elif "{campaign}" in one.path:
        assert status == 404  # there is none: tests/edge/console/campaigns/test_scope.py
    elif one.reach is Reach.NOTHING:
        assert status == 403


def test_what_an_endpoint_tells_of_nothing_is_refused_unless_it_says_otherwise() -> None:
    told = {(one.method, one.path) for one in ENDPOINTS if one.reach in (Reach.OWN, Reach.ALL)}

    assert told == {
        ("GET", "/devices"),
        ("GET", "/events"),
        ("GET", "/groups"),
        ("GET", "/groups/{group}"),
        ("GET", "/releases"),
        ("GET", "/releases/{version}"),
        ("GET", "/objects"),
        ("GET", "/overview"),
        ("GET", "/samples"),
        ("GET", "/filters/check"),
        ("GET", "/releases/{version}/contents"),
        ("GET", "/releases/{version}/sbom"),
        ("GET", "/releases/{version}/sbom/document"),
        ("GET", "/releases/{version}/sbom/difference"),
        ("GET", "/campaigns"),
        ("POST", "/campaigns"),
        ("POST", "/campaign-previews"),
    }


@pytest.mark.parametrize(
    "words",
    [
        "",
        "filter=id~unit-*",
        "state=accepted",
        "filter=group:secret or id~unit-*",
        "filter=group~*",
    ],
)
def test_lists_and_counts_have_only_his_devices(limited: Browser, words: str) -> None:
    found = limited.good("GET", f"/devices?total=true&{words.replace(' ', '%20')}")

    assert [one["device"] for one in found["devices"]] == ["unit-1"]
    assert found["total"] == 1


@pytest.mark.parametrize("device", ["", OUTSIDE])
def test_events_are_those_of_his_devices(limited: Browser, device: str) -> None:
    found = limited.good("GET", f"/events?device={device}")["events"]

    assert {one["device"] for one in found} == (set() if device else {"unit-1"})


def test_groups_are_his_own(limited: Browser) -> None:
    assert [one["group"] for one in limited.good("GET", "/groups")["groups"]] == ["hall-3"]
    assert limited.ask("GET", "/groups/all").status == 404


def test_figures_are_those_of_his_devices(shared: Console, limited: Browser) -> None:
    headers = {"Cookie": f"__Host-edge-session={limited.secret}"}

    said = shared.ask("GET", "/metrics", token="", headers=headers).body

    assert 'edge_devices{state="accepted"} 1\n' in said


def test_he_acts_on_his_own_devices(limited: Browser) -> None:
    assert limited.good("POST", "/devices/unit-1/tags", {"add": ["x"]}) == {"tags": ["x"]}
    assert limited.good("PUT", "/devices/unit-1/notes", {"notes": "n"})["notes"] == "n"
    order = limited.good("POST", "/deployments", {"device": "unit-1", "version": "1"})
    assert order["device"] == "unit-1"
    assert limited.good("GET", "/devices/unit-1/orders")["orders"][0] == order


def test_a_key_of_an_earlier_request_opens_nothing_later(shared: Console) -> None:
    page = browser.inside(shared, "kurt", Role.OPERATOR)
    path, body = f"/devices/{OUTSIDE}/tags", {"add": ["y"]}
    key = {"Idempotency-Key": "k-1"}
    first = page.ask("POST", path, body, headers=key)

    shared.good("PATCH", "/people/kurt", {"groups": ["hall-3"]})
    page.log_in("kurt")

    assert (first.status, page.ask("POST", path, body, headers=key).status) == (200, 404)


def test_somebody_without_groups_that_are_left_reaches_nothing(shared: Console) -> None:
    shared.good("PUT", "/groups/short-lived", {})
    shared.good("POST", "/groups/short-lived/members", {"add": ["unit-1"]})
    page = browser.inside(shared, "nora", Role.OPERATOR, groups=frozenset({"short-lived"}))
    nothing = browser.inside(shared, "nobody-s", Role.OPERATOR, groups=frozenset())

    shared.good("DELETE", "/groups/short-lived")

    for one in (page, nothing):
        found = one.good("GET", "/devices?total=true")
        assert (found["devices"], found["total"], found["is_total_least"]) == ([], 0, False)
        assert one.ask("GET", "/devices/unit-1").status == 404
        assert one.good("GET", "/events")["events"] == []
        assert one.good("GET", "/session")["groups"] is not None


def test_a_group_that_becomes_a_filter_gives_no_device(shared: Console) -> None:
    shared.good("PUT", "/groups/empty", {})
    page = browser.inside(shared, "fritz", Role.OPERATOR, groups=frozenset({"empty"}))

    shared.good("PUT", "/groups/empty", {"filter": "id:unit-1"})

    assert page.good("GET", "/devices")["devices"] == []


def test_who_may_administer_people_can_not_be_limited() -> None:
    assert [role for role in Role if "people:write" in SCOPES[role]] == [Role.ADMIN]
