"""Campaigns for people who are limited to groups: every endpoint, against devices of others."""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from edge.console.api.campaign_details import ENDPOINTS as DETAILS
from edge.console.api.campaigns import ENDPOINTS
from edge.console.api.endpoint import Reach
from edge.console.campaigns import scope, surveys
from edge.console.campaigns.campaign import Event
from edge.console.devices import groups
from edge.console.notices import Topic
from edge.console.people.roles import Role
from edge.errors import InputError, ThingNotFoundError
from tests.edge.console.campaigns.conftest import campaign_console
from tests.edge.console.campaigns.ground import ALL_AT_ONCE, TENANT, Ground
from tests.edge.console.campaigns.test_campaign_api import call, obey, until
from tests.edge.console.campaigns.test_campaign_rights import BODIES
from tests.edge.console.pages.test_stream import cookie, listening
from tests.fakes import browser
from tests.fakes.browser import Browser
from tests.fakes.console import Answered, Console
from tests.fakes.pki import Pki

OF_ONE = [one for one in (*ENDPOINTS, *DETAILS) if "{campaign}" in one.path]
PLAN: dict[str, Any] = {
    "name": "not for unit-1",
    "version": "2",
    "target": "id~unit-* or id:unit-2",
    "waves": [
        {"devices": ["unit-1"], "limit": {"count": 1}},
        {"filter": "id:unit-2 or id:unit-0"},
        {"percent": 100},
    ],
    "evidence": None,
}
HALL_3 = frozenset({"hall-3"})


class Ours(NamedTuple):
    """A console where a campaign has a device of lena's and two of others.

    Attributes:
        lena: An operator who reaches unit-0.
        nora: One who reaches a device that is in no campaign.
        id: The campaign: unit-1 failed, and stopped it.
    """

    site: Console
    lena: Browser
    nora: Browser
    id: str


@pytest.fixture(scope="module")
def fleet(
    tmp_path_factory: pytest.TempPathFactory, _tiny_units: None, pki: Pki, keys: Path
) -> Iterator[Console]:
    """A console with two releases and three devices, for all tests here."""
    folder = tmp_path_factory.mktemp("scope")
    with campaign_console(folder, pki, keys) as one:
        yield one


@pytest.fixture(scope="module")
def ours(fleet: Console) -> Ours:
    fleet.good("POST", "/devices", {"device": "other"})
    for group, device in (("hall-3", "unit-0"), ("hall-4", "unit-1"), ("hall-5", "other")):
        fleet.good("PUT", f"/groups/{group}", {})
        fleet.good("POST", f"/groups/{group}/members", {"add": [device]})
    links = [fleet.link(f"unit-{number}") for number in range(3)]
    for link in links:
        call(link)
    id_ = fleet.good("POST", "/campaigns", PLAN)["campaign"]
    fleet.good("POST", f"/campaigns/{id_}/start", {"reason": "unit-2 is ill"})
    fleet.good("POST", f"/campaigns/{id_}/next-wave", {"reason": "unit-2 is well"})
    obey(links[1], "failed", "1")
    until(fleet, id_, "paused")
    lena = browser.inside(fleet, "lena", Role.OPERATOR, groups=HALL_3)
    nora = browser.inside(fleet, "nora", Role.OPERATOR, groups=frozenset({"hall-5"}))
    return Ours(fleet, lena, nora, id_)


def ask_each(page: Browser, id_: str) -> dict[str, Answered]:
    return {
        f"{one.method} {one.path}": page.ask(
            one.method, one.path.replace("{campaign}", id_), BODIES[one.method]
        )
        for one in OF_ONE
    }


def test_no_endpoint_tells_of_devices_of_others(ours: Ours) -> None:
    before = ours.site.good("GET", f"/campaigns/{ours.id}/journal")

    answers = ask_each(ours.lena, ours.id)
    answers["list"] = ours.lena.ask("GET", "/campaigns")
    answers["orders"] = ours.lena.ask("GET", "/devices/unit-0/orders")
    answers["preview"] = ours.lena.ask("POST", "/campaign-previews", {"version": "2"})

    said = json.dumps({name: one.body for name, one in answers.items()})
    assert not [word for word in ("unit-1", "unit-2", "hall-4", "hall-5") if word in said]
    by_reach = {
        one.reach: {
            answers[f"{each.method} {each.path}"].status
            for each in OF_ONE
            if each.reach is one.reach and "approve" not in each.path
        }
        for one in OF_ONE
    }
    assert by_reach == {Reach.SEEN: {200}, Reach.WHOLE: {403}}
    assert ours.site.good("GET", f"/campaigns/{ours.id}/journal") == before


