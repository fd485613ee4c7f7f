"""Rework keeps the id and retires the key; what is scrapped comes never again."""

import pytest

from edge.errors import RefusedError, ThingNotFoundError
from edge.factory import rework
from edge.factory.audit import Audit
from edge.factory.events import Light, PortEvent
from edge.factory.ids import Range
from edge.factory.made import Fate
from edge.factory.records import made_of
from edge.factory.simulated import Fault, SimulatedBoard
from tests.fakes.factory_line import Yard
from tests.fakes.ledger_disk import LedgerDisk


def yard_with(*boards: SimulatedBoard) -> Yard:
    yard = Yard(ports=("1",))
    yard.run(boards)
    return yard


def known(yard: Yard, device: str) -> rework.History:
    return rework.history(yard.entries(), yard.line, device)


def findings(*yards: Yard) -> list[str]:
    audit = Audit(yards[0].line, [one.range for one in yards])
    for yard in yards:
        for entry in yard.entries():
            audit.take(entry)
    return audit.findings


def test_a_device_that_is_made_again_keeps_its_id_and_retires_its_certificate() -> None:
    yard = yard_with(SimulatedBoard("A"), SimulatedBoard("B"))
    (before, _other) = made_of(yard.entries())
    rework.rework(yard.open(), known(yard, "gw-0001"), operator="Zoë", reason="new release")

    yard.run([SimulatedBoard("A"), SimulatedBoard("A")])

    again = [one for one in made_of(yard.entries()) if one.device == "gw-0001"]
    assert len(again) == 2
    assert again[1].board_serial == "A"
    assert again[1].key != before.key
    assert again[1].retired == (before.key[:32],)
    assert findings(yard) == []


def test_a_changed_board_gets_the_id_a_new_key_and_the_old_board_is_free() -> None:
    yard = yard_with(SimulatedBoard("A"))
    rework.rework(
        yard.open(), known(yard, "gw-0001"), operator="", reason="dead port", new_board=True
    )

    yard.run([SimulatedBoard("B"), SimulatedBoard("A"), SimulatedBoard("C")])

    made = [(one.device, one.board_serial, len(one.retired)) for one in made_of(yard.entries())]
    assert made == [
        ("gw-0001", "A", 0),
        ("gw-0001", "B", 1),
        ("gw-0002", "A", 0),
        ("gw-0003", "C", 0),
    ]
    assert findings(yard) == []


def test_a_changed_board_that_is_named_is_waited_for() -> None:
    yard = yard_with(SimulatedBoard("A"))
    rework.rework(
        yard.open(), known(yard, "gw-0001"), operator="", reason="", new_board=True, serial="C"
    )

    yard.run([SimulatedBoard("B"), SimulatedBoard("C")])

    assert [one.device for one in made_of(yard.entries())] == ["gw-0001", "gw-0002", "gw-0001"]


def test_another_station_can_make_a_device_again() -> None:
    first = yard_with(SimulatedBoard("A"))
    second = Yard(ports=("1",), station="S2", disk=LedgerDisk(), range=Range("S2", 501, 600))
    rework.rework(second.open(), known(first, "gw-0001"), operator="", reason="")

    second.run([SimulatedBoard("A"), SimulatedBoard("B")])

    made = list(made_of(second.entries()))
    assert [(one.device, len(one.retired)) for one in made] == [("gw-0001", 1), ("gw-0501", 0)]
    assert findings(first, second) == []


def test_a_scrapped_device_is_refused_and_told_to_the_console() -> None:
    yard = yard_with(SimulatedBoard("A"))
    entry = rework.scrap(yard.open(), known(yard, "gw-0001"), operator="Zoë", reason="fell down")

    yard.run([SimulatedBoard("A")])

    *_before, last = made_of(yard.entries())
    assert (last.fate, last.number, last.operator) == (Fate.SCRAPPED, entry.n, "Zoë")
    assert last.retired == (last.key[:32],)
    bad = [one for one in yard.events if isinstance(one, PortEvent) and one.light is Light.BAD]
    assert any("was scrapped" in one.note for one in bad)
    with pytest.raises(RefusedError):
        rework.scrap(yard.open(), known(yard, "gw-0001"), operator="", reason="")
    with pytest.raises(RefusedError):
        rework.rework(yard.open(), known(yard, "gw-0001"), operator="", reason="")


def test_what_was_scrapped_before_it_was_good_is_told_if_it_has_a_certificate() -> None:
    yard = yard_with(
        SimulatedBoard("A", (Fault("flash"),)), SimulatedBoard("B", (Fault("detect"),))
    )
    for device in ("gw-0001", "gw-0002"):
        rework.scrap(yard.open(), known(yard, device), operator="", reason="dead")

    made = list(made_of(yard.entries()))

    assert [(one.device, one.fate) for one in made] == [("gw-0001", Fate.SCRAPPED)]


def test_a_device_that_nobody_made_is_not_found() -> None:
    yard = yard_with(SimulatedBoard("A"))

    with pytest.raises(ThingNotFoundError):
        known(yard, "gw-0002")
    with pytest.raises(RefusedError, match="the board that it has"):
        rework.rework(
            yard.open(), known(yard, "gw-0001"), operator="", reason="", new_board=True, serial="A"
        )
