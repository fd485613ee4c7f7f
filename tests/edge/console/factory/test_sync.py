"""A line tells a real console what it has made, over a connection that breaks."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge.console.client import Address, Client
from edge.console.factory import sync
from edge.console.factory.outcome import Outcome
from edge.console.factory.sync import Told
from edge.errors import LinkError, ServerError
from edge.factory.made import Made
from tests.edge.console.factory.conftest import call
from tests.fakes.console import Console, sql
from tests.fakes.made_line import Line


class BreakingClient(Client):
    """Breaks off after so many requests: before one is sent, or before its answer is heard.

    Attributes:
        sizes: How long the requests were.
    """

    def __init__(self, address: Address, *, after: int = 99, is_done: bool = False) -> None:
        super().__init__(address)
        self._left, self._is_done = after, is_done
        self.sizes: list[int] = []

    def send(self, method: str, path: str, body: object = None) -> Any:
        self._left -= 1
        self.sizes.append(len(json.dumps(body)))
        if self._left < 0 and not self._is_done:
            raise LinkError("the connection was lost")
        found = super().send(method, path, body)
        if self._left < 0:
            raise LinkError("the connection was lost")
        return found


@pytest.fixture
def address(plant: Console, station_token: str, tmp_path: Path) -> Address:
    file = tmp_path / "line.token"
    file.write_text(station_token)
    return Address(plant.api_url, file, plant.site.authority)


def ledger(line: Line, count: int = 8) -> list[Made]:
    """Return what a station has made; its devices share a key, but one, to be made quickly."""
    return [line.station().make(f"gw-{number}").made for number in range(count)]


def tell(client: Client, made: list[Made], **words: Any) -> Told:
    return sync.tell(client, "hall-3", "S1", made, **words)


def test_a_sync_that_breaks_anywhere_goes_on_where_it_was(
    address: Address, plant: Console, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "ASKED_MOST", 3)
    monkeypatch.setattr(sync, "SENT_MOST", 2)
    made = ledger(line)
    for after in range(4):
        for is_done in (False, True):
            with pytest.raises(LinkError):
                tell(BreakingClient(address, after=after, is_done=is_done), made)

    told = tell(BreakingClient(address), made)

    assert (told.records, told.here + told.sent, told.bad) == (8, 8, 0)
    assert told.here > 0
    assert plant.good("GET", "/factory")["stations"][0]["good"] == 8
    again = tell(BreakingClient(address), made)
    assert (again.here, again.sent) == (8, 0)


def test_a_trial_sends_nothing_and_what_was_forgotten_is_told_again(
    address: Address, plant: Console, line: Line, tmp_path: Path
) -> None:
    device = line.station().make("gw-1")

    assert tell(Client(address), [device.made], is_trial=True).sent == 1
    assert plant.good("GET", "/devices")["devices"] == []
    tell(Client(address), [device.made])
    for table in ("factory_records", "sightings", "certificates", "devices"):
        sql(plant.running.office.database, f"delete from {table}")  # an older backup
    assert tell(Client(address), [device.made]).outcomes == {Outcome.NEW: 1}
    assert call(plant, device, tmp_path) == 200


def test_what_is_not_taken_is_told_with_its_reason(address: Address, line: Line) -> None:
    good, other = ledger(line, 2)
    wrong = replace(other, key="0" * 64)

    told = tell(Client(address), [good, wrong])

    assert told.outcomes == {Outcome.NEW: 1, Outcome.REFUSED: 1}
    (problem,) = told.problems
    assert (problem.device, problem.number) == ("gw-1", wrong.number)
    assert told.to_json()["problems"] == [
        {
            "device": "gw-1",
            "number": wrong.number,
            "outcome": "refused",
            "problem": "certificate: of another key than the record says",
        }
    ]


def test_no_request_is_longer_than_the_console_takes(address: Address, line: Line) -> None:
    made = line.station().make("gw-1").made
    tests = {f"test-{number}": "é" * 128 for number in range(64)}
    long = [replace(made, number=number, tests=tests) for number in range(1, 60)]
    client = BreakingClient(address)

    told = tell(client, long)

    assert told.sent == 59
    assert max(client.sizes) < 1 << 20
    assert len(client.sizes) > 2


def test_a_console_that_answers_something_else_is_an_error(address: Address, line: Line) -> None:
    class OddClient(Client):
        def send(self, method: str, path: str, body: object = None) -> Any:
            assert isinstance(body, dict)
            return {"contents": body.get("contents"), "outcomes": []}

    def each() -> Iterator[Made]:
        yield line.station().make("gw-1").made

    with pytest.raises(ServerError, match="0 outcomes of 1 records"):
        sync.tell(OddClient(address), "hall-3", "S1", each())
