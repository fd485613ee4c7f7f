"""Devices of a station at the doors of others: TLS as the console has it, and Mosquitto."""

import shutil
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from edge.console import app
from edge.console.devices import certificates, papers, revocation
from edge.errors import EdgeError, InputError, ThingNotFoundError
from edge.factory.identity import prints, revoke, station
from edge.keys.secrets import nobody
from edge_agent import identity
from edge_agent.links import tls
from tests.edge.factory.identity.conftest import (
    NOW,
    YEAR,
    Device,
    Line,
    Openssl,
    new_request,
)
from tests.fakes.mosquitto import Broker
from tests.fakes.pki import Pki


def _known(device: Device, pki: Pki) -> ssl.SSLContext:
    """Return TLS of the device, as the agent makes it."""
    shutil.copy(pki.servers.file, device.folder / "server-ca.crt")
    (device.folder / "epoch").write_text("1\n")
    return tls.context(identity.Identity.read(device.folder))


def _shaken(server: ssl.SSLContext, client: ssl.SSLContext) -> bytes | None:
    """Return the certificate that a server has seen; None if it refused the client."""
    near, far = socket.socketpair()
    seen: list[bytes | None] = []

    def serve() -> None:
        try:
            with server.wrap_socket(far, server_side=True) as secure:
                seen.append(secure.getpeercert(binary_form=True))
                secure.sendall(b"x")
        except ssl.SSLError:
            seen.append(None)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(near, server_hostname="localhost") as secure:
            secure.recv(1)
    except OSError:
        pass
    thread.join(10)
    return seen[0]


