"""A station with eight ports: every board gets one record, whatever happens to it."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from edge.errors import EdgeError
from edge.factory.audit import Audit
from edge.factory.engine import Rule, apply, begun
from edge.factory.entry import Entry, Kind, Said
from edge.factory.events import Light, PortEvent, ScanEvent, StationEvent
from edge.factory.records import made_of
from edge.factory.simulated import HANGS, PULLED, SWAPPED, Bench, Fault, Lot, SimulatedBoard
from edge.factory.step_names import ORDER
from edge.factory.worker import event_of
from tests.fakes.factory_line import TEXT, Yard, line_of

TESTED = """
steps:
- {step: detect}
- {step: identity}
- {step: flash, retries: 1}
- {step: modem, run: [./modem], on_failure: ask, timeout_s: 1}
- {step: verify}
- {step: register}
"""


def findings(yard: Yard) -> list[str]:
    audit = Audit(yard.line, [yard.range])
    for entry in yard.entries():
        audit.take(entry)
    return audit.findings


def ends(yard: Yard) -> list[Entry]:
    return [one for one in yard.entries() if one.said.kind is Kind.END]


def made(yard: Yard) -> dict[str, str]:
    """Return the board of each good device."""
    return {one.device: one.board_serial for one in made_of(yard.entries())}


def ports(yard: Yard, light: Light) -> list[PortEvent]:
    return [one for one in yard.events if isinstance(one, PortEvent) and one.light is light]


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
    (refused,) = ports(yard, Light.BAD)
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


class Person:
    """Answers when a port asks."""

    def __init__(self, yard: Yard, *scans: str) -> None:
        self.scans: Iterator[str] = iter(scans)
        self.yard = yard
        self.bench = Bench(yard.ports, [], self.look_on)
        self.station = yard.at(self.bench)
        self.bench.stop = self.station.stop

    def look_on(self, event: Any) -> None:
        self.yard.events.append(event)
        if isinstance(event, PortEvent) and event.light is Light.ASKING:
            scan = next(self.scans, None)
            if scan is None:
                self.station.stop()
            else:
                self.station.scan(scan)

    def make(self, *boards: SimulatedBoard) -> None:
        self.bench._tray.extend(boards)
        self.station.run()


def test_a_person_is_asked_and_what_is_required_is_not_skipped() -> None:
    yard = Yard(line_of(TESTED), ports=("1",))
    failing = SimulatedBoard("A", (Fault("modem", times=2),))

    Person(yard, "retry", "skip").make(failing)

    (end,) = ends(yard)
    assert (end.said.details["result"], end.said.details["skipped"]) == ("good", ["modem"])
    answers = [
        one.said.details.get("answer") for one in yard.entries() if one.said.kind is Kind.STEP
    ]
    assert [one for one in answers if one] == ["retry", "skip"]


def test_a_person_may_give_a_board_up() -> None:
    yard = Yard(line_of(TESTED), ports=("1",))

    Person(yard, "fail").make(SimulatedBoard("A", (Fault("modem"),)))

    (end,) = ends(yard)
    assert (end.said.details["result"], end.said.details["reason"]) == (
        "failed",
        "modem: as foreseen",
    )


def test_without_anybody_to_answer_what_asks_has_failed() -> None:
    yard = Yard(line_of(TESTED), ports=("1",))
    bench = Bench(yard.ports, [SimulatedBoard("A", (Fault("modem"),))], yard.events.append)
    station = yard.at(bench, once=True)
    station.nobody_answers()

    assert station.run().failed == 1
    text = TEXT.replace("{range: gw-0001..gw-9999}", "{from: scanner}")
    unscanned = Yard(line_of(text=text), ports=("1",))
    station = unscanned.at(Bench(unscanned.ports, [SimulatedBoard("A")]), once=True)
    station.nobody_answers()
    assert station.run().failed == 1


def test_one_run_at_each_port_ends_also_where_a_board_is_refused() -> None:
    yard = Yard(ports=("1", "2"))
    yard.range = type(yard.range)("S1", 1, 1)
    bench = Bench(yard.ports, [SimulatedBoard("A"), SimulatedBoard("B")], is_quick=True)

    tally = yard.at(bench, once=True).run()

    assert (tally.good, tally.failed) == (1, 1)


def test_a_step_that_never_ends_is_not_waited_for() -> None:
    line = line_of(TESTED.replace("on_failure: ask, ", ""))
    yard = Yard(line, ports=("1",))

    yard.run([SimulatedBoard("A", (Fault("modem", HANGS),))])

    (end,) = ends(yard)
    assert end.said.details["reason"] == "modem: no end after 1 s"


def test_orders_and_operators_are_scanned_and_stand_in_the_records() -> None:
    yard = Yard(ports=("1",))
    bench = Bench(yard.ports, [SimulatedBoard("A")], yard.events.append)
    station = yard.at(bench, wanted=1)
    for text in ("operator Zoë", "order 4711", "\x00", "what is this", "retry"):
        station.scan(text)

    station.run()

    (record,) = made_of(yard.entries())
    assert (record.operator, record.order) == ("Zoë", "4711")
    scans = [one for one in yard.events if isinstance(one, ScanEvent)]
    assert [one.accepted for one in scans] == [True, True, False, False, False]


def test_ids_can_be_scanned_or_be_the_boards_own() -> None:
    scanned = Yard(
        line_of(
            text=TEXT.replace(
                "{range: gw-0001..gw-9999}", "{from: scanner, range: gw-0001..gw-9999}"
            )
        )
    )
    scanned.ports = ("1",)
    Person(scanned, "hello", "gw-0042").make(SimulatedBoard("A"))
    assert made(scanned) == {"gw-0042": "A"}

    own = Yard(
        line_of(text=TEXT.replace("{range: gw-0001..gw-9999}", "{from: serial, prefix: gw-}"))
    )
    own.run([SimulatedBoard("A17"), SimulatedBoard("b/ad"), SimulatedBoard("")])

    assert made(own) == {"gw-A17": "A17"}
    assert findings(own) == []


def test_a_scanned_id_is_taken_once() -> None:
    text = TEXT.replace("{range: gw-0001..gw-9999}", "{from: scanner}")
    yard = Yard(line_of(text=text), ports=("1",))

    Person(yard, "gw-7", "gw-7").make(SimulatedBoard("A"), SimulatedBoard("B"))

    assert made(yard) == {"gw-7": "A"}
    assert any("belongs to another board" in one.note for one in ports(yard, Light.ASKING))


def test_a_board_without_a_serial_number_is_known_by_the_one_that_is_scanned() -> None:
    yard = Yard(line_of("serials: scanner\n"), ports=("1",))
    mute = SimulatedBoard("", (Fault("verify"),), plugs=1)

    Person(yard, "A/17:x", "A/17:x").make(mute)

    assert [one.said.details["result"] for one in ends(yard)] == ["failed", "good"]
    assert made(yard) == {"gw-0001": "A/17:x"}
    assert findings(yard) == []


GOLDEN = TESTED + "golden: {good: [REF], bad: [DUD]}\n"


def test_nothing_is_made_before_the_golden_samples_were_as_expected() -> None:
    yard = Yard(line_of(GOLDEN), ports=("1", "2"))
    dud = SimulatedBoard("DUD", (Fault("modem", times=9),))
    bench = Bench(yard.ports, [], yard.events.append)
    station = yard.at(bench, wanted=1)
    bench.plug("1", SimulatedBoard("A"))
    order = [SimulatedBoard("REF"), dud]
    bench._tray.extend(order)

    station.run()

    kinds = [one.said.kind for one in yard.entries() if one.said.kind in (Kind.GOLDEN, Kind.START)]
    assert kinds == [Kind.GOLDEN, Kind.GOLDEN, Kind.START]
    assert made(yard) == {"gw-0001": "A"}


def test_a_golden_sample_that_is_not_as_expected_stops_the_line() -> None:
    yard = Yard(line_of(GOLDEN), ports=("1",))

    Person(yard).make(SimulatedBoard("DUD"), SimulatedBoard("REF"), SimulatedBoard("A"))

    assert made(yard) == {}
    assert any(one.advice == "do not make any: call for service" for one in ports(yard, Light.BAD))


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
