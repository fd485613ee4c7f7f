"""Groups: members, or what a filter means at the time; other tenants' devices never are in one."""

import json
from urllib.parse import quote

import pytest

from edge.cli.main import main
from tests.edge.console.test_console_commands import Run
from tests.edge.console.test_console_commands import edge as edge
from tests.fakes.console import Console


@pytest.fixture
def fleet(site: Console) -> Console:
    for name in ("unit-1", "unit-2", "unit-3"):
        site.good("POST", "/devices", {"device": name})
    site.good("POST", "/devices/unit-2/tags", {"add": ["berlin"]})
    return site


def names(site: Console, filter_text: str) -> list[str]:
    found = site.good("GET", f"/devices?filter={quote(filter_text)}&total=true")
    assert found["total"] == len(found["devices"])
    return [one["device"] for one in found["devices"]]


def test_members_and_filters_are_asked_for_alike(fleet: Console) -> None:
    fleet.good("PUT", "/groups/hall", {"notes": "hall 3"})
    hall = fleet.good("POST", "/groups/hall/members", {"add": ["unit-1", "unit-3"]})
    town = fleet.good("PUT", "/groups/town", {"filter": "tag:berlin"})

    assert (hall["devices"], town["devices"]) == (2, 1)
    assert names(fleet, "group:hall") == ["unit-1", "unit-3"]
    assert names(fleet, "group:town") == ["unit-2"]
    assert names(fleet, "group~*") == ["unit-1", "unit-2", "unit-3"]
    assert names(fleet, "not group:hall") == ["unit-2"]
    assert names(fleet, "group:none") == []


def test_the_devices_of_a_filter_are_those_of_the_moment(fleet: Console) -> None:
    fleet.good("PUT", "/groups/town", {"filter": "tag:berlin"})
    fleet.good("POST", "/devices/unit-2/tags", {"remove": ["berlin"]})
    fleet.good("POST", "/devices/unit-3/tags", {"add": ["berlin"]})

    assert names(fleet, "group:town") == ["unit-3"]


def test_a_member_is_added_and_taken_out_once(fleet: Console) -> None:
    fleet.good("PUT", "/groups/hall", {})
    for _time in range(2):
        fleet.good("POST", "/groups/hall/members", {"add": ["unit-1", "unit-1", "unit-2"]})
    for _time in range(2):
        fleet.good("POST", "/groups/hall/members", {"take_out": ["unit-1", "unit-9"]})

    assert names(fleet, "group:hall") == ["unit-2"]


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        pytest.param("/groups/a%20b", {}, 400, "'a b'", id="name"),
        pytest.param("/groups/a", {"filter": "tag:"}, 400, "1:5", id="no filter"),
        pytest.param("/groups/a", {"filter": "not (group:b)"}, 400, "names a group", id="group"),
        pytest.param("/groups/full", {"filter": "tag:b"}, 409, "has members", id="members"),
    ],
)
def test_what_can_be_no_group_is_told(
    fleet: Console, path: str, body: object, status: int, said: str
) -> None:
    fleet.good("PUT", "/groups/full", {})
    fleet.good("POST", "/groups/full/members", {"add": ["unit-1"]})

    answer = fleet.ask("PUT", f"/api/v1{path}", body)

    assert (answer.status, said in answer.body["error"]) == (status, True), answer.body


def test_unknown_devices_and_groups_of_a_filter_take_no_members(fleet: Console) -> None:
    fleet.good("PUT", "/groups/hall", {})
    fleet.good("PUT", "/groups/town", {"filter": "tag:berlin"})

    unknown = fleet.ask("POST", "/api/v1/groups/hall/members", {"add": ["unit-1", "unit-9"]})
    fixed = fleet.ask("POST", "/api/v1/groups/town/members", {"add": ["unit-1"]})

    assert (unknown.status, fixed.status) == (404, 409)
    assert names(fleet, "group:hall") == []


def test_a_removed_group_leaves_its_devices(fleet: Console) -> None:
    fleet.good("PUT", "/groups/hall", {})
    fleet.good("POST", "/groups/hall/members", {"add": ["unit-1"]})

    assert fleet.ask("DELETE", "/api/v1/groups/hall").status == 204

    assert fleet.ask("GET", "/api/v1/groups/hall").status == 404
    assert names(fleet, "id~unit*") == ["unit-1", "unit-2", "unit-3"]


def test_a_device_that_is_rejected_leaves_its_groups(site: Console) -> None:
    with pytest.raises(Exception, match="403"):
        site.link("unit-7").desired()
    site.good("PUT", "/groups/hall", {})
    site.good("POST", "/groups/hall/members", {"add": ["unit-7"]})

    assert site.ask("POST", "/api/v1/devices/unit-7/reject").status == 204

    assert site.good("GET", "/groups/hall")["devices"] == 0


def test_groups_are_made_by_commands(fleet: Console, edge: Run) -> None:
    assert edge("groups", "set", "hall", "--notes", "hall 3")[1] == "hall: 0 devices\n"
    assert edge("groups", "add", "hall", "unit-1", "unit-2")[1] == "hall: 2 devices\n"
    assert edge("groups", "take-out", "hall", "unit-2")[1] == "hall: 1 device\n"
    assert edge("groups", "set", "town", "--filter", "tag:berlin")[0] == 0
    found = json.loads(edge("groups", "list", "--json")[1])["groups"]
    assert [(one["group"], one["devices"]) for one in found] == [("hall", 1), ("town", 1)]
    assert edge("groups", "remove", "hall", "--yes")[0] == 0
    assert edge("groups", "set", "a b")[0] == 2
    assert main(["groups", "--help"]) == 0
