"""The token in which a provider says who somebody is: verified, or refused.

Sources: OpenID Connect Core 1.0 §3.1.3.7; RFC 8725 (which algorithms, and with which keys).
"""

import hmac
import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

import jwt

from edge.console.people.oidc.provider import OidcError, Provider

# By the kind of key, so that no key is used in a way that it was not made for; no secret keys.
_ALGORITHMS: Final = MappingProxyType(
    {
        "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
        "EC": ("ES256", "ES384", "ES512"),
        "OKP": ("EdDSA",),
    }
)
_SLACK_S: Final = 60
_MOST: Final = 65_536
_SUBJECT_MOST: Final = 255


def key_id(token: str) -> str | None:
    """Return which key a token says that it was signed with.

    Raises:
        OidcError: It is no token.
    """
    found = _header(token).get("kid")
    return found if isinstance(found, str) else None


def verified(
    token: str, keys: Iterable[Mapping[str, Any]], provider: Provider, *, nonce: str, now_s: int
) -> dict[str, Any]:
    """Return the claims of a token.

    Args:
        token: As it came.
        keys: Of the provider, as JWK.
        provider: Who has to have signed it, and for whom.
        nonce: Of the attempt.
        now_s: The time, seconds since 1970.

    Raises:
        OidcError: It is not signed by the provider, is not for this console or this attempt, or
            does not hold now.
    """
    claims = _claims(_payload(token, list(keys)))
    _require(claims.get("iss") == provider.issuer, "iss is another")
    _check_audience(claims, provider.client_id)
    _require(isinstance(claims.get("nonce"), str), "no nonce")
    said = claims["nonce"].encode(errors="replace")
    _require(hmac.compare_digest(said, nonce.encode()), "nonce of another attempt")
    _require(now_s < _time(claims, "exp") + _SLACK_S, "it has expired")
    _require(_time(claims, "iat") - _SLACK_S <= now_s, "it is of the future")
    if "nbf" in claims:
        _require(_time(claims, "nbf") - _SLACK_S <= now_s, "it is of the future")
    subject = claims.get("sub")
    _require(isinstance(subject, str) and 0 < len(subject) <= _SUBJECT_MOST, "no sub")
    return claims


def _payload(token: str, keys: list[Mapping[str, Any]]) -> bytes:
    header = _header(token)
    _require("crit" not in header, "it asks for what is not known here")
    wanted = header.get("kid")
    fitting = [one for one in keys if _fits(one, header.get("alg"))]
    if wanted is not None:
        fitting = [one for one in fitting if one.get("kid") == wanted]
    _require(len(fitting) == 1, f"{len(fitting)} keys fit")
    key = fitting[0]
    try:
        made = jwt.PyJWK(dict(key), algorithm=header["alg"]).key
        found = jwt.PyJWS().decode_complete(token, made, algorithms=[header["alg"]])
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise OidcError("token", f"ID token: {error}") from error
    payload: bytes = found["payload"]
    return payload


def _fits(key: Mapping[str, Any], algorithm: object) -> bool:
    is_for_it = key.get("use", "sig") == "sig" and key.get("alg", algorithm) == algorithm
    return is_for_it and algorithm in _ALGORITHMS.get(str(key.get("kty")), ())


def _header(token: str) -> dict[str, Any]:
    _require(len(token) <= _MOST, "too long")
    try:
        return jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise OidcError("token", f"ID token: {error}") from error


def _claims(payload: bytes) -> dict[str, Any]:
    try:
        found = json.loads(payload)
    except ValueError as error:
        raise OidcError("token", "ID token: no JSON") from error
    _require(isinstance(found, dict), "no claims")
    claims: dict[str, Any] = found
    return claims


def _check_audience(claims: Mapping[str, Any], client_id: str) -> None:
    said = claims.get("aud")
    audience = said if isinstance(said, list) else [said]
    _require(client_id in audience, "aud is another")
    # Who else it is for must not be able to use it here.
    _require(len(audience) == 1 or claims.get("azp") == client_id, "azp is another")
    _require(claims.get("azp", client_id) == client_id, "azp is another")


def _time(claims: Mapping[str, Any], name: str) -> float:
    found = claims.get(name)
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    _require(is_number, f"{name} is no time")
    return float(claims[name])


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise OidcError("token", f"ID token: {what}")
