"""Keys in PKCS#11 tokens, with SoftHSM."""

import sys
from pathlib import Path

import pkcs11
import pytest
from securesystemslib.exceptions import UnverifiedSignatureError

from edge.errors import EdgeError, InputError, RefusedError, ThingNotFoundError, UntrustedError
from edge.keys import change, create, file_key, rsa_key, token_key
from edge.keys.public import Algorithm, PublicPart
from edge.keys.secrets import nobody
from edge.keys.signers import open_as, open_signer
from edge.keys.token_key import TokenSigner
from edge.keys.uri import TokenUri, parse
from tests.fakes.forge import NOW
from tests.fakes.token import PIN, Token


def _uri(token: Token, name: str, **words: bool) -> TokenUri:
    found = parse(token.uri(name, **words))
    assert isinstance(found, TokenUri)
    return found


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_key_in_a_token_signs(token: Token, algorithm: Algorithm) -> None:
    name = f"signs-{algorithm}"
    made = token_key.make(_uri(token, name), algorithm, nobody)

    signer = open_signer(token.uri(name), nobody)
    signature = signer.sign(b"data")

    assert signer.public_key == made
    made.verify_signature(signature, b"data")
    with pytest.raises(UnverifiedSignatureError):
        made.verify_signature(signature, b"other")


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_root_key_in_a_token_takes_part_in_a_ring(
    token: Token, tmp_path: Path, algorithm: Algorithm
) -> None:
    name = f"root-{algorithm}"
    key = token_key.make(_uri(token, name), algorithm, nobody)
    part = PublicPart(name, "root", key, token.uri(name))

    outcome = create.init(tmp_path / "keys", now=NOW, imports=[part])

    assert not outcome.missing
    assert outcome.ring.root().signed.roles["root"].keyids == [key.keyid]
    assert not (tmp_path / "keys" / "root.pem").exists()
    assert change.rotate(outcome.ring, "root", now=NOW).ring.root().signed.version == 2


def test_the_pin_is_asked_for_when_no_file_has_it(token: Token) -> None:
    token_key.make(_uri(token, "asked"), Algorithm.ED25519, nobody)
    asked = []

    def ask(what: str) -> str:
        asked.append(what)
        return PIN

    open_signer(token.uri("asked", pin=False), ask).sign(b"x")

    assert asked == ["PIN of safe"]
    with pytest.raises(RefusedError, match="nobody to ask for the PIN of safe"):
        open_signer(token.uri("asked", pin=False), nobody).sign(b"x")


def test_a_wrong_pin_is_told(token: Token) -> None:
    token_key.make(_uri(token, "pinned"), Algorithm.ED25519, nobody)

    with pytest.raises(InputError, match="safe: the PIN is wrong"):
        open_signer(token.uri("pinned", pin=False), lambda _what: "99999").sign(b"x")


def test_a_key_is_never_made_twice(token: Token) -> None:
    made = token_key.make(_uri(token, "once"), Algorithm.P256, nobody)

    with pytest.raises(InputError, match="holds a key 'once' already"):
        token_key.make(_uri(token, "once"), Algorithm.P256, nobody)
    assert token_key.public_or_new(_uri(token, "once"), Algorithm.ED25519, nobody) == made


def test_what_is_not_there_is_told(token: Token) -> None:
    with pytest.raises(ThingNotFoundError, match="safe: holds no key 'nothing'"):
        open_signer(token.uri("nothing"), nobody)
    other = token.uri("x").replace("token=safe", "token=other")
    with pytest.raises(ThingNotFoundError, match="no token 'other' is plugged in"):
        open_signer(other, nobody)
    with pytest.raises(ThingNotFoundError, match="no token 'safe'"):
        open_signer(token.uri("x").replace("object=x", "object=x;serial=0"), nobody)
    with pytest.raises(EdgeError, match=r"/nowhere\.so"):
        open_signer("pkcs11:token=safe;object=x?module-path=/nowhere.so", nobody)


def test_another_key_under_the_same_name_is_refused(token: Token, tmp_path: Path) -> None:
    token_key.make(_uri(token, "mine"), Algorithm.ED25519, nobody)
    other = file_key.make(tmp_path / "other.pem", Algorithm.ED25519)

    with pytest.raises(UntrustedError, match="another key"):
        open_as(token.uri("mine"), other, nobody)
    with pytest.raises(UntrustedError, match="another key"):
        TokenSigner.from_priv_key_uri(token.uri("mine"), other)


def test_the_module_can_come_from_the_environment(
    token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    token_key.make(_uri(token, "module"), Algorithm.ED25519, nobody)
    monkeypatch.delenv("EDGE_PKCS11_MODULE", raising=False)
    with pytest.raises(InputError, match="which PKCS#11 module") as refused:
        open_signer(token.uri("module", module=False), nobody)
    assert "EDGE_PKCS11_MODULE" in (refused.value.hint or "")

    monkeypatch.setenv("EDGE_PKCS11_MODULE", token.module)

    assert open_signer(token.uri("module", module=False), nobody).sign(b"x").signature


def test_without_python_pkcs11_the_way_to_get_it_is_told(
    token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pkcs11", None)

    with pytest.raises(EdgeError, match="python-pkcs11") as refused:
        open_signer(token.uri("x"), nobody)
    assert "edge-os[hsm]" in (refused.value.hint or "")


def test_an_rsa_key_in_a_token_signs_for_boot_loaders(token: Token) -> None:
    with token_key.session(_uri(token, "rpi"), pin=PIN) as opened:
        opened.generate_keypair(pkcs11.KeyType.RSA, 2048, label="rpi", store=True)

    signer = rsa_key.open_signer(token.uri("rpi"), nobody)

    rsa_key.verify(signer.public, signer.sign(b"data"), b"data", what="it")
    with pytest.raises(UntrustedError, match="not of this key"):
        rsa_key.verify(signer.public, signer.sign(b"data"), b"other", what="it")


def test_a_key_in_a_token_that_is_not_rsa_is_refused(token: Token) -> None:
    token_key.make(_uri(token, "no-rsa"), Algorithm.ED25519, nobody)

    with pytest.raises(InputError, match="is no RSA key"):
        rsa_key.open_signer(token.uri("no-rsa"), nobody)
