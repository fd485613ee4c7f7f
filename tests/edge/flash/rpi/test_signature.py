"""Signatures for the boot loader: OpenSSL verifies ours, and those that are none are refused."""

import hashlib
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from edge.errors import EdgeError, InputError, UntrustedError
from edge.flash.rpi import signature
from edge.keys import rsa_key, secrets
from edge.keys.rsa_key import RsaSigner
from edge.process import Completed

DATA = b"boot image" * 1000
TIME_S = 1_700_000_000


def pem(private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, file: Path) -> Path:
    """Write a key, and its public part beside it."""
    plain = serialization.NoEncryption()
    kind = serialization.PrivateFormat.PKCS8
    file.write_bytes(private.private_bytes(serialization.Encoding.PEM, kind, plain))
    file.chmod(0o600)
    shape = serialization.PublicFormat.SubjectPublicKeyInfo
    public = private.public_key().public_bytes(serialization.Encoding.PEM, shape)
    file.with_name("public.pem").write_bytes(public)
    return file


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a key."""
    place = tmp_path_factory.mktemp("keys")
    pem(rsa.generate_private_key(65537, 2048), place / "rpi.pem")
    return place


@pytest.fixture(scope="module")
def signer(folder: Path) -> RsaSigner:
    return rsa_key.open_signer(f"file:{folder / 'rpi.pem'}", secrets.nobody)


def test_a_signature_is_read_as_it_was_written(signer: RsaSigner) -> None:
    made = signature.signed(DATA, TIME_S, signer, "2711")

    lines = made.text().splitlines()
    assert lines[:3] == [hashlib.sha256(DATA).hexdigest(), f"ts: {TIME_S}", "target-soc: 2711"]
    assert lines[3].startswith("rsa2048: ")
    assert len(lines[3]) == len("rsa2048: ") + 512
    assert signature.parse(made.text(), "boot.sig") == made
    signature.verify(DATA, made, signer.public, what="boot.img")


def test_without_a_key_it_is_a_hash() -> None:
    text = signature.signed(DATA, TIME_S).text()

    assert text == f"{hashlib.sha256(DATA).hexdigest()}\nts: {TIME_S}\n"


@pytest.mark.tools
def test_openssl_agrees(signer: RsaSigner, folder: Path, tool: Callable[..., Completed]) -> None:
    made = signature.signed(DATA, TIME_S, signer)
    (folder / "data").write_bytes(DATA)
    (folder / "signature").write_bytes(made.rsa or b"")

    words = ("-verify", folder / "public.pem", "-signature", folder / "signature", folder / "data")
    assert tool("openssl", "dgst", "-sha256", *words).stdout == b"Verified OK\n"


def test_the_key_is_stored_with_its_last_byte_first(signer: RsaSigner) -> None:
    blob = signature.public_blob(signer.public)
    numbers = signer.public.public_numbers()

    assert len(blob) == 264
    assert int.from_bytes(blob[:256], "little") == numbers.n
    assert blob[256:] == struct.pack("<Q", 65537)
    assert signature.key_hash(signer.public) == hashlib.sha256(blob).hexdigest()


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda text: text.replace("rsa2048: ", "rsa2048: 0")[:-2], id="bits"),
        pytest.param(lambda text: text.split("rsa2048")[0], id="none"),
        pytest.param(lambda text: "0" * 64 + text[64:], id="another file"),
    ],
)
def test_a_signature_of_something_else_is_refused(signer: RsaSigner, spoil: object) -> None:
    assert callable(spoil)
    made = signature.signed(DATA, TIME_S, signer)

    with pytest.raises(UntrustedError):
        signature.verify(
            DATA, signature.parse(spoil(made.text()), "x"), signer.public, what="boot.img"
        )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x" * 64,
        "0" * 63,
        "0" * 64 + "\nrsa2048: 00",
        "0" * 64 + "\nrsa2048: " + "zz" * 256,
        "0" * 64 + "\nts: soon",
        "0" * 64 + "\nts: 1\nts: 2",
        "0" * 64 + "\nhello",
    ],
)
def test_what_is_no_signature_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        signature.parse(text, "boot.sig")


def test_a_second_stage_is_counter_signed(signer: RsaSigner) -> None:
    made = signature.counter_signed(DATA, signer, 7)

    assert made[: len(DATA)] == DATA
    assert len(made) == len(DATA) + 532
    assert made[len(DATA) : len(DATA) + 12] == struct.pack("<III", len(DATA), 16, 7)
    assert made[-264:] == signature.public_blob(signer.public)
    assert signature.verify_counter_signed(made, signer.public, what="x") == 7


@pytest.mark.parametrize("at", [0, 9_999, 10_000, 10_004, 10_008, 10_012, 10_270, 10_531])
def test_a_byte_changed_in_it_is_found(signer: RsaSigner, at: int) -> None:
    made = bytearray(signature.counter_signed(DATA, signer))
    made[at] ^= 1

    with pytest.raises(UntrustedError):
        signature.verify_counter_signed(bytes(made), signer.public, what="x")


def test_what_a_rom_would_not_take_is_not_made(signer: RsaSigner) -> None:
    with pytest.raises(InputError, match="not 0 to 32"):
        signature.counter_signed(DATA, signer, 33)
    with pytest.raises(InputError, match="112640"):
        signature.counter_signed(bytes(signature.MOST_SIGNED_BYTES), signer)
    with pytest.raises(UntrustedError, match="no signature of a customer"):
        signature.verify_counter_signed(DATA[:100], signer.public, what="x")


@pytest.mark.parametrize(
    "private",
    [
        pytest.param(lambda: rsa.generate_private_key(65537, 3072), id="3072 bits"),
        pytest.param(lambda: ec.generate_private_key(ec.SECP256R1()), id="P-256"),
    ],
)
def test_other_keys_are_refused(tmp_path: Path, private: object) -> None:
    assert callable(private)
    file = pem(private(), tmp_path / "key.pem")

    with pytest.raises(EdgeError, match="RSA"):
        rsa_key.open_signer(str(file), secrets.nobody)
    with pytest.raises(EdgeError, match="RSA"):
        rsa_key.read_public(tmp_path / "public.pem")
