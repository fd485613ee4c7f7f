"""An identity that the station has made, as the device reads it."""

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edge.errors import InputError, RefusedError
from edge.factory.identity import first_settings, proof
from edge.image import provision
from edge_agent.identity import Identity
from edge_signing import proof as signed
from tests.edge.factory.identity.conftest import NOW, Line


def _placed(files: tuple[provision.Placed, ...], folder: Path) -> Path:
    folder.mkdir()
    for one in files:
        (folder / one.path.name).write_bytes(one.content)
    return folder


def test_the_agent_takes_what_the_station_made(line: Line, tmp_path: Path) -> None:
    root = line.root.read_bytes()
    made = first_settings.make(
        line.station(), "gw-1", server_ca=b"noise\n" + root, now=NOW, epoch=7
    )

    folder = _placed(made.files, tmp_path / "identity")

    found = Identity.read(folder)
    assert (found.device, found.epoch) == ("gw-1", 7)
    assert found.server_ca.read_bytes() == root
    assert {one.path for one in made.files} == {
        provision.IDENTITY / name for name in provision.FILES
    }
    key = serialization.load_pem_private_key(found.key.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    certificate = x509.load_pem_x509_certificate(found.certificate.read_bytes())
    nonce = proof.challenge()
    said = key.sign(signed.message("gw-1", nonce), ec.ECDSA(hashes.SHA256()))
    assert proof.holds(certificate, nonce, said)


def test_the_key_is_in_no_file_of_the_station(line: Line, tmp_path: Path) -> None:
    made = first_settings.make(line.station(), "gw-1", server_ca=line.root.read_bytes(), now=NOW)

    secret = next(one.content for one in made.files if one.path.name == "device.key")

    body = secret.splitlines()[1]
    files = [one for one in tmp_path.rglob("*") if one.is_file()]
    assert files
    assert not [one for one in files if body in one.read_bytes()]
    assert body.decode() not in repr(made)


def test_an_identity_that_is_made_again_has_another_key(line: Line) -> None:
    station, root = line.station(), line.root.read_bytes()
    first = first_settings.make(station, "gw-1", server_ca=root, now=NOW)

    with pytest.raises(RefusedError):
        first_settings.make(station, "gw-1", server_ca=root, now=NOW)
    second = first_settings.make(station, "gw-1", server_ca=root, now=NOW, again=True)

    assert second.certificates.key_sha256 != first.certificates.key_sha256
    assert second.certificates.retired == (first.certificates.serial_hex,)


def test_nothing_is_signed_for_a_device_that_would_trust_nobody(line: Line) -> None:
    with pytest.raises(InputError, match="no certificate in PEM"):
        first_settings.make(line.station(), "gw-1", server_ca=b"", now=NOW)

    assert line.station().left == 3
