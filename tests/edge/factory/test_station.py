"""A station with eight ports: every board gets one record, whatever happens to it."""

import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from edge.errors import EdgeError
from edge.factory.engine import Rule, apply, begun
from edge.factory.entry import Kind, Said
from edge.factory.events import Light, PortEvent, StationEvent
from edge.factory.simulated import HANGS, PULLED, SWAPPED, Bench, Fault, Lot, SimulatedBoard
from edge.factory.step_names import ORDER
from edge.factory.worker import event_of
from tests.fakes.factory_line import TESTED, Yard, ends, findings, line_of, made, ports
from tests.fakes.ledger_disk import LedgerDisk


def test_a_tray_of_boards_that_fail_in_every_way_is_made_good_in_the_end() -> None:
    yard = Yard()
    boards = Lot(7, 60, percent=50).boards()

    tally = yard.run(boards)

    assert tally.good == 60
    assert sorted(made(yard).values()) == sorted(one.serial for one in boards)
    assert findings(yard) == []
    assert tally.failed == sum(one.said.details["result"] == "failed" for one in ends(yard))


@pytest.mark.parametrize("kind", ["", PULLED, SWAPPED])
@pytest.mark.parametrize("step", ORDER)
def test_a_board_that_fails_in_a_step_is_not_good_and_goes_on_with_its_id(
    step: str, kind: str
) -> None:
    yard = Yard(ports=("1",))
    bad = SimulatedBoard("BAD", (Fault(step, kind),), plugs=1)

    tally = yard.run([bad, SimulatedBoard("NEXT")])

    assert (tally.good, tally.failed) == (2, 1)
    failed, *_rest = ends(yard)
    assert (failed.said.details["result"], failed.said.details["step"]) == ("failed", step)
    assert made(yard) == {"gw-0001": "BAD", "gw-0002": "NEXT"}
    assert findings(yard) == []


def test_a_failed_step_is_tried_as_often_as_the_line_says() -> None:
    yard = Yard(line_of(TESTED), ports=("1",))

    tally = yard.run([SimulatedBoard("A", (Fault("flash"),)), SimulatedBoard("B")])

    assert (tally.good, tally.failed, tally.first_pass) == (2, 0, 1)
    attempts = [
        one.said.details["attempt"]
        for one in yard.entries()
        if one.said.details.get("step") == "flash"
    ]
    assert attempts == [1, 2, 1]


def test_one_board_in_two_ports_is_one_run() -> None:
    yard = Yard(ports=("1", "2"))
    board = SimulatedBoard("TWICE", slow_s=0.02)

    def look_on(event: Any) -> None:
        yard.events.append(event)
        if isinstance(event, PortEvent) and event.light is Light.GOOD:
            bench.stop()

    bench = Bench(yard.ports, [], look_on, is_quick=False)
    for port in yard.ports:
        bench.plug(port, board)

    yard.run([], bench=bench)

    assert [one.said.device for one in ends(yard)] == ["gw-0001"]
    (refused,) = ports(yard, Light.ASKING)
    assert "under way at 1" in refused.note


def test_a_board_that_is_done_is_not_made_again() -> None:
    yard = Yard(ports=("1",))
    yard.run([SimulatedBoard("A")])

    yard.run([SimulatedBoard("A"), SimulatedBoard("B")])

    assert made(yard) == {"gw-0001": "A", "gw-0002": "B"}
    assert any("done already" in one.note for one in ports(yard, Light.GOOD))


def test_the_ledger_replayed_gives_what_the_station_told() -> None:
    yard = Yard()
    yard.run(Lot(3, 20, percent=60).boards())
    rules = tuple(Rule(one.step, one.retries, one.on_failure) for one in yard.line.steps)
    runs = {}

    for one in yard.entries():
        if one.said.kind is Kind.START:
            runs[one.said.unit] = begun(rules)
        elif one.said.kind is Kind.STEP:
            runs[one.said.unit] = apply(runs[one.said.unit], event_of(one.said.details))

    told = {one.said.unit: one.said.details["result"] for one in ends(yard)}
    assert {unit: str(run.state) for unit, run in runs.items()} == told


def test_what_is_told_of_a_port_is_in_the_ledger_before() -> None:
    yard = Yard(ports=("1",))
    late: list[PortEvent] = []

    def look_on(event: Any) -> None:
        last = yard.disk.ledger.splitlines()[-1].decode() if yard.disk.ledger else ""
        is_good = isinstance(event, PortEvent) and event.light is Light.GOOD
        if is_good and f'"unit":"{event.unit}"' not in last:
            late.append(event)

    yard.run([], bench=Bench(yard.ports, Lot(1, 5, 0).boards(), look_on))

    assert len(ends(yard)) == 5
    assert late == []


