"""Ask a provider: where its endpoints are, for its keys, and for the token of a code.

Sources: OpenID Connect Discovery 1.0 §4, RFC 6749 §4.1.3, RFC 7517.
"""

import asyncio
import base64
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_plus

import aiohttp

from edge.console.people.oidc.provider import OidcError, Provider, is_safe

_FRESH_S: Final = 3600
_AGAIN_S: Final = 60
# A provider that is gone must not keep those waiting who ask next.
_GONE_S: Final = 5
_ANSWER_MOST_BYTES: Final = 1 << 20
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10, connect=5)
_KEYS_MOST: Final = 50


@dataclass(frozen=True, slots=True)
class Places:
    """The endpoints of a provider.

    Attributes:
        says_issuer: Whether it says who it is when it sends a browser back (RFC 9207).
        ways: How it knows the console, as it says itself.
    """

    authorization: str
    token: str
    keys: str
    says_issuer: bool
    ways: tuple[str, ...]


class Remote:
    """A provider that is asked over the network, for the thread of an event loop."""

    def __init__(self, provider: Provider, now_s: Callable[[], int]) -> None:
        self._provider = provider
        self._now_s = now_s
        self._places: Places | None = None
        self._places_at_s = 0
        self._gone_at_s = 0
        self._keys: list[dict[str, Any]] = []
        self._keys_at_s = 0
        self._alone = asyncio.Lock()

    async def places(self) -> Places:
        """Return where its endpoints are, asked for again after an hour.

        Raises:
            OidcError: It can not be asked, or is not who it should be.
        """
        async with self._alone:
            if self._places is None or self._now_s() - self._places_at_s > _FRESH_S:
                self._places = await self._found()
                self._places_at_s = self._now_s()
            return self._places

    async def keys(self, key_id: str | None) -> list[dict[str, Any]]:
        """Return its keys, asked for again when there is one that is not known.

        Raises:
            OidcError: It can not be asked.
        """
        places = await self.places()
        async with self._alone:
            age_s = self._now_s() - self._keys_at_s
            is_known = key_id is None or any(one.get("kid") == key_id for one in self._keys)
            if age_s > _FRESH_S or (not is_known and age_s > _AGAIN_S) or not self._keys:
                found = (await self._ask("GET", places.keys)).get("keys")
                if not isinstance(found, list):
                    raise OidcError("provider", "keys: no list")
                self._keys = [one for one in found[:_KEYS_MOST] if isinstance(one, dict)]
                self._keys_at_s = self._now_s()
            return self._keys

    async def token(self, code: str, verifier: str) -> str:
        """Return the ID token of a code.

        Raises:
            OidcError: It can not be asked, or does not give one.
        """
        places = await self.places()
        provider = self._provider
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": provider.redirect_uri,
            "code_verifier": verifier,
            "client_id": provider.client_id,
        }
        headers = {}
        if provider.client_secret and "client_secret_basic" in places.ways:
            # Each part is encoded as in a form first (RFC 6749 §2.3.1).
            said = f"{quote_plus(provider.client_id)}:{quote_plus(provider.client_secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(said.encode()).decode()}"
        elif provider.client_secret:
            form["client_secret"] = provider.client_secret
        found = (await self._ask("POST", places.token, form, headers)).get("id_token")
        if not isinstance(found, str):
            raise OidcError("provider", "no ID token")
        return found

    async def _found(self) -> Places:
        issuer = self._provider.issuer
        if self._now_s() - self._gone_at_s < _GONE_S:
            raise OidcError("provider", f"{issuer}: gone a moment ago")
        url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            return _places(await self._ask("GET", url), issuer)
        except OidcError:
            self._gone_at_s = self._now_s()
            raise

    async def _ask(
        self,
        method: str,
        url: str,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Return the object of JSON that an endpoint says; it is followed nowhere else."""
        words = {"Accept": "application/json", **(headers or {})}
        try:
            async with (
                aiohttp.ClientSession(
                    timeout=_TIMEOUT,
                    cookie_jar=aiohttp.DummyCookieJar(),
                    connector=aiohttp.TCPConnector(ssl=self._tls()),
                ) as session,
                session.request(
                    method, url, data=form, headers=words, allow_redirects=False
                ) as answer,
            ):
                said = await _some(answer)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise OidcError("provider", f"{url}: {str(error) or type(error).__name__}") from error
        if answer.status != 200:
            raise OidcError("provider", f"{url}: status {answer.status}")
        return _object(said, url)

    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._provider.authority)


async def _some(answer: aiohttp.ClientResponse) -> bytes:
    said = b""
    async for piece in answer.content.iter_any():
        said += piece
        if len(said) > _ANSWER_MOST_BYTES:
            raise ValueError(f"more than {_ANSWER_MOST_BYTES} bytes")
    return said


def _object(said: bytes, url: str) -> dict[str, Any]:
    try:
        found = json.loads(said)
    except ValueError as error:
        raise OidcError("provider", f"{url}: no JSON") from error
    if not isinstance(found, dict):
        raise OidcError("provider", f"{url}: no object")
    return found


def _places(found: Mapping[str, Any], issuer: str) -> Places:
    if found.get("issuer") != issuer:
        raise OidcError("provider", f"it says that it is {found.get('issuer')!r}, not {issuer!r}")
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    urls = [found.get(name) for name in names]
    for name, url in zip(names, urls, strict=True):
        if not isinstance(url, str) or not is_safe(url):
            raise OidcError("provider", f"{name} {url!r}: not https")
    authorization, token, keys = (str(url) for url in urls)
    ways = found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return Places(
        authorization,
        token,
        keys,
        found.get("authorization_response_iss_parameter_supported") is True,
        tuple(str(way) for way in ways) if isinstance(ways, list) else (),
    )
