"""Requests for a certificate, as the console takes them of anyone and a station of its own."""

import base64
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from edge.certificates import requests
from edge.certificates.requests import ANYONES, OURS, Terms
from edge.errors import EdgeError, InputError, UntrustedError

TERMS = pytest.mark.parametrize("terms", [OURS, ANYONES], ids=["ours", "anyone's"])


def csr(*names: str, key: Any = None) -> bytes:
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names])
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, digest)
    return made.public_bytes(serialization.Encoding.PEM)


def der_of(pem: bytes) -> bytes:
    return x509.load_pem_x509_csr(pem).public_bytes(serialization.Encoding.DER)


@TERMS
@pytest.mark.parametrize("key", [ec.generate_private_key(ec.SECP384R1()), None], ids=["384", "256"])
def test_a_request_says_a_name_and_a_key_in_pem_and_der(terms: Terms, key: Any) -> None:
    pem = csr("gw-1", key=key)

    for data in (pem, b"\n " + pem, der_of(pem)):
        found = requests.read(data, terms)

        assert found.device == "gw-1"
        assert found.key == x509.load_pem_x509_csr(pem).public_key()
        assert requests.read(data, terms, device="gw-1") == found


def test_a_key_of_ed25519_is_taken_of_all() -> None:
    key = ed25519.Ed25519PrivateKey.generate()

    assert requests.read(csr("gw-1", key=key)).key == key.public_key()


def test_only_anyones_request_may_be_text_and_of_rsa() -> None:
    key = rsa.generate_private_key(65537, 2048)
    pem = csr("gw-1", key=key)
    text = base64.encodebytes(der_of(pem))

    for data in (pem, der_of(pem), text, b"a note\n" + pem):
        assert requests.read(data, ANYONES).key == key.public_key()
        with pytest.raises(InputError):
            requests.read(data, OURS)
    with pytest.raises(InputError, match=r"P-521 or Ed25519 is due"):
        requests.strong(key.public_key())
    for data in (base64.encodebytes(der_of(csr("gw-1"))), b"a note\n" + csr("gw-1")):
        with pytest.raises(InputError, match="gw-1: no request"):
            requests.read(data, OURS, device="gw-1")


@TERMS
@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(b"", "no request", id="empty"),
        pytest.param(b"\x30\x03\x02\x01\x01", "no request", id="no request"),
        pytest.param(b"not base64 !", "no request", id="no base64"),
        pytest.param(b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n", "no request", id="torn"),
        pytest.param(csr("a/b"), "of a device", id="slash"),
        pytest.param(csr("+"), "of a device", id="plus"),
        pytest.param(csr(), "of a device", id="no name"),
        pytest.param(csr("gw-1", "gw-1"), "of a device", id="two names"),
        pytest.param(csr("gw-1", key=rsa.generate_private_key(65537, 1024)), "is due", id="weak"),
        pytest.param(
            csr("gw-1", key=ec.generate_private_key(ec.SECP256K1())), "is due", id="curve"
        ),
        pytest.param(b"x" * (requests.MOST_BYTES + 1), "too many", id="long"),
    ],
)
def test_what_is_no_request_of_a_device_is_refused(body: bytes, said: str, terms: Terms) -> None:
    with pytest.raises(InputError, match=said):
        requests.read(body, terms)
    with pytest.raises(EdgeError):
        requests.read(body, terms, device="gw-1")


@TERMS
@pytest.mark.parametrize("names", [("gw-2",), ("gw-1", "gw-1"), ("gw-1", "gw-2"), ()])
def test_a_request_of_another_device_is_refused(names: tuple[str, ...], terms: Terms) -> None:
    with pytest.raises(UntrustedError, match="gw-1: the request is of"):
        requests.read(csr(*names), terms, device="gw-1")


@TERMS
def test_a_request_is_signed_with_its_own_key(terms: Terms) -> None:
    mine, theirs = der_of(csr("gw-1")), der_of(csr("gw-1"))
    shape = serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    key, other = (
        x509.load_der_x509_csr(one).public_key().public_bytes(*shape) for one in (mine, theirs)
    )

    with pytest.raises(UntrustedError, match="not signed with its own key"):
        requests.read(mine.replace(key, other), terms)
    with pytest.raises(EdgeError):
        requests.read(mine[:-3] + bytes((mine[-3] ^ 1,)) + mine[-2:], terms)
