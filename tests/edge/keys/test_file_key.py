"""Keys in files: who may read them, what they are locked with, and that they always sign alike."""

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from edge.errors import InputError, RefusedError, ThingNotFoundError, UntrustedError
from edge.keys import file_key, public
from edge.keys.file_key import FileSigner
from edge.keys.public import Algorithm, PublicPart
from edge.keys.secrets import nobody
from edge.keys.signers import open_as, open_signer
from edge.keys.uri import FileUri, TokenUri, parse
from edge_signing.trust import documents


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_the_same_bytes_give_the_same_signature(tmp_path: Path, algorithm: Algorithm) -> None:
    key = file_key.make(tmp_path / "k.pem", algorithm)

    first, second = (open_signer(f"file:{tmp_path}/k.pem", nobody).sign(b"x") for _ in range(2))

    assert first == second
    key.verify_signature(first, b"x")


def test_a_signature_of_p256_is_that_of_rfc_6979(tmp_path: Path) -> None:
    """Source: RFC 6979, A.2.5, SHA-256, message "sample"."""
    number = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
    private = ec.derive_private_key(number, ec.SECP256R1())
    signature = FileSigner(private, public.from_crypto(private.public_key())).sign(b"sample")

    assert "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716" in signature.signature
    assert "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8" in signature.signature


def test_the_private_part_is_for_its_owner_only(tmp_path: Path) -> None:
    file_key.make(tmp_path / "k.pem", Algorithm.ED25519)

    assert stat.S_IMODE((tmp_path / "k.pem").stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o610, 0o700 | 0o070])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "k.pem"
    file_key.make(path, Algorithm.ED25519)
    path.chmod(mode)

    with pytest.raises(RefusedError, match=f"its mode is {mode:04o}") as refused:
        open_signer(str(path), nobody)
    assert f"chmod 600 {path}" in (refused.value.hint or "")


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    file_key.make(tmp_path / "k.pem", Algorithm.ED25519)
    before = (tmp_path / "k.pem").read_bytes()

    with pytest.raises(RefusedError, match="not written over"):
        file_key.make(tmp_path / "k.pem", Algorithm.ED25519)
    assert (tmp_path / "k.pem").read_bytes() == before


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_locked_key_needs_its_passphrase(tmp_path: Path, algorithm: Algorithm) -> None:
    path = tmp_path / "k.pem"
    key = file_key.make(path, algorithm, "open sesame")
    secret = tmp_path / "secret"
    secret.touch(0o600)
    secret.write_text("open sesame\nsecond line\n")

    assert b"ENCRYPTED" in path.read_bytes()
    assert open_signer(str(path), lambda _what: "open sesame").public_key == key
    assert open_signer(f"file:{path}?passphrase-file={secret}", nobody).public_key == key
    with pytest.raises(InputError, match="passphrase is wrong"):
        open_signer(str(path), lambda _what: "guess")
    with pytest.raises(RefusedError, match=r"nobody to ask for the passphrase of k\.pem"):
        open_signer(str(path), nobody)
    secret.chmod(0o644)
    with pytest.raises(RefusedError, match="others may read it"):
        open_signer(f"file:{path}?passphrase-file={secret}", nobody)


def _pem(path: Path, private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
    path.touch(0o600)
    path.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def test_other_kinds_of_keys_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "k.pem"
    for private in (rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())):
        _pem(path, private)
        with pytest.raises(InputError, match="neither Ed25519 nor P-256"):
            open_signer(str(path), nobody)
    path.write_bytes(b"junk")
    with pytest.raises(InputError, match="no private key"):
        open_signer(str(path), nobody)


def test_a_missing_file_and_another_key_are_told(tmp_path: Path) -> None:
    with pytest.raises(ThingNotFoundError, match="no such file"):
        open_signer(f"file:{tmp_path}/none.pem", nobody)
    first = file_key.make(tmp_path / "1.pem", Algorithm.ED25519)
    file_key.make(tmp_path / "2.pem", Algorithm.ED25519)
    with pytest.raises(UntrustedError, match="another key"):
        open_as(f"file:{tmp_path}/2.pem", first, nobody)
    with pytest.raises(UntrustedError, match="another key"):
        FileSigner.from_priv_key_uri(f"file:{tmp_path}/2.pem", first)


def test_uris_are_read() -> None:
    folder = Path("/ring")

    assert parse("a.pem") == FileUri(Path("a.pem"))
    assert parse("file:a%20b.pem", folder) == FileUri(folder / "a b.pem")
    assert parse("file:/a.pem?passphrase-file=p", folder) == FileUri(Path("/a.pem"), folder / "p")
    assert parse("pkcs11:token=My%20Token;object=k;id=%01%ff?pin-source=file:/p") == TokenUri(
        "My Token", "k", id=b"\x01\xff", pin_source=Path("/p")
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file:", "names no file"),
        ("http:x", "unknown scheme"),
        ("file:a?x=1", "'x' is wrong"),
        ("file:a?passphrase=secret", "'passphrase' is wrong"),
        ("pkcs11:object=k", "does not name token and object"),
        ("pkcs11:token=t;object=k?pin-value=1234", "seen by everybody"),
        ("pkcs11:token=t;token=u;object=k", "'token' is wrong"),
        ("pkcs11:token=t;object=", "'object' is wrong"),
    ],
)
def test_a_wrong_uri_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse(text)


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_the_file_of_a_public_key_is_read_again(tmp_path: Path, algorithm: Algorithm) -> None:
    part = PublicPart("root-1", "root", file_key.make(tmp_path / "k.pem", algorithm), "pkcs11:x")

    public.write(part, tmp_path / "k.pub")

    assert public.read(tmp_path / "k.pub") == part
    documents.material(part.key)


@pytest.mark.parametrize(
    ("old", "new"),
    [('"public":"', '"public":"00'), ("ed25519", "p256"), ('"role"', '"rule"'), ("{", "[")],
)
def test_a_spoilt_file_of_a_public_key_is_refused(tmp_path: Path, old: str, new: str) -> None:
    part = PublicPart("k", "root", file_key.make(tmp_path / "k.pem", Algorithm.ED25519))
    public.write(part, tmp_path / "k.pub")
    text = (tmp_path / "k.pub").read_text()
    (tmp_path / "k.pub").write_text(text.replace(old, new, 1))

    with pytest.raises(InputError):
        public.read(tmp_path / "k.pub")
