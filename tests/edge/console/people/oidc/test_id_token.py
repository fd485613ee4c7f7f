"""Tokens of a provider: only what it signed for this console, this attempt, and now."""

import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from edge.console.people.oidc import id_token
from edge.console.people.oidc.provider import OidcError, Provider
from tests.fakes.oidc import Key, code, unsigned

PROVIDER = Provider("https://id.example.com", "edge", "", "id", "https://fleet.example.com")
KEY, OTHER = Key(), Key()
NOW_S = 1_000_000
CLAIMS = {
    "iss": "https://id.example.com",
    "aud": "edge",
    "sub": "s-1",
    "nonce": "n-1",
    "iat": NOW_S,
    "exp": NOW_S + 300,
}


def verified(token: str, *keys: dict[str, Any], now_s: int = NOW_S) -> dict[str, Any]:
    chosen = keys or (KEY.jwk,)
    return id_token.verified(token, chosen, PROVIDER, nonce="n-1", now_s=now_s)


def test_a_token_of_the_provider_for_this_attempt_is_taken() -> None:
    assert verified(KEY.signed(CLAIMS)) == CLAIMS
    assert verified(KEY.signed({**CLAIMS, "aud": ["edge"]}))["sub"] == "s-1"
    assert verified(KEY.signed({**CLAIMS, "aud": ["edge", "x"], "azp": "edge"}))["sub"] == "s-1"
    assert verified(KEY.signed(CLAIMS, kid=None))["sub"] == "s-1"


def test_a_token_signed_with_rsa_is_taken() -> None:
    key = rsa.generate_private_key(65537, 2048)
    numbers = key.public_key().public_numbers()
    jwk = {"kty": "RSA", "kid": "r", "e": "AQAB", "n": code(numbers.n.to_bytes(256))}
    text = unsigned(CLAIMS, {"alg": "RS256", "kid": "r"})
    signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())

    assert verified(f"{text}.{code(signature)}", jwk, KEY.jwk)["sub"] == "s-1"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"iss": "https://id.example.com/"}, id="issuer with a stroke"),
        pytest.param({"iss": "https://evil.example.com"}, id="other issuer"),
        pytest.param({"iss": None}, id="no issuer"),
        pytest.param({"aud": "other"}, id="for another"),
        pytest.param({"aud": ["other"]}, id="for others"),
        pytest.param({"aud": ["edge", "other"]}, id="for others, too"),
        pytest.param({"aud": ["edge", "other"], "azp": "other"}, id="given to another"),
        pytest.param({"azp": "other"}, id="alone, but given to another"),
        pytest.param({"aud": None}, id="for nobody"),
        pytest.param({"nonce": "n-2"}, id="nonce of another attempt"),
        pytest.param({"nonce": None}, id="no nonce"),
        pytest.param({"nonce": ["n-1"]}, id="nonce of another kind"),
        pytest.param({"exp": NOW_S - 61}, id="expired"),
        pytest.param({"exp": None}, id="for ever"),
        pytest.param({"exp": "9999999999"}, id="time as text"),
        pytest.param({"exp": True}, id="time as truth"),
        pytest.param({"iat": NOW_S + 61}, id="of the future"),
        pytest.param({"iat": None}, id="of no time"),
        pytest.param({"nbf": NOW_S + 61}, id="not yet"),
        pytest.param({"sub": ""}, id="nobody"),
        pytest.param({"sub": 7}, id="number"),
        pytest.param({"sub": "x" * 256}, id="long"),
    ],
)
def test_a_token_with_other_claims_is_refused(change: dict[str, object]) -> None:
    claims = {name: one for name, one in (CLAIMS | change).items() if one is not None}

    with pytest.raises(OidcError):
        verified(KEY.signed(claims))


def hmac_signed(secret: bytes) -> str:
    text = unsigned(CLAIMS, {"alg": "HS256", "kid": "k-1"})
    return f"{text}.{code(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(f"{unsigned(CLAIMS, {'alg': 'none'})}.", id="unsigned"),
        pytest.param(f"{unsigned(CLAIMS, {'alg': 'NONE', 'kid': 'k-1'})}.", id="unsigned, loud"),
        pytest.param(hmac_signed(json.dumps(KEY.jwk).encode()), id="public key as a secret"),
        pytest.param(hmac_signed(b""), id="empty secret"),
        pytest.param(OTHER.signed(CLAIMS), id="another key"),
        pytest.param(KEY.signed(CLAIMS, kid="k-2"), id="unknown key"),
        pytest.param(KEY.signed(CLAIMS, alg="RS256"), id="algorithm of another kind of key"),
        pytest.param(KEY.signed(CLAIMS, alg=None), id="no algorithm"),
        pytest.param(KEY.signed(CLAIMS, crit=["x"], x=1), id="more than is known"),
        pytest.param(KEY.signed(CLAIMS)[:-4], id="cut"),
        pytest.param(KEY.signed(b"[]"), id="no claims"),
        pytest.param(KEY.signed(b"\xff"), id="no JSON"),
        pytest.param("", id="empty"),
        pytest.param("a.b", id="two parts"),
        pytest.param("a.b.c", id="no token"),
        pytest.param("x" * 100_000, id="long"),
    ],
)
def test_a_token_that_the_provider_did_not_sign_is_refused(token: str) -> None:
    with pytest.raises(OidcError):
        verified(token)


def test_every_changed_letter_is_refused() -> None:
    token = KEY.signed(CLAIMS)

    for place in range(0, len(token) - 1, 7):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(OidcError):
            verified(changed)


def test_a_secret_among_the_keys_is_no_key() -> None:
    secret = {"kty": "oct", "kid": "k-1", "k": code(b"secret")}

    with pytest.raises(OidcError):
        verified(hmac_signed(b"secret"), secret)


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param([], id="none"),
        pytest.param([KEY.jwk, OTHER.jwk], id="two of one name"),
        pytest.param([{**KEY.jwk, "use": "enc"}], id="for another use"),
        pytest.param([{**KEY.jwk, "alg": "ES512"}], id="for another algorithm"),
        pytest.param([{**KEY.jwk, "x": "AA"}], id="broken"),
        pytest.param([{"kid": "k-1"}], id="empty"),
    ],
)
def test_keys_that_do_not_fit_open_nothing(keys: list[dict[str, Any]]) -> None:
    with pytest.raises(OidcError):
        id_token.verified(KEY.signed(CLAIMS), keys, PROVIDER, nonce="n-1", now_s=NOW_S)
