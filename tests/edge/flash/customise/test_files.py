"""From device.yml to the files of a data partition: no value can add a line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import EdgeError, InputError, ProblemsError, RefusedError, ThingNotFoundError
from edge.flash.customise import files, reading
from tests.fakes.pki import Pki

OPENSSH = (serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
TOKEN = "abcdefgh-ijklmnop"


def public(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return key.public_key().public_bytes(*OPENSSH).decode()


KEY = public(ed25519.Ed25519PrivateKey.generate())


def made(folder: Path, text: str, *settings: str) -> dict[str, bytes]:
    """Return the files of a device.yml in a folder, by their names below first-boot."""
    file = folder / "device.yml"
    file.write_text(text)
    found = files.files(reading.read(file, settings))
    return {str(one.path).removeprefix("first-boot/"): one.content for one in found}


def secret(folder: Path, text: str = f"{TOKEN}\n") -> Path:
    file = folder / "token.txt"
    file.write_text(text)
    file.chmod(0o600)
    return file


def test_nothing_said_is_no_file(tmp_path: Path) -> None:
    assert made(tmp_path, "{}") == {}


def test_what_the_device_reads(tmp_path: Path) -> None:
    text = """
    hostname: gateway-7
    timezone: Europe/Berlin
    network:
      eth0: {method: static, address: 10.0.0.2/24, gateway: 10.0.0.1, dns: [10.0.0.1, fd00::1]}
      eth1: {method: none}
      "*": {method: dhcp}
    console: {url: "https://example.com/", mqtt: "mqtts://example.com"}
    """

    found = made(tmp_path, text)

    assert found == {
        "hostname": b"gateway-7\n",
        "timezone": b"Europe/Berlin CET-1CEST,M3.5.0,M10.5.0/3\n",
        "network.conf": (
            b"eth0 static 10.0.0.2/24 gateway 10.0.0.1 dns 10.0.0.1 dns fd00::1\neth1 off\n* dhcp\n"
        ),
        "server.json": b'{"http":"https://example.com/","mqtt":"mqtts://example.com"}\n',
    }


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(lambda: ed25519.Ed25519PrivateKey.generate(), id="ed25519"),
        pytest.param(lambda: ec.generate_private_key(ec.SECP256R1()), id="ecdsa"),
        pytest.param(lambda: rsa.generate_private_key(65537, 2048), id="rsa"),
    ],
)
def test_keys_of_every_kind_and_from_files(
    tmp_path: Path, key: Callable[[], ed25519.Ed25519PrivateKey]
) -> None:
    line = public(key())
    (tmp_path / "id.pub").write_text(f"\n{line} me@desk\n{KEY}\n")

    found = made(tmp_path, f'ssh: {{keys: ["{line}", "file:id.pub"]}}')

    assert found == {"authorized_keys": f"{line}\n{line} me@desk\n{KEY}\n".encode()}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("\n", "there is no key in it", id="empty"),
        pytest.param(f"{KEY}\nssh-dss AAAA\n", "id.pub:2: 'ssh-dss AAAA' is not an", id="dss"),
        pytest.param("-----BEGIN OPENSSH PRIVATE KEY-----\n", "private key", id="private"),
    ],
)
def test_a_file_without_keys_is_told(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "id.pub").write_text(text)

    with pytest.raises(InputError, match=message):
        made(tmp_path, "ssh: {keys: ['file:id.pub']}")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ThingNotFoundError, match=r"none\.pub: no such file, .*device\.yml names"):
        made(tmp_path, "ssh: {keys: ['file:none.pub']}")


WITH_TOKEN = """
hostname: gw-7
console: {url: "https://a.example/", token_file: token.txt, server_ca: ca.crt}
"""


def test_a_token_goes_with_the_certificate_of_its_server(tmp_path: Path) -> None:
    pki = Pki.make(tmp_path / "pki")
    certificate = (pki.device("dev-1") / "server-ca.crt").read_bytes()
    (tmp_path / "ca.crt").write_bytes(b"text that stays here\n" + certificate)
    secret(tmp_path)

    found = made(tmp_path, WITH_TOKEN)

    assert found["token"] == f"{TOKEN}\n".encode()
    assert found["server-ca.crt"] == certificate
    assert json.loads(found["server.json"]) == {"http": "https://a.example/", "device": "gw-7"}


@pytest.mark.parametrize("text", ["short\n", "", "a b c d e f g h i j k\n", f"{TOKEN}ä\n"])
def test_what_is_no_token_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    secret(tmp_path, text)

    with pytest.raises(InputError) as caught:
        made(tmp_path, WITH_TOKEN)

    assert not text.strip() or text.strip() not in str(caught.value)


def test_a_token_that_others_may_read_is_refused(tmp_path: Path) -> None:
    secret(tmp_path).chmod(0o644)

    with pytest.raises(RefusedError, match="others may read it"):
        made(tmp_path, WITH_TOKEN)


def test_a_certificate_that_is_none_is_refused(tmp_path: Path) -> None:
    secret(tmp_path)
    (tmp_path / "ca.crt").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n")

    with pytest.raises(InputError, match=r"ca\.crt: no certificate"):
        made(tmp_path, WITH_TOKEN)


def test_an_identity_is_read_as_the_device_reads_it(tmp_path: Path) -> None:
    folder = Pki.make(tmp_path / "pki").device("dev-1")
    (folder / "device.key").chmod(0o600)

    found = made(tmp_path, f"identity: {folder}")

    assert set(found) == {
        f"identity/{name}" for name in ("device.crt", "device.key", "server-ca.crt", "epoch")
    }


def test_a_key_of_an_identity_that_others_may_read_is_refused(tmp_path: Path) -> None:
    folder = Pki.make(tmp_path / "pki").device("dev-1")
    (folder / "device.key").chmod(0o644)

    with pytest.raises(RefusedError, match="others may read it"):
        made(tmp_path, f"identity: {folder}")


def test_an_identity_that_the_device_would_refuse_is_refused(tmp_path: Path) -> None:
    folder = Pki.make(tmp_path / "pki").device("dev-1")
    (folder / "device.key").chmod(0o600)
    (folder / "device.crt").write_text("x\n")

    with pytest.raises(InputError, match=r"device\.crt"):
        made(tmp_path, f"identity: {folder}")


ODD = st.text(st.sampled_from("aZ09.-_:/@ \n\r\t\0;$`'\"\\|&#{}[]é\u2028\x85"), max_size=30)


@given(value=ODD)
def test_no_value_adds_a_line_or_a_word(
    value: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    quoted = json.dumps(value)
    texts = {
        "hostname": f"hostname: {quoted}",
        "timezone": f"timezone: {quoted}",
        "network.conf": f"network: {{{quoted}: {{method: dhcp}}}}",
        "authorized_keys": f"ssh: {{keys: [{json.dumps(f'{KEY} {value}')}]}}",
        "server.json": f"console: {{url: {json.dumps(f'https://a.example/{value}')}}}",
    }
    for name, text in texts.items():
        try:
            content = made(folder, text)[name]
        except ProblemsError:
            continue
        assert content.count(b"\n") == 1
        assert content.endswith(b"\n")
        assert all(0x20 <= byte < 0x7F for byte in content[:-1])
        words = {"hostname": 1, "timezone": 2, "network.conf": 2, "server.json": 1}
        assert name not in words or len(content.split(b" ")) == words[name]


def test_all_errors_are_ours(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(EdgeError):
        made(tmp_path, "ssh: {keys: ['file:folder']}")
