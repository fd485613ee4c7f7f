"""What a stolen key of a station makes beyond its grant: told by records, or shown by devices."""

from functools import partial
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from edge.console import tenants
from edge.console.devices import certificates
from edge.console.devices.states import State
from edge.console.factory import knocking
from edge.console.factory.outcome import Outcome
from edge.console.store.database import Database
from edge.factory.identity import authority, naming, sealing
from edge.factory.identity.station import StationAuthority
from edge.factory.made import Made
from tests.edge.console.factory.conftest import NOW_S, US
from tests.edge.console.factory.test_taking import state, take
from tests.edge.factory.identity.conftest import NOW, YEAR, Line
from tests.fakes.made_line import Line as OldLine
from tests.fakes.made_line import key_of, pem_of


@pytest.fixture
def stolen(fleet: Database, tmp_path: Path) -> StationAuthority:
    """The station S1 of a factory that the console knows: 3 devices gw-*."""
    uri = f"file:{tmp_path}/ca.pem"
    line = Line(authority.create(tmp_path / "line", uri, product="gateway", now=NOW))
    root = line.factory.certificate
    fleet.write_now(partial(tenants.add_authority, actor=US, certificate=root))
    return line.station()


def _signed(station: StationAuthority, device: str) -> x509.Certificate:
    """Return what somebody with the key of a station can sign."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    name = naming.device("gateway", "S1", device)
    above = station.certificate.subject
    made = authority.draft(name, above, key, now=NOW, end=NOW + YEAR)
    made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    made = made.add_extension(naming.IS_DEVICE, critical=True)
    return sealing.certificate(made, station.signer)


def _record(station: StationAuthority, device: str, number: int) -> Made:
    made = OldLine().station().make(device).made
    leaf = _signed(station, device)
    content = made.to_json() | {
        "key": key_of(leaf),
        "certificate": pem_of(leaf, station.certificate),
        "number": number,
        "fate": made.fate,
        "retired": (),
    }
    return Made(**content)


def _shown(fleet: Database, station: StationAuthority, device: str) -> State | None:
    leaf = certificates.of_device(certificates.der_of(_signed(station, device)))
    between = (station.certificate,)
    return fleet.write_now(lambda one: knocking.meet(one, leaf, NOW_S, between=between))


def test_records_end_with_the_number_of_the_grant(
    fleet: Database, stolen: StationAuthority
) -> None:
    records = [_record(stolen, f"gw-{number}", number) for number in range(1, 5)]

    found = [take(fleet, one).outcome for one in records]

    assert found == [Outcome.NEW] * 3 + [Outcome.REFUSED]
    assert "may make 3 devices, and has" in take(fleet, records[3]).problem
    assert state(fleet, "gw-4") is None
    assert take(fleet, records[0]).outcome is Outcome.SAME


def test_no_more_devices_wait_for_records_than_a_station_may_make(
    fleet: Database, stolen: StationAuthority
) -> None:
    found = [_shown(fleet, stolen, f"gw-{number}") for number in range(5)]

    assert found == [State.QUARANTINED] * 3 + [None] * 2


def test_devices_that_wait_take_no_room_of_those_that_are_recorded(
    fleet: Database, stolen: StationAuthority
) -> None:
    for number in range(5):
        _shown(fleet, stolen, f"gw-{number}")

    assert take(fleet, _record(stolen, "gw-9", 1)).outcome is Outcome.NEW


def test_ids_of_other_stations_are_refused(fleet: Database, stolen: StationAuthority) -> None:
    assert _shown(fleet, stolen, "other-1") is None
    assert _shown(fleet, stolen, "gw-1") is State.QUARANTINED
    assert _shown(fleet, stolen, "other-2") is None

    taken = take(fleet, _record(stolen, "other-3", 1))

    assert taken.outcome is Outcome.REFUSED
    assert "makes gw-* only" in taken.problem
