"""Whether a device has the key of its certificate."""

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from edge.factory.identity import proof
from edge_signing import proof as signed
from edge_signing.errors import FormatError
from tests.edge.factory.identity.conftest import Line


def test_who_has_the_key_proves_it(line: Line) -> None:
    device, nonce = line.device("gw-1"), proof.challenge()

    signature = device.key.sign(signed.message("gw-1", nonce), ec.ECDSA(hashes.SHA256()))

    assert proof.holds(device.certificate, nonce, signature)
    assert not proof.holds(device.certificate, proof.challenge(), signature)
    assert not proof.holds(line.device("gw-2").certificate, nonce, signature)
    assert not proof.holds(device.certificate, nonce, signature[:-1])
    assert not proof.holds(device.certificate, nonce, b"")
    assert not proof.holds(device.certificate, nonce[:-1], signature)


def test_a_signature_of_the_bare_challenge_proves_nothing(line: Line) -> None:
    device, nonce = line.device("gw-1"), proof.challenge()

    signature = device.key.sign(nonce, ec.ECDSA(hashes.SHA256()))

    assert not proof.holds(device.certificate, nonce, signature)


def test_what_is_signed_has_one_form() -> None:
    assert signed.message("gw-1", bytes(32)) == (
        b"Edge: proof of the key of a device, version 1\0gw-1\0" + bytes(32)
    )
    assert proof.challenge() != proof.challenge()
    with pytest.raises(FormatError):
        signed.message("gw/1", bytes(32))
    with pytest.raises(FormatError):
        signed.nonce_of("0" * 63)