def _console(pki: Pki, *authorities: x509.Certificate) -> ssl.SSLContext:
    """Return TLS of the console for devices, but for how its certificate is found."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(pki.folder / "server.crt", pki.folder / "server.key")
    app.trust(made, authorities)
    made.verify_mode = ssl.CERT_OPTIONAL
    return made


def test_the_console_lets_a_device_of_a_station_through_tls(line: Line, tmp_path: Path) -> None:
    pki, device = Pki.make(tmp_path / "pki"), line.device("gw-1")

    seen = _shaken(_console(pki, line.factory.certificate), _known(device, pki))

    assert seen is not None
    shown = certificates.of_device(seen)
    assert shown.device == "gw-1"
    assert certificates.issuer(shown, {"S1": line.station().certificate}) == "S1"
    number = papers.number_of(shown.parsed.serial_number, line.station().certificate)
    assert number.serial == device.made.serial_hex


def test_the_console_takes_the_authority_of_a_station_beside_that_of_the_factory(
    line: Line, tmp_path: Path
) -> None:
    pki, device = Pki.make(tmp_path / "pki"), line.device("gw-1")
    # A device that shows its own certificate alone: one that was enrolled by other tools.
    pem = x509.load_pem_x509_certificates(device.made.chain_pem.encode())[:1]
    (device.folder / "device.crt").write_bytes(pem[0].public_bytes(Encoding.PEM))
    both = (line.factory.certificate, line.station().certificate)

    assert _shaken(_console(pki, *both), _known(device, pki)) is not None
    assert _shaken(_console(pki, both[0]), _known(device, pki)) is None


def test_a_device_of_another_factory_gets_through_no_door(line: Line, tmp_path: Path) -> None:
    pki = Pki.make(tmp_path / "pki")

    assert _shaken(_console(pki, _authority(pki)), _known(line.device("gw-1"), pki)) is None


def test_openssl_knows_what_was_revoked(line: Line, tmp_path: Path, openssl: Openssl) -> None:
    good, bad = line.device("gw-1"), line.device("gw-2")
    lists = tmp_path / "all.crl"
    of_devices = revoke.devices(line.station(), [bad.made.serial_hex], now=NOW)
    lists.write_bytes(
        of_devices.read_bytes() + revoke.stations(line.factory, [], now=NOW).read_bytes()
    )

    def judged(device: Device, check: str) -> str:
        file = device.folder / "device.crt"
        known = ("-CAfile", line.root, "-untrusted", file, "-CRLfile", lists)
        return openssl("verify", check, *known, file)

    assert judged(good, "-crl_check_all").rstrip().endswith("OK")
    assert "certificate revoked" in judged(bad, "-crl_check_all")
    assert "certificate revoked" in judged(bad, "-crl_check")
    serial = f"{line.station().certificate.serial_number:x}"
    of_stations = revoke.stations(line.factory, [serial], now=NOW)
    lists.write_bytes(of_devices.read_bytes() + of_stations.read_bytes())
    assert "certificate revoked" in judged(good, "-crl_check_all")
    text = openssl("crl", "-in", of_stations, "-noout", "-text")
    assert serial.upper() in text
    assert "X509v3 CRL Number: \n                2\n" in text


def test_a_list_goes_on_with_what_was_on_it(line: Line) -> None:
    one, other = line.device("gw-1").made.serial_hex, line.device("gw-2").made.serial_hex
    own = line.station()
    revoke.devices(own, [one], now=NOW - YEAR)

    file = revoke.devices(own, [other, one], now=NOW)

    found = x509.load_pem_x509_crl(file.read_bytes())
    assert {f"{each.serial_number:x}": each.revocation_date_utc for each in found} == {
        one: NOW - YEAR,
        other: NOW,
    }
    console = revocation.read(file.read_bytes(), "list", [own.certificate])
    assert {each.serial for each in console.numbers} == {one, other}


def test_all_certificates_of_a_device_are_found_by_its_id(line: Line) -> None:
    first, other = line.device("gw-1"), line.device("gw-2")
    old = line.station()
    station.issue(line.factory, "S1", prefix="gw-", devices=5, lifetime=YEAR, now=NOW, renew=True)
    own = line.station()
    second = own.issue_device(new_request("gw-1"), "gw-1", now=NOW, again=True)

    found = revoke.given_to(own.folder, ["gw-1"])

    assert found == {
        prints.serial(old.certificate): [first.made.serial_hex],
        prints.serial(own.certificate): [second.serial_hex],
    }
    for serial, serials in found.items():
        signer = station.open_station(own.folder, nobody, serial=serial)
        listed = x509.load_pem_x509_crl(revoke.devices(signer, serials, now=NOW).read_bytes())
        assert [f"{one.serial_number:x}" for one in listed] == serials
        assert listed.is_signature_valid(signer.certificate.public_key())  # type: ignore[arg-type]
    with pytest.raises(ThingNotFoundError, match=r"no certificate of gw-3, gw-9"):
        revoke.given_to(own.folder, ["gw-9", "gw-2", "gw-3"])
    assert other.made.serial_hex not in str(found)


@pytest.mark.parametrize("damage", [lambda data: data[:-40], lambda data: data.replace(b"A", b"B")])
def test_a_list_that_is_damaged_is_not_made_less(
    line: Line, damage: Callable[[bytes], bytes]
) -> None:
    file = revoke.devices(line.station(), ["1234"], now=NOW)
    file.write_bytes(bad := damage(file.read_bytes()))

    with pytest.raises(EdgeError):
        revoke.devices(line.station(), [], now=NOW)

    assert file.read_bytes() == bad


@pytest.mark.parametrize("serial", ["x", "", "-5", "0"])
def test_what_is_no_serial_number_is_refused(line: Line, serial: str) -> None:
    with pytest.raises(InputError, match="no serial number"):
        revoke.stations(line.factory, [serial], now=NOW)


@pytest.mark.tools
def test_mosquitto_lets_devices_of_a_station_in_and_revoked_ones_not(
    line: Line, tmp_path: Path
) -> None:
    pki, good, bad = Pki.make(tmp_path / "pki"), line.device("gw-1"), line.device("gw-2")
    lists = (
        revoke.devices(line.station(), [bad.made.serial_hex], now=NOW),
        revoke.stations(line.factory, [], now=NOW),
    )
    shutil.copy(line.root, pki.folder / "factory-ca.crt")
    (pki.folder / "factory-ca.crl").write_bytes(b"".join(one.read_bytes() for one in lists))

    with Broker(tmp_path / "broker", pki) as broker:
        said = [_connected(broker, _known(one, pki)) for one in (good, bad)]

    assert said == [_ACCEPTED, b""]


# Source: MQTT 5.0, section 3.1 (CONNECT, client id of no bytes), section 3.2 (CONNACK, success).
_CONNECT = bytes.fromhex("100d 0004 4d515454 05 02 003c 00 0000".replace(" ", ""))
_ACCEPTED = b"\x20"


def _connected(broker: Broker, client: ssl.SSLContext) -> bytes:
    """Return the first byte that a broker says, nothing if it closes the connection."""
    with socket.create_connection(("127.0.0.1", broker.port), 10) as plain:
        try:
            with client.wrap_socket(plain, server_hostname="localhost") as secure:
                secure.sendall(_CONNECT)
                return secure.recv(1)
        except OSError:
            return b""


def _authority(pki: Pki) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pki.factory.file.read_bytes())
