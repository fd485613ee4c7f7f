"""Certificates that records bring: what does not hold is refused, and nothing of it is stored."""

from dataclasses import replace
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge.console.factory import records
from edge.console.factory.outcome import Outcome
from edge.console.store.database import Database
from edge.factory.made import Made
from tests.edge.console.factory.test_taking import state, take
from tests.fakes.made_line import Line, pem_of, serial_of


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


def _for_a_host(line: Line) -> Made:
    station = line.station()
    key = ec.generate_private_key(ec.SECP256R1())
    device = station.make("gw-1", private=key)
    host = x509.SubjectAlternativeName([x509.DNSName("gw-1.example.com")])
    subject = device.certificate.subject
    certificate = station.signer.sign(subject, key.public_key(), (host, False))
    return replace(device.made, certificate=pem_of(certificate, station.signer.certificate))


_REFUSED = {
    _other_authority: "no authority",
    _other_name: "of 'gw-2'",
    _other_key: "of another key",
    _no_chain: "no authority",
    _of_other_station: "has not signed",
    _sub_authority: "devices alone",
    _garbage: "certificate: ",
    _three: "3 of them",
    _retires_itself: "itself retires",
    _outside_names: "may not sign for",
    _for_a_host: "may not sign for",
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


def test_a_certificate_that_was_made_after_its_station_had_ended_is_refused(
    fleet: Database, line: Line
) -> None:
    station = line.station("S4", lasts=timedelta(minutes=1))
    key = ec.generate_private_key(ec.SECP256R1())
    device = station.make("gw-1", private=key)
    begins = station.signer.certificate.not_valid_after_utc + timedelta(minutes=1)
    late = station.signer.sign(device.certificate.subject, key.public_key(), begins=begins)
    chain = pem_of(late, station.signer.certificate)

    assert (
        "while the station's held" in take(fleet, replace(device.made, certificate=chain)).problem
    )