def test_an_id_is_in_the_ledger_before_it_is_used() -> None:
    yard = Yard(ports=("1",))
    seen: list[bool] = []

    class Watching(Bench):
        def strike(self, job: Any, step: str) -> None:
            seen.append(f'"device":"{job.device}"'.encode() in yard.disk.ledger)
            super().strike(job, step)

    yard.run([], bench=Watching(yard.ports, [SimulatedBoard("A")]))

    assert len(seen) == len(ORDER)
    assert all(seen)


def test_a_step_that_never_ends_is_not_waited_for() -> None:
    line = line_of(TESTED.replace("on_failure: ask, ", ""))
    yard = Yard(line, ports=("1",))

    yard.run([SimulatedBoard("A", (Fault("modem", HANGS),))])

    (end,) = ends(yard)
    assert end.said.details["reason"] == "modem: no end after 1 s"


def test_a_station_without_ids_says_so_and_makes_nothing() -> None:
    yard = Yard(ports=("1",))
    yard.range = type(yard.range)("S1", 1, 2)

    tally = yard.run(Lot(1, 3, 0).boards())

    assert tally.good == 2
    assert any("no ids left" in one.note for one in ports(yard, Light.BAD))
    last = [one for one in yard.events if isinstance(one, StationEvent)][-1]
    assert (last.good, last.left) == (2, 0)


def test_a_station_that_is_stopped_leaves_nothing_half() -> None:
    yard = Yard()
    bench = Bench(yard.ports, [SimulatedBoard(f"A{one}", slow_s=5) for one in range(8)])
    station = yard.at(bench)
    threading.Timer(0.1, station.stop).start()
    begun_s = time.monotonic()

    station.run()

    assert time.monotonic() - begun_s < 3
    assert [one.said.details["reason"] for one in ends(yard)] == ["the station was stopped"] * 8
    assert yard.open().index.open == {}


def test_a_step_that_has_a_bug_ends_the_station_and_the_next_start_ends_its_runs() -> None:
    yard = Yard(ports=("1", "2"))

    class Buggy(Bench):
        def strike(self, job: Any, step: str) -> None:
            if step == "flash":
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        yard.run([], bench=Buggy(yard.ports, [SimulatedBoard("A")]))
    yard.run([SimulatedBoard("A")])

    assert [one.said.details["result"] for one in ends(yard)] == ["failed", "good"]
    assert made(yard) == {"gw-0001": "A"}


def test_a_good_end_that_can_not_be_written_is_not_told() -> None:
    class Full(LedgerDisk):
        def append(self, data: bytes) -> None:
            if b'"result":"good"' in data:
                raise OSError(28, "No space left on device")
            super().append(data)

    yard = Yard(ports=("1",), disk=Full())

    with pytest.raises(EdgeError, match="No space left"):
        yard.run([SimulatedBoard("A")])

    assert ports(yard, Light.GOOD) == []


@pytest.mark.parametrize("after", range(0, 30, 2))
def test_a_full_disk_ends_the_station_and_nothing_is_good_that_is_not_written(after: int) -> None:
    class Full(LedgerDisk):
        def append(self, data: bytes) -> None:
            if self.writes >= after:
                raise OSError(28, "No space left on device")
            super().append(data)

    yard = Yard(ports=("1", "2"), disk=Full())

    with pytest.raises(EdgeError, match="No space left"):
        yard.run([SimulatedBoard(f"A{one}") for one in range(9)])

    told = [one for one in ports(yard, Light.GOOD) if one.unit]
    yard.disk = yard.disk.again()
    assert {one.device for one in told} <= set(made(yard))
    yard.run([SimulatedBoard(f"A{one}") for one in range(9)])
    assert sorted(made(yard).values()) == [f"A{one}" for one in range(9)]


def test_a_hub_that_is_gone_is_told_and_the_line_goes_on_when_it_is_back() -> None:
    yard = Yard(ports=("1",))
    looks = Counter[str]()

    class Gone(Bench):
        def look(self, busy: frozenset[str] = frozenset()) -> Mapping[str, Any]:
            looks["all"] += 1
            if looks["all"] in (1, 2):
                raise EdgeError("the hub is gone")
            return super().look(busy)

    tally = yard.run(
        [], bench=Gone(yard.ports, [SimulatedBoard("A")], yard.events.append), wanted=1
    )

    assert tally.good == 1
    assert any(
        isinstance(one, StationEvent) and one.note == "the hub is gone" for one in yard.events
    )


def test_the_audit_finds_what_was_added_by_hand() -> None:
    yard = Yard(ports=("1",))
    yard.run([SimulatedBoard("A")])
    good = ends(yard)[0].said
    books = yard.open()
    forged = {**good.details, "key": "0" * 64}
    books.ledger.append(Said(Kind.START, "S1-99", "gw-0700", details={"board_serial": "A"}))
    books.ledger.append(Said(Kind.END, "S1-99", "gw-0700", details=forged))

    found = "\n".join(findings(yard))

    for words in (
        "is none of the ids of S1",
        "the board with serial number A is gw-0001",
        "flash never passed",
        "another key than it was given",
    ):
        assert words in found
