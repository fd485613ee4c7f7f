"""What records of a line change, and what they can not."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import Connection

from edge.console.audit import Actor
from edge.console.desk import Via
from edge.console.devices import certificates, papers, quarantine, registry
from edge.console.devices.certificates import Certificate
from edge.console.devices.papers import Number
from edge.console.devices.states import State
from edge.console.factory import knocking, records, taking
from edge.console.factory.outcome import Outcome
from edge.console.factory.taking import Taken
from edge.console.front_desk import _store_seen
from edge.console.store.database import Database
from edge.factory.made import Fate, Made
from tests.edge.console.factory.conftest import NOW_S, THEM, US, know
from tests.fakes.made_line import Device, Line, serial_of


def take(fleet: Database, *made: Made, actor: Actor = US, listed: tuple[Number, ...] = ()) -> Taken:
    """Take records; return what became of the last one."""

    def step(connection: Connection) -> list[Taken]:
        return [taking.take(connection, actor, one, listed) for one in made]

    return fleet.write_now(step)[-1]


def shown(device: Device) -> Certificate:
    return certificates.of_device(certificates.der_of(device.certificate))


def knock(
    fleet: Database, device: Device, line: Line | None = None, listed: tuple[Number, ...] = ()
) -> State | None:
    """Let a device call, with the certificate of its station above its own if a line is given."""
    between = [line.station().signer.certificate] if line else []

    def meet(connection: Connection) -> State | None:
        one = shown(device)
        return knocking.meet(connection, one, NOW_S, between=between, listed=listed)

    return fleet.write_now(meet)


def state(fleet: Database, device: str) -> State | None:
    return fleet.read_now(lambda c: registry.state_of(c, "us", device))


def reasons(fleet: Database) -> list[tuple[str, str]]:
    found = fleet.read_now(lambda c: quarantine.of(c, "us"))
    return [(one.device, str(one.reason)) for one in found]


def test_a_recorded_device_is_let_in_at_its_first_contact(fleet: Database, line: Line) -> None:
    device = line.station().make("gw-1")

    taken = take(fleet, device.made)

    assert (taken.outcome, taken.has_moved) == (Outcome.NEW, True)
    assert taken.authority == line.station().signer.certificate
    assert knock(fleet, device) is State.ACCEPTED


def test_the_same_record_again_changes_nothing(fleet: Database, line: Line) -> None:
    made = line.station().make("gw-1").made
    take(fleet, made)

    assert take(fleet, made) == Taken(Outcome.SAME)
    assert len(fleet.read_now(lambda c: records.of_device(c, "us", "gw-1"))) == 1


def test_a_device_without_a_record_waits_in_quarantine_until_it_comes(
    fleet: Database, line: Line
) -> None:
    device = line.station().make("gw-1")

    assert [knock(fleet, device, line), knock(fleet, device)] == [State.QUARANTINED] * 2
    assert reasons(fleet) == [("gw-1", "unrecorded")]
    assert take(fleet, device.made).outcome is Outcome.NEW
    assert (state(fleet, "gw-1"), reasons(fleet)) == (State.ACCEPTED, [])


def test_a_device_of_a_stranger_s_station_is_nobody(fleet: Database, line: Line) -> None:
    other = Line("elsewhere")

    assert knock(fleet, other.station().make("gw-1"), other) is None
    assert state(fleet, "gw-1") is None


def test_who_is_let_out_of_quarantine_by_a_person_stays_when_the_record_comes(
    fleet: Database, line: Line
) -> None:
    device = line.station().make("gw-1")
    knock(fleet, device, line)
    fleet.write_now(lambda c: registry.accept(c, US, "gw-1"))

    taken = take(fleet, device.made)

    assert (taken.outcome, taken.has_moved, reasons(fleet)) == (Outcome.NEW, False, [])
    assert state(fleet, "gw-1") is State.ACCEPTED


@pytest.mark.parametrize("act", ["revoke", "decommission"])
def test_whom_a_person_put_out_no_record_lets_in(fleet: Database, line: Line, act: str) -> None:
    device = line.station().make("gw-1")
    take(fleet, device.made)
    fleet.write_now(lambda c: getattr(registry, act)(c, US, "gw-1"))
    before = state(fleet, "gw-1")
    again = line.station().make("gw-1")

    take(fleet, line.station().again(device))
    take(fleet, replace(again.made, retired=(serial_of(device),)))

    assert state(fleet, "gw-1") is before
    assert knock(fleet, again) is not State.ACCEPTED


def test_a_record_of_another_certificate_than_the_waiting_device_has_lets_nobody_in(
    fleet: Database, line: Line
) -> None:
    impostor, device = line.station().make("gw-1"), line.station().make("gw-1")
    knock(fleet, impostor, line)

    taken = take(fleet, device.made)

    assert (taken.outcome, reasons(fleet)) == (Outcome.CONFLICT, [("gw-1", "unlike")])
    assert state(fleet, "gw-1") is State.QUARANTINED
    assert knock(fleet, device) is None


def test_a_scrapped_device_is_refused(fleet: Database, line: Line) -> None:
    known, unknown = line.station().make("gw-1"), line.station().make("gw-2", fate=Fate.SCRAPPED)
    take(fleet, known.made, line.station().again(known, fate=Fate.SCRAPPED), unknown.made)

    assert [state(fleet, name) for name in ("gw-1", "gw-2")] == [State.DECOMMISSIONED] * 2
    assert [knock(fleet, one) for one in (known, unknown)] == [None, None]


def test_a_board_that_was_scrapped_before_it_had_a_key_is_stored(
    fleet: Database, line: Line
) -> None:
    made = replace(
        line.station().make("gw-1").made,
        fate=Fate.SCRAPPED,
        certificate="",
        key="",
        image="",
        release="",
    )

    assert take(fleet, Made.from_json(made.to_json(), "test")).outcome is Outcome.NEW
    assert state(fleet, "gw-1") is State.DECOMMISSIONED


def test_a_line_does_not_put_out_for_good_what_has_called(fleet: Database, line: Line) -> None:
    device = line.station().make("gw-1")
    take(fleet, device.made)
    fleet.write_now(lambda c: _store_seen(c, {("us", "gw-1"): (NOW_S, Via.HTTP)}))

    take(fleet, line.station().again(device, fate=Fate.SCRAPPED))

    assert (state(fleet, "gw-1"), reasons(fleet)) == (State.QUARANTINED, [("gw-1", "scrapped")])
    fleet.write_now(lambda c: registry.accept(c, US, "gw-1"))
    assert (state(fleet, "gw-1"), reasons(fleet)) == (State.ACCEPTED, [])


def test_what_was_scrapped_can_be_made_anew_with_another_key(fleet: Database, line: Line) -> None:
    device = line.station().make("gw-1")
    take(fleet, device.made, line.station().again(device, fate=Fate.SCRAPPED))
    anew = line.station().make("gw-1", retired=(serial_of(device),))

    assert take(fleet, anew.made).outcome is Outcome.NEWER
    assert [knock(fleet, anew), knock(fleet, device)] == [State.ACCEPTED, None]


def test_a_changed_board_takes_the_place_and_the_old_certificate_is_refused(
    fleet: Database, line: Line
) -> None:
    old = line.station().make("gw-1")
    take(fleet, old.made)
    new = line.station().make("gw-1", retired=(serial_of(old),))

    assert take(fleet, new.made).outcome is Outcome.NEWER
    assert [knock(fleet, new), knock(fleet, old)] == [State.ACCEPTED, None]
    found = fleet.read_now(lambda c: records.of_device(c, "us", "gw-1"))
    assert [str(one.standing) for one in found] == ["newest", "past"]


def test_a_retired_certificate_that_was_never_seen_is_refused(fleet: Database, line: Line) -> None:
    lost, device = line.station().make("gw-1"), line.station().make("gw-1")
    take(fleet, replace(device.made, retired=(serial_of(lost),)))

    assert knock(fleet, lost, line) is None
    assert knock(fleet, device) is State.ACCEPTED


def test_another_station_of_the_line_can_rework_what_it_has_in_hand(
    fleet: Database, line: Line
) -> None:
    device = line.station("S1").make("gw-1")
    other = line.station("S2")
    other.number = 50
    take(fleet, device.made)

    assert take(fleet, other.again(device)).outcome is Outcome.NEWER
    new = other.make("gw-1", retired=(serial_of(device),))
    assert take(fleet, new.made).outcome is Outcome.NEWER
    assert knock(fleet, new) is State.ACCEPTED


def test_records_that_come_in_another_order_end_the_same(fleet: Database, line: Line) -> None:
    old = line.station("S1").make("gw-1")
    other = line.station("S2")
    other.number = 50
    new = other.make("gw-1", retired=(serial_of(old),))

    assert take(fleet, new.made).outcome is Outcome.NEW
    assert take(fleet, old.made).outcome is Outcome.OLDER
    assert [knock(fleet, new), knock(fleet, old)] == [State.ACCEPTED, None]


def _with_another_key(line: Line, _first: Device) -> Made:
    station = line.station("S2")
    station.number = 50
    return station.make("gw-1").made


def _under_the_same_number(line: Line, first: Device) -> Made:
    return replace(line.station().again(first), number=first.made.number, operator="al")


def _with_the_key_of_another(line: Line, first: Device) -> Made:
    return line.station().make("gw-2", private=first.key).made


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        pytest.param(_with_another_key, "with another key", id="another station"),
        pytest.param(_under_the_same_number, "something else as number 3", id="forked ledger"),
        pytest.param(_with_the_key_of_another, "the key of gw-1", id="key of another device"),
    ],
)
def test_what_conflicts_is_shown_and_changes_nothing(
    fleet: Database, line: Line, said: Callable[[Line, Device], Made], problem: str
) -> None:
    first = line.station().make("gw-1")
    take(fleet, first.made)
    made = said(line, first)

    taken = take(fleet, made)

    assert (taken.outcome, taken.has_moved) == (Outcome.CONFLICT, False)
    assert problem in taken.problem
    assert take(fleet, made) == Taken(Outcome.CONFLICT, taken.problem)
    assert knock(fleet, first) is State.ACCEPTED
    assert state(fleet, "gw-2") is None
    conflicts = fleet.read_now(lambda c: records.conflicts(c, "us", 9))
    assert [one.problem for one in conflicts] == [taken.problem]
    fleet.write_now(lambda c: records.dismiss(c, "us", conflicts[0].id))
    assert fleet.read_now(lambda c: records.conflicts(c, "us", 9)) == []


def test_another_line_does_not_take_a_device_over(fleet: Database, line: Line) -> None:
    first = line.station().make("gw-1")
    take(fleet, first.made)
    copy = replace(line.station("S9").again(first), line="hall-4")

    assert take(fleet, copy).problem == "line hall-3 has made it already"


def test_a_station_that_was_revoked_brings_nothing_and_its_devices_are_nobody(
    fleet: Database, line: Line
) -> None:
    station = line.station().signer.certificate
    listed = (papers.number_of(station.serial_number, line.root.certificate),)
    device = line.station().make("gw-1")

    assert "revoked" in take(fleet, device.made, listed=listed).problem
    assert knock(fleet, device, line, listed) is None


def test_a_record_for_another_tenant_is_refused(fleet: Database, line: Line) -> None:
    device = line.station().make("gw-1")

    assert take(fleet, device.made, actor=THEM).outcome is Outcome.REFUSED
    take(fleet, device.made)
    assert take(fleet, device.made, actor=THEM).problem == "gw-1: the id is taken"


def test_only_what_is_not_here_is_told_to_be_lacking(fleet: Database, line: Line) -> None:
    here, lost = line.station().make("gw-1").made, line.station().make("gw-2").made
    take(fleet, here)
    wanted = [one.content() for one in (here, lost)]

    found = fleet.read_now(lambda c: records.lacking(c, "us", "hall-3", "S1", wanted))

    assert found == wanted[1:]
    assert fleet.read_now(lambda c: records.lacking(c, "them", "hall-3", "S1", wanted)) == wanted


def test_stations_and_days_are_counted(database: Database, line: Line) -> None:
    know(database, line)
    fleet = database
    first, second = line.station().make("gw-1"), line.station().make("gw-2")
    take(fleet, first.made, second.made, line.station().again(second, fate=Fate.SCRAPPED))

    (station,) = fleet.read_now(lambda c: records.stations(c, "us"))

    assert (station.good, station.scrapped, station.last_sync_s) == (1, 1, NOW_S)
    days = fleet.read_now(lambda c: records.days(c, "us", 0))
    assert [(name, count) for _at_s, name, count in days] == [("hall-3", 1)]