def test_he_sees_how_his_own_devices_stand(ours: Ours) -> None:
    page, path = ours.lena, f"/campaigns/{ours.id}"
    whole = ours.site.good("GET", path)

    found = page.good("GET", path)

    assert (whole["devices"], whole["is_part"], found["is_part"]) == (3, False, True)
    assert (found["devices"], sum(found["counts"].values())) == (1, 1)
    assert [one["devices"] for one in found["wave_views"]] == [0, 1, 0]
    assert found["wave_views"][0]["gauge"]["failures"] == 0
    assert (found["name"], found["plan"]["target"], found["acts"]) == ("to 2", "", [])
    assert (found["state"], found["tripped"]) == ("paused", "too many devices failed")
    listed = page.good("GET", "/campaigns")["campaigns"][-1]
    assert listed == {name: found[name] for name in listed}
    for sort in ("device", "trouble"):
        devices = page.good("GET", f"{path}/devices?sort={sort}")["devices"]
        assert [one["device"] for one in devices] == ["unit-0"]
    assert page.good("GET", f"{path}/devices?wave=1")["devices"] == []
    assert page.good("GET", f"{path}/reasons")["reasons"] == []
    entries = page.good("GET", f"{path}/journal")["entries"]
    assert {one["device"] for one in entries} == {"", "unit-0"}
    (trip,) = [one for one in entries if one["what"] == "tripped"]
    assert (trip["reason"], trip["trip"]) == ("too many devices failed", None)
    samples = page.good("GET", f"{path}/samples")["samples"]
    assert [one["counts"] for one in samples][-1] == found["counts"]
    (order,) = page.good("GET", "/devices/unit-0/orders")["orders"]
    assert (order["campaign"], order["campaign_name"]) == (ours.id, "to 2")


def test_a_campaign_without_devices_of_his_is_none(ours: Ours) -> None:
    answers = ask_each(ours.nora, ours.id)
    none = ask_each(ours.nora, "c-none")

    assert {name: one.status for name, one in answers.items() if one.status != 404} == {
        "POST /campaigns/{campaign}/approve": 403  # his role does not allow it
    }
    assert json.dumps([one.body for one in answers.values()]).replace(
        ours.id, "c-none"
    ) == json.dumps([one.body for one in none.values()])
    assert ours.nora.good("GET", "/campaigns")["campaigns"] == []


def test_what_he_makes_has_his_devices_alone_and_is_his_to_decide(ours: Ours) -> None:
    page = ours.lena
    named = {"version": "2", "waves": [{"devices": ["unit-1"]}, {"percent": 100}]}
    none = {"version": "2", "waves": [{"devices": ["unit-9"]}, {"percent": 100}]}
    refused = [page.ask("POST", "/campaign-previews", body) for body in (named, none)]
    assert refused[0].status == refused[1].status == 404
    assert refused[0].body == json.loads(json.dumps(refused[1].body).replace("unit-9", "unit-1"))
    plan = {"version": "2", "waves": [{"percent": 100}], "evidence": None, "is_dynamic": True}

    preview = page.good("POST", "/campaign-previews", plan)
    id_ = page.good("POST", "/campaigns", {**plan, "name": "mine"})["campaign"]
    path = f"/campaigns/{id_}"

    assert [one["first"] for one in preview["waves"]] == [["unit-0"]]
    assert (preview["left_out"], preview["refused"]) == ([], [])
    made = page.good("POST", f"{path}/start", {})
    assert (made["name"], made["within"], made["is_part"]) == ("mine", ["hall-3"], False)
    assert page.good("PUT", path, {**plan, "priority": 7})["within"] == ["hall-3"]
    assert ours.site.good("PUT", path, {**plan, "priority": 8})["within"] == ["hall-3"]
    assert page.good("GET", f"{path}/verification")["differences"] == []
    assert page.good("POST", f"{path}/pause", {"reason": "lunch"})["state"] == "paused"
    found = ours.site.good("GET", f"{path}/devices")["devices"]
    assert [one["device"] for one in found] == ["unit-0"]
    # Once his device is another's, so is what is decided over it.
    ours.site.good("POST", "/groups/hall-3/members", {"take_out": ["unit-0"]})
    assert page.ask("POST", f"{path}/resume", {}).status == 404
    ours.site.good("POST", "/groups/hall-3/members", {"add": ["other"]})
    assert page.ask("GET", path).status == 404
    ours.site.good("POST", "/groups/hall-3/members", {"add": ["unit-0"], "take_out": ["other"]})


