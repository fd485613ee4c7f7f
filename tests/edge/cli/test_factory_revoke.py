"""`edge factory revoke` as its users run it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from edge.console.devices import revocation
from tests.edge.conftest import Edge
from tests.edge.factory.identity.conftest import Line
from tests.edge.factory.identity.conftest import line as line  # a fixture


def _listed(file: Path) -> set[str]:
    return {f"{one.serial_number:x}" for one in x509.load_pem_x509_crl(file.read_bytes())}


def test_a_device_is_on_the_list_of_its_station(edge: Edge, line: Line) -> None:
    lost, kept = line.device("gw-1"), line.device("gw-2")

    ended = edge("--json", "factory", "revoke", line.folder, "gw-1", "--station", "S1")
    again = edge("--json", "factory", "revoke", line.folder, "--station", "S1")

    assert (ended.status, again.status) == (0, 0)
    (file,) = (Path(one) for one in json.loads(again.out)["lists"])
    assert _listed(file) == {lost.made.serial_hex}
    assert kept.made.serial_hex not in _listed(file)
    found = revocation.read(file.read_bytes(), str(file), [line.station().certificate])
    assert {one.serial for one in found.numbers} == {lost.made.serial_hex}


def test_a_stolen_station_is_on_the_list_of_the_factory(edge: Edge, line: Line) -> None:
    line.device("gw-1")
    words = ("factory", "revoke", line.folder, "--station", "S1", "--whole")

    asked = edge(*words)
    ended = edge(*words, "--yes")

    assert asked.status == 5
    assert ended.status == 0
    file = line.folder / "ca/factory.crl"
    assert _listed(file) == {f"{line.station().certificate.serial_number:x}"}


def test_lists_of_factory_and_stations_together_are_what_a_broker_takes(
    edge: Edge, line: Line
) -> None:
    lost = line.device("gw-1")
    assert edge("factory", "revoke", line.folder).status == 0
    assert edge("factory", "revoke", line.folder, "gw-1", "--station", "S1").status == 0

    authorities = [line.factory.certificate, line.station().certificate]
    found = [
        revocation.read(file.read_bytes(), file.name, authorities)
        for file in line.folder.rglob("*.crl")
    ]
    lists = revocation.together(found, authorities, datetime.now(UTC))

    assert {one.serial for one in lists.enforced} == {lost.made.serial_hex}
    assert lists.pem.count(b"BEGIN X509 CRL") == 2


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("gw-9", "--station", "S1"), 3, "no certificate of gw-9"),
        (("--station", "S9"), 3, "no such file"),
        (("--station", "S9", "--whole", "--yes"), 3, "there is no station 'S9'"),
        (("--station", "*", "--whole", "--yes"), 3, "there is no station '*'"),
        (("gw-1", "--station", "S1", "--whole"), 2, "name no devices"),
        (("gw-1",), 2, "which station?"),
    ],
)
def test_what_is_not_there_is_told(
    edge: Edge, line: Line, words: tuple[str, ...], status: int, said: str
) -> None:
    line.device("gw-1")

    ended = edge("factory", "revoke", line.folder, *words)

    assert ended.status == status
    assert said in ended.err
    assert not list(line.folder.rglob("*.crl"))
