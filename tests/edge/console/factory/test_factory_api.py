"""What stations tell a console by its API, and how devices come in by it, over real TLS."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.edge.console.factory.conftest import call
from tests.fakes.console import Console
from tests.fakes.made_line import Line, serial_of


def tell(plant: Console, token: str, *records: object) -> list[dict[str, Any]]:
    body = {"records": list(records)}
    found = plant.good("POST", "/factory/records", body, token=token)
    outcomes: list[dict[str, Any]] = found["outcomes"]
    return outcomes


def test_a_device_of_a_station_waits_for_its_record_and_is_let_in_by_it(
    plant: Console, station_token: str, line: Line, tmp_path: Path
) -> None:
    device = line.station().make("gw-1")

    assert call(plant, device, tmp_path) == 403
    (waiting,) = plant.good("GET", "/factory")["quarantine"]
    assert (waiting["device"], waiting["reason"]) == ("gw-1", "unrecorded")
    assert plant.good("GET", "/devices/gw-1")["state"] == "quarantined"

    assert tell(plant, station_token, device.made.to_json())[0]["outcome"] == "new"

    assert call(plant, device, tmp_path) == 200
    made = plant.good("GET", "/devices/gw-1/made")
    assert made["quarantine"] is None
    assert made["records"][0]["tests"] == {"ethernet": "ok", "supply": "5.02 V"}
    assert plant.good("GET", "/factory")["stations"][0]["good"] == 1
    acts = [one["what"] for one in plant.good("GET", "/devices/gw-1/history")["items"]]
    assert acts == ["device.accept", "factory.record", "device.quarantine", "device.ask", "made"]


def test_a_changed_board_is_let_in_and_the_old_one_is_out_at_once(
    plant: Console, station_token: str, line: Line, tmp_path: Path
) -> None:
    old = line.station().make("gw-1")
    tell(plant, station_token, old.made.to_json())
    assert call(plant, old, tmp_path) == 200
    new = line.station().make("gw-1", retired=(serial_of(old),))

    assert tell(plant, station_token, new.made.to_json())[0]["outcome"] == "newer"

    assert [call(plant, one, tmp_path) for one in (old, new)] == [403, 200]


def test_each_record_is_taken_or_refused_by_itself(
    plant: Console, station_token: str, line: Line
) -> None:
    good = line.station().make("gw-1").made.to_json()
    stranger = Line("elsewhere").station().make("gw-2").made.to_json()

    found = tell(plant, station_token, {**good, "number": 0}, stranger, good, good)

    assert [one["outcome"] for one in found] == ["refused", "refused", "new", "same"]
    assert "records[0]: number 0" in found[0]["problem"]
    asked = {"line": "hall-3", "station": "S1", "contents": ["0" * 64]}
    answer = plant.good("POST", "/factory/lacking", asked, token=station_token)
    assert answer == {"contents": ["0" * 64]}
    acts = [one["act"] for one in plant.good("GET", "/audit", None)["entries"]]
    assert acts.count("factory.record") == 1


def test_the_token_of_a_station_can_do_nothing_else(
    plant: Console, station_token: str, line: Line
) -> None:
    for method, path in (
        ("GET", "/devices"),
        ("GET", "/factory"),
        ("DELETE", "/factory/conflicts/1"),
    ):
        assert plant.ask(method, f"/api/v1{path}", token=station_token).status == 403
    other = plant.good("POST", "/tokens", {"name": "ci", "scopes": ["devices:write"]})["text"]
    body = {"records": [line.station().make("gw-1").made.to_json()]}
    assert plant.ask("POST", "/api/v1/factory/records", body, token=other).status == 403
    wrongs: tuple[object, ...] = ({}, {"records": [1]}, {"records": [{}] * 201}, {"more": 1})
    for wrong in wrongs:
        answer = plant.ask("POST", "/api/v1/factory/records", wrong, token=station_token)
        assert answer.status == 400


def test_a_conflict_is_shown_until_somebody_dismisses_it(
    plant: Console, station_token: str, line: Line
) -> None:
    first, other = line.station().make("gw-1"), line.station("S2")
    other.number = 50
    tell(plant, station_token, first.made.to_json(), other.make("gw-1").made.to_json())

    (found,) = plant.good("GET", "/factory")["conflicts"]
    assert "with another key" in found["problem"]
    plant.good("DELETE", f"/factory/conflicts/{found['id']}")

    assert plant.good("GET", "/factory")["conflicts"] == []
    for wrong, status in ((found["id"], 404), ("x", 400), ("9" * 99, 400)):
        assert plant.ask("DELETE", f"/api/v1/factory/conflicts/{wrong}").status == status


def test_filters_find_devices_by_what_the_line_says(
    plant: Console, station_token: str, line: Line
) -> None:
    first = line.station().make("gw-1", order="A-77")
    tell(plant, station_token, first.made.to_json())
    tell(plant, station_token, line.station("S2").make("gw-2", order="").made.to_json())
    again = line.station().again(first, order="B-1")
    tell(plant, station_token, again.to_json())

    def found(text: str) -> list[str]:
        page = plant.good("GET", f"/devices?filter={quote(text)}")
        return [one["device"] for one in page["devices"]]

    assert found("line:hall-3") == ["gw-1", "gw-2"]
    assert found("station:S1") == ["gw-1"]
    assert (found("order:B-1"), found("order:A-77"), found("order~*")) == (["gw-1"], [], ["gw-1"])
    assert found("line!=hall-3") == []
