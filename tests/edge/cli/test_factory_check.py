"""`edge factory check` as an operator runs it before the shift."""

import json
from pathlib import Path

import pytest

from tests.edge.conftest import Edge
from tests.fakes.pki import Authority


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, edge: Edge) -> Path:
    """Stand in a folder with a line of one station, whose image is not there yet."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    monkeypatch.chdir(tmp_path)
    ids_words = ("--ids", "gw-01..gw-99", "--ca", "file:ca.key")
    words = ("--board", "rpi4", "--product", "gateway", *ids_words)
    assert edge("factory", "init", "line", *words).status == 0
    server = Authority.make(tmp_path, "server-ca").file.read_bytes()
    (tmp_path / "line/ca/server.crt").write_bytes(server)
    assert edge("factory", "station", "add", "line", "S1", "--count", 10).status == 0
    return tmp_path


def test_each_thing_has_its_line_and_the_first_that_is_wrong_the_status(
    here: Path, edge: Edge
) -> None:
    (here / "boot").mkdir()
    (here / "line/ca/server.crt").write_text("nothing")
    ports = ("usb:1-1.1", "sdp:1-1.2", "serial:/no/such", "tape:1")
    words = [word for one in ports for word in ("--port", one)]

    ended = edge(
        *("factory", "check", "line", "--station", "S1", "--boot-files", here / "boot", "--json"),
        *words,
    )

    said = json.loads(ended.out)
    found = {one["check"]: one for one in said["checks"]}
    statuses = {name: one["status"] for name, one in found.items() if one["status"]}
    assert (ended.status, said["ok"]) == (3, False)
    assert statuses == {
        "image": 3,
        "server CA": 2,
        "port sdp:1-1.2": 2,
        "port serial:/no/such": 3,
        "port tape:1": 2,
    }
    assert found["ids"]["text"] == "10 left, the next is gw-01"
    assert found["station"]["text"].startswith("13 certificates in ")
    assert "--loader" in found["port sdp:1-1.2"]["hint"]
    assert found["port usb:1-1.1"]["text"] == f"boot files in {here / 'boot'}"
    assert not (here / "line/labels").exists()


def test_people_are_told_what_to_do(here: Path, edge: Edge) -> None:
    ended = edge("factory", "check", "line", "--station", "S1")

    lines = ended.out.splitlines()
    assert ended.status == 3
    assert "✓ server CA: line/ca/server.crt" in lines
    assert [one for one in lines if one.startswith("✗")] == [
        next(one for one in lines if one.startswith("✗ image: "))
    ]


def test_a_station_of_another_factory_is_told(here: Path, edge: Edge) -> None:
    words = ("--board", "rpi4", "--product", "gateway", "--ca", "file:other.key")
    assert edge("factory", "init", "other", *words).status == 0
    (here / "line/ca/factory.crt").write_bytes((here / "other/ca/factory.crt").read_bytes())

    ended = edge("factory", "check", "line", "--station", "S1", "--json")

    found = {one["check"]: one for one in json.loads(ended.out)["checks"]}
    assert found["factory"]["status"] == 4
    assert "station renew S1" in found["factory"]["hint"]
