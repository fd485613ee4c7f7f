"""What Raspberry Pi has published, as facts: the key of its examples, and a signature by it.

With EDGE_RPI_VECTORS naming the folder `test` of its repository rpi-eeprom, its files are read too.
"""

import hashlib
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils

from edge.errors import UntrustedError
from edge.flash.rpi import recovery, signature
from edge.flash.rpi.eeprom import Eeprom
from edge.keys import rsa_key

VECTORS = os.environ.get("EDGE_RPI_VECTORS", "")
needs_vectors = pytest.mark.skipif(not VECTORS, reason="EDGE_RPI_VECTORS names no folder")
# The modulus of the public key of the examples, and what boards said of it as they burnt it:
# usbboot, secure-boot-recovery/README.md.
MODULUS = int(
    "fa5dc4fa1fd0363ac8475706e8da733f47c1c29d940e9b9001a7d70d2e72af2adf08f0d84cef43bf"
    "301f3a4f43cffa6eb437c75744533855efd6d99ce27a8e814ea72b1eed4ddb234e26380a01b7bd74"
    "4cb80983197e6cb091425669631ae20bb7520d9429adba7ecec37e554f139c4430dfac10ca9d28ad"
    "cce4dfe8a4d1ef1261a8516174ca4883c856e1b0c128c6afcaddfca51bc368ed68d35a9a413fc680"
    "03e6266dbbcb944a3407ba8954eab26e1330084a0ba3f85f24406dee8e31d159c8458493b02c7b1b"
    "9ceee665547b1423aa5e6d25bfd3b3bee65fd4effde4eabfff84efc70c53815145b9e448f3cc2d41"
    "8539561d67d9348fb9f8d74df28df6dd",
    16,
)
KEY_HASH = "8251a63a2edee9d8f710d63e9da5d639064929ce15a2238986a189ac6fcd3cee"
# rpi-eeprom, test/bootconf.sig.
SHA256 = "b5b917dc53a59c23035a89d4c58606211a07d4fb6e16bd00d74457a93ea5a264"
TIME_S = 1614092425
RSA = (
    "284d3ef8b960ef9dd0bf5f320eacccb527623890b11136801fcfaf950ef3fb32c9b86ee48337d2cd"
    "21e00665a62215ff4d811b15d89867fb55d71b6372a4fa4b79af60cdda84c8a7d9b52d5f2b3026d3"
    "b088345d9424842cc2eb73e23f4577e12c74bc3bc1890bfbb6509fc8702cd3a202929bb6f9e5162e"
    "a53ec6e8503e08dda7b0c86a90bc21d33bd49535554383fe88e7d1d8e46e27c2bce60cf15b69c56e"
    "e27ccdd81ff8f47a616a2796cc2d943e17c6c01ac191f9b7dcda440238062e6c49df01f4bb8b97ce"
    "380a46aa29a03bf3fcbede3d76c13d862fc8b60b472a4d1017d5535f5188858a6e1103db2666aa63"
    "264e7c1f752b917405527094ed0da737"
)


@pytest.fixture(scope="module")
def public() -> rsa.RSAPublicKey:
    return rsa.RSAPublicNumbers(65537, MODULUS).public_key()


def test_the_hash_that_is_burnt_is_that_which_boards_told(public: rsa.RSAPublicKey) -> None:
    assert signature.key_hash(public) == KEY_HASH


def test_a_published_signature_is_read_and_is_of_this_key(public: rsa.RSAPublicKey) -> None:
    text = f"{SHA256}\nts: {TIME_S}\nrsa2048: {RSA}\n"

    made = signature.parse(text, "bootconf.sig")

    assert (made.sha256, made.time_s, made.chip) == (SHA256, TIME_S, None)
    assert made.text() == text
    digest = utils.Prehashed(hashes.SHA256())
    public.verify(made.rsa or b"", bytes.fromhex(SHA256), padding.PKCS1v15(), digest)


@needs_vectors
def test_the_published_eeprom_is_signed_with_its_key(public: rsa.RSAPublicKey) -> None:
    folder = Path(VECTORS)
    image = Eeprom.parse((folder / "pieeprom-signed.bin").read_bytes(), "pieeprom-signed.bin")

    assert rsa_key.read_public(folder / "public.pem").public_numbers() == public.public_numbers()
    assert recovery.burning(image, public).key_hash == KEY_HASH
    config = (folder / "bootconf.txt").read_bytes()
    assert hashlib.sha256(config).hexdigest() == SHA256
    made = signature.parse((folder / "bootconf.sig").read_text(), "bootconf.sig")
    signature.verify(config, made, public, what="bootconf.txt")
    with pytest.raises(UntrustedError):
        signature.verify(config + b"\n", made, public, what="bootconf.txt")
