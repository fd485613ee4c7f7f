"""Lists of devices: what goes out comes back the same; what is wrong is told with its line."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.console.devices import roster
from edge.errors import InputError
from tests.edge.console.test_console_commands import Run
from tests.edge.console.test_console_commands import edge as edge
from tests.fakes.console import Console

PRINT = "ab" * 32
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


def told(device: str, **facts: object) -> dict[str, object]:
    """Return a device as the API tells it."""
    lists = {"tags": [], "groups": [], "attributes": {}, "certificate": "", "notes": ""}
    states = {"state": "accepted", "board": "rpi4", "product": "", "version": "1.2"}
    more = {"slot": "a", "phase": "", "reason": "", "is_online": True, "last_seen_s": 0}
    return {"device": device, **lists, **states, **more, "services": {"web": "web+1"}, **facts}


@given(notes=TEXTS, value=TEXTS.filter(bool))
def test_csv_comes_back_as_it_went_out(notes: str, value: str) -> None:
    one = told("unit-1", notes=notes, attributes={"site": value}, tags=["a", "b"])

    found = roster.read(roster.write_csv([one, told("unit-2")]).encode(), "x.csv")

    assert [entry.device for entry in found] == ["unit-1", "unit-2"]
    assert (found[0].notes, found[0].attributes) == (notes, {"site": value})
    assert found[0].tags == ("a", "b")


def test_csv_tells_which_services_run() -> None:
    head, row, _end = roster.write_csv([told("unit-1")]).split("\r\n")

    assert dict(zip(head.split(","), row.split(","), strict=True))["services"] == "web=web+1"


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_no_cell_is_a_formula_for_a_table_program(start: str) -> None:
    text = roster.write_csv([told("unit-1", attributes={"site": f"{start}cmd|' /C calc'!A0"})])

    assert f",'{start}cmd" in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "x.csv: empty", id="empty"),
        pytest.param("name\nunit-1\n", "x.csv:1: no column 'device'", id="no device"),
        pytest.param("device,colour\nunit-1,red\n", "x.csv:1: there is no column", id="unknown"),
        pytest.param("device,tags,tags\n", "x.csv:1: column 'tags' is there twice", id="twice"),
        pytest.param("device,tags\nunit-1\n", "x.csv:2: 1 cells", id="cells"),
        pytest.param("device\nunit-1\nunit-1\n", "x.csv:3: 'unit-1' is there", id="same"),
        pytest.param('device\n"unit-1\n', "x.csv:", id="quote"),
        pytest.param("\xff", "x.csv: no UTF-8 at byte 0", id="bytes"),
        pytest.param("{", "x.csv: no JSON", id="no json"),
        pytest.param('{"a": 1}', "x.csv: no list of devices", id="no list"),
        pytest.param("[7]", "devices[0]: no object", id="no object"),
        pytest.param('[{"device": "a", "tags": "b"}]', "devices[0].tags", id="no tags"),
        pytest.param('[{"device": "a", "attributes": {"b": 1}}]', ".attributes", id="no text"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        roster.read(text.encode("latin-1"), "x.csv")

    assert said in str(caught.value)


def test_a_list_of_the_factory_is_imported_and_exported(
    site: Console, edge: Run, tmp_path: Path
) -> None:
    site.good("PUT", "/groups/hall", {})
    file = tmp_path / "devices.csv"
    file.write_text(
        "device,certificate,tags,groups,attr.site,notes\r\n"
        f'unit-1,{PRINT},berlin lab,hall,"Hall 3, left",spare\r\n'
        "unit-2,,,,,\r\n"
    )

    trial = edge("devices", "import", file, "--dry-run")
    before = site.good("GET", "/devices")["devices"]
    done = edge("devices", "import", file)
    again = json.loads(edge("devices", "import", file, "--json")[1])
    one = site.good("GET", "/devices/unit-1")
    out = tmp_path / "out.csv"
    edge("devices", "export", "tag:berlin", "-o", out)
    back = roster.read(out.read_bytes(), "out.csv")

    assert (trial[0], before) == (0, [])
    assert "2 devices would be new" in trial[1]
    assert "2 devices new" in done[1]
    assert again == {"new": 0, "known": 2, "dry_run": False}
    assert (one["certificate"], one["tags"], one["groups"]) == (PRINT, ["berlin", "lab"], ["hall"])
    assert (one["attributes"], one["notes"]) == ({"site": "Hall 3, left"}, "spare")
    assert [(entry.device, entry.groups) for entry in back] == [("unit-1", ("hall",))]
    assert json.loads(edge("devices", "export", "--format", "json")[1])["devices"][1]["tags"] == []


@pytest.mark.parametrize(
    ("row", "said"),
    [
        pytest.param("a b,,", ":3: ", id="no id"),
        pytest.param("unit-2,xyz,", ":3: ", id="no hash"),
        pytest.param("unit-2,,none", ":3: no group 'none'", id="no group"),
        pytest.param("gone,,", ":3: gone is revoked", id="revoked"),
        pytest.param(f"other,{PRINT},", ":3: other has another certificate", id="certificate"),
    ],
)
def test_one_wrong_device_keeps_all_of_the_list_out(
    site: Console, edge: Run, tmp_path: Path, row: str, said: str
) -> None:
    site.good("POST", "/devices", {"device": "gone"})
    site.good("POST", "/devices/gone/revoke")
    site.good("POST", "/devices", {"device": "other", "certificate": "cd" * 32})
    file = tmp_path / "devices.csv"
    file.write_text(f"device,certificate,groups\nunit-1,,\n{row}\n")

    status, _out, err = edge("devices", "import", file)

    assert (status, said in err) == (2, True), err
    known = [one["device"] for one in site.good("GET", "/devices")["devices"]]
    assert known == ["gone", "other"]
