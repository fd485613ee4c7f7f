"""`edge factory sync`: the ledgers of a line, told to a console that runs."""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge.cli import factory_sync
from edge.cli.main import main
from edge.cli.output import Output
from edge.console.client import Address, Client
from edge.errors import LinkError
from edge.factory import line as lines
from edge.factory.entry import Kind, Said
from edge.factory.ledger import Ledger
from edge.factory.ledger_files import StationFiles
from edge.factory.made import Made
from edge.factory.records import RECORD_KEYS
from tests.edge.console.factory.conftest import call
from tests.fakes.console import Console
from tests.fakes.made_line import MADE_AT_S, Line

Sync = Callable[..., tuple[int, Any]]

TEXT = """
line: hall-3
product: gateway
board: rpi4
image: out
ids: {range: gw-0001..gw-9999}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "line"
    place.mkdir()
    (place / lines.FILE).write_text(TEXT)
    return place


@pytest.fixture
def sync(
    plant: Console, station_token: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> Sync:
    """Run the command; return its status and what it says last."""
    token = tmp_path / "line.token"
    token.write_text(station_token)

    def run(folder: Path, *words: str, url: str = "") -> tuple[int, Any]:
        capfd.readouterr()
        to = ("--console", url or plant.api_url, "--token-file", str(token))
        status = main(
            [
                "factory",
                "sync",
                str(folder),
                *to,
                "--ca",
                str(plant.site.authority),
                "--json",
                *words,
            ]
        )
        return status, [json.loads(one) for one in capfd.readouterr().out.splitlines()]

    return run


def write(folder: Path, *made: Made, station: str = "S1") -> None:
    """Write down what a station has made, as it does."""
    clock = itertools.count(MADE_AT_S * 1000, 1000)
    files = StationFiles(lines.station_folder(folder, station))
    ledger = Ledger(files, line="hall-3", station=station, now_ms=lambda: next(clock))
    for one in made:
        said = one.to_json()
        details = {name: said[name] for name in RECORD_KEYS}
        ledger.append(Said(Kind.START, "u", one.device))
        ledger.append(
            Said(Kind.END, "u", one.device, "", one.operator, {**details, "result": "good"})
        )
    ledger.close()


def test_what_ledgers_say_is_told_once_and_lets_the_devices_in(
    plant: Console, sync: Sync, folder: Path, line: Line, tmp_path: Path
) -> None:
    first, second = line.station("S1").make("gw-1"), line.station("S2").make("gw-2")
    write(folder, first.made)
    write(folder, second.made, station="S2")

    assert sync(folder, "--dry-run")[1][-1]["stations"][0]["sent"] == 1
    status, (said,) = sync(folder)

    assert (status, [one["outcomes"] for one in said["stations"]]) == (0, [{"new": 1}] * 2)
    assert [call(plant, one, tmp_path) for one in (first, second)] == [200, 200]
    kept = json.loads((folder / "stations" / "S1" / "sync.json").read_text())
    assert (kept["sent"], kept["console"]) == (1, plant.api_url)
    status, (said,) = sync(folder, "--station", "S1")
    assert [(one["here"], one["sent"]) for one in said["stations"]] == [(1, 0)]
    made = plant.good("GET", "/devices/gw-1/made")["records"][0]
    assert (made["number"], made["operator"]) == (2, "jo")


def test_nothing_is_told_of_a_ledger_that_was_changed(
    plant: Console, sync: Sync, folder: Path, line: Line
) -> None:
    write(folder, line.station().make("gw-1").made, line.station().make("gw-2").made)
    file = folder / "stations" / "S1" / "ledger.jsonl"
    data = file.read_bytes()
    file.write_bytes(data.replace(b"A-77", b"A-78"))

    status, said = sync(folder)

    assert (status, "changed" in said[-1]["error"]) == (4, True)
    assert plant.good("GET", "/factory")["stations"] == []


def test_what_is_not_taken_is_an_error_after_all_was_told(
    plant: Console, sync: Sync, folder: Path, line: Line
) -> None:
    good, other = line.station().make("gw-1").made, line.station().make("gw-2").made
    write(folder, replace(other, key="0" * 64), good)

    status, (said, error) = sync(folder)

    assert (status, error["error"]) == (5, "records that were not taken as they are: 1")
    assert said["stations"][0]["outcomes"] == {"new": 1, "refused": 1}
    assert plant.good("GET", "/devices/gw-1")["state"] == "accepted"


def test_what_can_not_be_reached_or_is_not_there_is_told(
    sync: Sync, folder: Path, line: Line
) -> None:
    write(folder, line.station().make("gw-1").made)

    assert sync(folder, url="https://127.0.0.1:9")[0] == 6
    assert sync(folder, "--station", "S7")[0] == 3
    assert sync(folder / "nowhere")[0] in (2, 3)


class AwayClient(Client):
    """A console that is away for a while, and then knows nothing."""

    def __init__(self, address: Address, away: int) -> None:
        super().__init__(address)
        self.away, self.asked = away, 0

    def send(self, method: str, path: str, body: object = None) -> Any:
        self.asked += 1
        if self.asked <= self.away:
            raise LinkError("no route")
        assert isinstance(body, dict)
        if path.endswith("lacking"):
            return {"contents": body["contents"]}
        return {"outcomes": [{"outcome": "new", "problem": ""} for _one in body["records"]]}


def test_a_line_that_is_offline_waits_and_tells_then_and_is_quiet_while_nothing_is_new(
    folder: Path, line: Line, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write(folder, line.station().make("gw-1").made)
    token = tmp_path / "token"
    token.write_text("t")
    client = AwayClient(Address("https://localhost", token), away=3)
    round_ = factory_sync.Round(folder, lines.read(folder), client, "", False, Output())
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        factory_sync.watch_line(round_, 60, sleep)

    assert waits[3:] == [60, 60, 60]
    assert all(1 <= one <= 8 for one in waits[:3])
    assert client.asked == 3 + 2
    said = capfd.readouterr()
    assert said.err.count("no route; again in") == 3
    assert said.out.count("S1") == 1
