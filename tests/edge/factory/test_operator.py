"""What an operator says to a station, and samples that say whether the station can be relied on."""

import hashlib
from collections.abc import Callable, Sequence

import pytest

from edge.factory.entry import Kind
from edge.factory.events import Event, Light, PortEvent, ScanEvent
from edge.factory.records import made_of
from edge.factory.simulated import Bench, Fault, SimulatedBoard
from tests.fakes.factory_line import (
    TESTED,
    TEXT,
    Person,
    Yard,
    ends,
    findings,
    line_of,
    made,
    ports,
)


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


class Unwatched(Bench):
    """Ports where nobody sees that a board was changed."""

    def is_watched(self, port: str) -> bool:
        return False


@pytest.mark.parametrize(("once", "says_next"), [(True, False), (False, True)])
def test_next_is_asked_for_where_there_is_a_next(once: bool, says_next: bool) -> None:
    yard = Yard(ports=("1",))
    bench = Unwatched(yard.ports, [SimulatedBoard("A")], yard.events.append)

    yard.at(bench, once=once, wanted=1).run()

    (good,) = ports(yard, Light.GOOD)
    assert good.advice.endswith("then say next") == says_next


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


class Sticker:
    """Scans labels when each port has its device, then ends the station."""

    def __init__(self, yard: Yard, scans: Callable[[Sequence[PortEvent]], list[str]]) -> None:
        self.yard, self.scans = yard, scans
        self.bench = Bench(yard.ports, [], self.look_on, is_quick=False)
        for port in yard.ports:
            self.bench.plug(port, SimulatedBoard(f"BOARD-{port}"))
        self.station = yard.at(self.bench)
        self.left = -1

    def look_on(self, event: Event) -> None:
        self.yard.events.append(event)
        good = ports(self.yard, Light.GOOD)
        if self.left < 0 and len(good) == len(self.yard.ports):
            scans = self.scans(sorted(good, key=lambda one: one.port))
            self.left = len(scans)
            for text in scans:
                self.station.scan(text)
        elif isinstance(event, ScanEvent):
            self.left -= 1
            if self.left == 0:
                self.station.stop()


def code_of(event: PortEvent) -> str:
    """Return what stands on the label of a simulated device."""
    key = hashlib.sha256(f"key of {event.unit}".encode()).hexdigest()
    return f"edge:1/gateway/{event.device}/{key[:24]}"


def test_a_label_that_is_scanned_back_is_right_or_wrong_and_that_is_recorded() -> None:
    yard = Yard(ports=("1", "2"))

    def scans(good: Sequence[PortEvent]) -> list[str]:
        first, second = (code_of(one) for one in good)
        return [
            first,
            f"{second} 2",
            f"{first} 2",
            first[:-24] + "0" * 24,
            "edge:1/gateway/gw-0099/" + "0" * 24,
            f"{first} 3",
            "edge:1/nonsense",
        ]

    Sticker(yard, scans).station.run()

    told = [one for one in yard.events if isinstance(one, ScanEvent)]
    assert [one.accepted for one in told] == [True, True, *[False] * 5]
    words = ("is right at 1", "is right at 2", "this is the label of", "earlier key", "at none of")
    more = ("no device waits", "no code of a label")
    assert all(word in one.note for word, one in zip((*words, *more), told, strict=True))
    found = [one.said.details for one in yard.entries() if one.said.details.get("shift") == "label"]
    assert [one["port"] for one in found] == ["1", "2", "2", "1", ""]
    assert ["wrong" in one for one in found] == [False, False, True, True, True]
    assert findings(yard) == []


def test_a_board_that_was_taken_out_waits_for_no_label() -> None:
    yard = Yard(ports=("1",))
    good: list[PortEvent] = []

    def look_on(event: Event) -> None:
        yard.events.append(event)
        match event:
            case PortEvent(light=Light.GOOD):
                good.append(event)
                bench.plug("1", None)
            case PortEvent(light=Light.EMPTY) if good:
                station.scan(code_of(good[0]))
            case ScanEvent():
                station.stop()
            case _:
                pass

    bench = Bench(yard.ports, [], look_on, is_quick=False)
    bench.plug("1", SimulatedBoard("A"))
    station = yard.at(bench)
    station.run()

    (told,) = (one for one in yard.events if isinstance(one, ScanEvent))
    assert (told.accepted, "no device waits" in told.note) == (False, True)


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
    bench.lay(order)

    station.run()

    kinds = [one.said.kind for one in yard.entries() if one.said.kind in (Kind.GOLDEN, Kind.START)]
    assert kinds == [Kind.GOLDEN, Kind.GOLDEN, Kind.START]
    assert made(yard) == {"gw-0001": "A"}


def test_a_golden_sample_that_is_not_as_expected_stops_the_line() -> None:
    yard = Yard(line_of(GOLDEN), ports=("1",))

    Person(yard).make(SimulatedBoard("DUD"), SimulatedBoard("REF"), SimulatedBoard("A"))

    assert made(yard) == {}
    assert any(one.advice == "do not make any: call for service" for one in ports(yard, Light.BAD))
