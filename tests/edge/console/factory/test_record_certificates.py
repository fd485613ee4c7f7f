"""Certificates that records bring: what does not hold is refused, and nothing of it is stored."""

from dataclasses import replace
from datetime import timedelta

from cryptography import x509
from cryptography.x509.oid import NameOID

from edge.console.devices.states import State
from edge.console.factory import records
from edge.console.factory.outcome import Outcome
from edge.console.store.database import Database
from edge.factory.made import Made
from tests.edge.console.factory.test_taking import knock, state, take
from tests.fakes.made_line import NOW, Line, pem_of, serial_of


def _other_authority(_line: Line) -> Made:
    return Line("hall-3").station().make("gw-1").made


def _other_name(line: Line) -> Made:
    return replace(line.station().make("gw-2").made, device="gw-1")


def _other_key(line: Line) -> Made:
    return replace(line.station().make("gw-1").made, key="0" * 64)


def _no_chain(line: Line) -> Made:
    device = line.station().make("gw-1")
    return replace(device.made, certificate=pem_of(device.certificate))


def _of_other_station(line: Line) -> Made:
    device = line.station().make("gw-1")
    chain = pem_of(device.certificate, line.station("S2").signer.certificate)
    return replace(device.made, certificate=chain)


def _sub_authority(line: Line) -> Made:
    return line.station("S3", path_length=None).make("gw-1").made


def _garbage(line: Line) -> Made:
    return replace(line.station().make("gw-1").made, certificate="-----BEGIN CERTIFICATE-----\nx\n")


def _three(line: Line) -> Made:
    made = line.station().make("gw-1").made
    return replace(made, certificate=made.certificate + pem_of(line.root.certificate))


def _retires_itself(line: Line) -> Made:
    device = line.station().make("gw-1")
    return replace(device.made, retired=(serial_of(device),))


def _outside_names(line: Line) -> Made:
    names = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "other")])
    allowed = x509.NameConstraints([x509.DirectoryName(names)], None)
    return line.station("S5", constraints=allowed).make("gw-1").made


def _outside_prefix(line: Line) -> Made:
    return line.station("S6", prefix="cam-").make("gw-1").made


def _after_the_grant(line: Line) -> Made:
    return line.station("S7", until=NOW - timedelta(days=1)).make("gw-1").made


def _other_product(line: Line) -> Made:
    return replace(line.station().make("gw-1").made, product="camera")


def _no_grant(line: Line) -> Made:
    station = line.station("S8")
    signed = station.signer.certificate
    without = line.root.sign(
        signed.subject,
        station.signer.key.public_key(),
        *[
            (one.value, one.critical)
            for one in signed.extensions
            if not isinstance(one.value, x509.UnrecognizedExtension)
        ],
    )
    device = station.make("gw-1")
    return replace(device.made, certificate=pem_of(device.certificate, without))


_REFUSED = {
    _other_authority: "of no factory that is known",
    _other_name: "of 'gw-2'",
    _other_key: "of another key",
    _no_chain: "no authority",
    _of_other_station: "has not signed it",
    _sub_authority: "station: BasicConstraints",
    _garbage: "certificate: ",
    _three: "3 of them",
    _retires_itself: "itself retires",
    _outside_names: "station: NameConstraints",
    _outside_prefix: "makes cam-* only",
    _after_the_grant: "might not",
    _other_product: "does not make camera",
    _no_grant: "not the certificate of a station",
}


def test_a_certificate_that_does_not_hold_is_refused_and_not_stored(
    fleet: Database, line: Line
) -> None:
    for said, problem in _REFUSED.items():
        taken = take(fleet, said(line))

        assert (taken.outcome, taken.has_moved) == (Outcome.REFUSED, False), said
        assert problem in taken.problem, said
    assert state(fleet, "gw-1") is None
    assert fleet.read_now(lambda c: records.of_device(c, "us", "gw-1")) == []


def test_a_station_makes_no_more_devices_than_it_was_granted(fleet: Database, line: Line) -> None:
    station = line.station(devices=2)
    first, second, third = (station.make(f"gw-{number}") for number in (1, 2, 3))

    assert take(fleet, first.made, second.made, station.again(first)).outcome is Outcome.NEWER
    assert "may make 2 devices, and has" in take(fleet, third.made).problem


def test_a_device_outside_the_grant_is_nobody_at_the_door(fleet: Database, line: Line) -> None:
    line.station("S1", prefix="cam-")

    assert knock(fleet, line.station().make("gw-1"), line) is None
    assert knock(fleet, line.station().make("cam-1"), line) is State.QUARANTINED
    # The station is known now, and its grant is asked all the same.
    assert knock(fleet, line.station().make("gw-1")) is None
