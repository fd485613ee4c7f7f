"""Certificates in a ledger are looked at: a stolen station can not pass for an honest one."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge.factory import line, reading
from edge.factory.entry import Kind, Said
from edge.factory.identity import authority, station
from edge.factory.ledger import Ledger
from edge.factory.ledger_files import StationFiles
from edge.factory.line import FILE, Line
from edge.factory.ports import Seen
from edge.factory.steps.identifying import StationIdentifier
from edge.factory.steps.recording import IdentityStep
from edge.factory.steps.step import Job
from edge.keys.secrets import nobody
from tests.fakes.factory_line import TEXT

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A line with the authorities of two stations, two certificates each."""
    folder = tmp_path / "line"
    folder.mkdir()
    (folder / FILE).write_text(TEXT)
    factory = authority.create(folder, f"file:{tmp_path / 'ca.key'}", product="gateway", now=NOW)
    for name in ("S1", "S2"):
        month = timedelta(days=30)
        station.issue(factory, name, prefix="gw-", devices=2, lifetime=month, now=NOW)
    return folder


def step(folder: Path, name: str = "S1") -> IdentityStep:
    opened = station.open_station(folder / line.STATIONS / name, nobody)
    server_ca = (folder / authority.CERTIFICATE).read_bytes()
    return IdentityStep(StationIdentifier(opened, server_ca, lambda: NOW))


def found(folder: Path) -> Iterator[str]:
    return (one for one in reading.verified(folder, read(folder)).findings if "certificate" in one)


def read(folder: Path) -> Line:
    return line.read(folder)


def write(folder: Path, device: str, details: dict[str, object]) -> None:
    files = StationFiles(folder / line.STATIONS / "S1")
    now_ms = round(NOW.timestamp() * 1000)
    ledger = Ledger(files, line="gateway", station="S1", now_ms=lambda: now_ms)
    ledger.append(Said(Kind.STEP, "S1-1", device, details={**details, "step": "identity"}))
    ledger.close()


def given(folder: Path, device: str, name: str = "S1") -> dict[str, object]:
    return dict(step(folder, name).run(Job("S1-1", device, "1", Seen("", ""))))


def test_what_the_station_signed_and_wrote_down_is_right(folder: Path) -> None:
    write(folder, "gw-0001", given(folder, "gw-0001"))

    assert list(found(folder)) == []
    assert reading.verified(folder, read(folder)).has_authority


@pytest.mark.parametrize("key", ["key", "certificate_serial"])
def test_an_entry_that_says_another_thing_than_its_certificate_is_told(
    folder: Path, key: str
) -> None:
    write(folder, "gw-0001", {**given(folder, "gw-0001"), key: "00" * 32})

    assert any("the certificate says" in one for one in found(folder))


def test_the_certificate_of_another_device_or_station_is_told(folder: Path) -> None:
    write(folder, "gw-0002", given(folder, "gw-0001"))
    write(folder, "gw-0003", given(folder, "gw-0003", "S2"))

    told = "\n".join(found(folder))

    assert "the certificate says the device gw-0001, and the entry gw-0002" in told
    assert "the certificate says the station S2, and the entry S1" in told


def test_more_certificates_than_were_granted_are_told(folder: Path) -> None:
    write(folder, "gw-0001", given(folder, "gw-0001"))
    write(folder, "gw-0002", given(folder, "gw-0002"))
    # A thief signs on with the key of the station, and forgets what it has signed.
    for issued in (folder / line.STATIONS / "S1").glob("issued.*"):
        issued.unlink()
    write(folder, "gw-0003", given(folder, "gw-0003"))

    assert [one for one in found(folder) if "more than the 2 certificates" in one]


def test_a_certificate_of_another_factory_is_told(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    factory = authority.create(other, f"file:{tmp_path / 'o.key'}", product="gateway", now=NOW)
    year = timedelta(days=30)
    station.issue(factory, "S1", prefix="gw-", devices=2, lifetime=year, now=NOW)
    write(folder, "gw-0001", given(other, "gw-0001"))

    assert any("of no factory that is known" in one for one in found(folder))


def test_the_key_that_is_proved_is_that_of_the_certificate(folder: Path) -> None:
    job = Job("S1-1", "gw-0001", "1", Seen("", ""))

    details = step(folder).run(job)

    assert details["proved"] == "station"
    assert sorted(one.path.name for one in job.kept["identity_files"]) == [
        "device.crt",
        "device.key",
        "epoch",
        "server-ca.crt",
    ]
    assert "PRIVATE KEY" not in str(dict(details))
    assert "PRIVATE KEY" not in repr(job)