def test_a_key_of_an_earlier_request_tells_nothing_later(ours: Ours) -> None:
    page = browser.inside(ours.site, "kurt", Role.OPERATOR)
    key, body = {"Idempotency-Key": "k-1"}, {"version": "2"}
    first = page.ask("POST", "/campaign-previews", body, headers=key)

    ours.site.good("PATCH", "/people/kurt", {"groups": ["hall-3"]})
    page.log_in("kurt")
    second = page.ask("POST", "/campaign-previews", body, headers=key)

    assert (first.status, first.body["devices"]) == (200, 4)
    assert second.status == 409


def test_changes_of_campaigns_are_told_to_who_sees_them(ours: Ours) -> None:
    with (
        listening(ours.site, cookie(ours.lena)) as hers,
        listening(ours.site, cookie(ours.nora)) as others,
    ):
        assert (hers.event()[0], others.event()[0]) == ("hello", "hello")
        notices = ours.site.running.office.notices
        ours.site.loop.call_soon_threadsafe(notices.tell, "default", Topic.CAMPAIGN, ours.id)
        ours.site.good("PUT", "/devices/other/notes", {"notes": "n"})

        hers.until("campaign", ours.id)
        heard = others.until("device", "other")

    assert ["campaign", ours.id] not in heard


def in_group(ground: Ground, group: str, *devices: str, out: tuple[str, ...] = ()) -> None:
    actor = ground.actor()
    ground.write(lambda c: groups.put(c, actor, group))
    ground.write(lambda c: groups.change_members(c, actor, group, add=devices, take_out=out))


def test_a_bound_campaign_gets_no_other_devices_as_long_as_it_is(ground: Ground) -> None:
    ground.fleet(4)
    in_group(ground, "hall-3", "d-000", "d-001")
    plan = replace(ALL_AT_ONCE, is_dynamic=True, within=("hall-3",))
    made = ground.conductor.create(ground.actor(), "bound", plan)
    id_ = ground.run(made).id
    in_group(ground, "hall-3", "d-002", out=("d-001",))

    ground.decide(id_, Event.STARTED)
    ground.look()
    ground.wait(40)

    members = ground.members(id_)
    assert {name: str(one.state) for name, one in members.items()} == {
        **{"d-000": "offered", "d-001": "gone", "d-002": "offered"}
    }
    assert members["d-001"].reason == "is in none of the campaign's groups any more"
    assert ground.orders("d-001") == ground.orders("d-003") == []


def test_a_bound_campaign_is_refused_without_a_device(ground: Ground) -> None:
    ground.fleet(2)

    for within in ((), ("nowhere",)):
        plan = replace(ALL_AT_ONCE, is_dynamic=True, within=within)
        with pytest.raises(InputError, match="no device takes part"):
            ground.run(ground.conductor.create(ground.actor(), "bound", plan))


def test_one_that_others_may_join_is_not_his(ground: Ground) -> None:
    ground.fleet(2)
    in_group(ground, "hall-3", "d-000", "d-001")
    for plan, is_whole in (
        (ALL_AT_ONCE, True),
        (replace(ALL_AT_ONCE, is_dynamic=True), False),
        (replace(ALL_AT_ONCE, is_dynamic=True, within=("hall-3",)), True),
        (replace(ALL_AT_ONCE, is_dynamic=True, within=("hall-3", "hall-4")), False),
    ):
        stored = ground.run(ground.conductor.create(ground.actor(), "one", plan))
        see = partial(scope.see, tenant=TENANT, id_=stored.id, names=HALL_3)
        assert ground.read(see).is_part is not is_whole
    with pytest.raises(ThingNotFoundError):
        ground.read(lambda c: scope.see(c, TENANT, stored.id, frozenset()))


def test_more_devices_than_are_counted_are_told_as_at_least(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground.fleet(6)
    in_group(ground, "hall-3", *(f"d-{number:03}" for number in range(5)))
    id_ = ground.start(ALL_AT_ONCE)

    def counted() -> tuple[int, bool]:
        seen = ground.read(lambda c: scope.see(c, TENANT, id_, HALL_3))
        return seen.stored.campaign.total, seen.is_least

    assert counted() == (5, False)
    monkeypatch.setattr(scope, "COUNT_MOST", 3)
    assert counted() == (3, True)


def test_what_was_surveyed_for_all_is_not_told_to_who_reaches_some(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surveys, "LONG_S", 0.0)
    ground.fleet(3)
    in_group(ground, "hall-3", "d-001")
    own = replace(ALL_AT_ONCE, within=("hall-3",))

    found = [
        ground.run(ground.conductor.preview(TENANT, one)) for one in (ALL_AT_ONCE, own, ALL_AT_ONCE)
    ]

    assert [one.devices for one in found] == [3, 1, 3]
    assert [one.first for one in found[1].waves] == [("d-001",)]
    assert (found[1].left_out, found[1].refused) == ((), ())
