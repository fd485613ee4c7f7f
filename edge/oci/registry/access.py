"""Prove to a registry who we are, as it asks: a token from where it says, or name and password.

A login is for one registry: its own server, and the server of tokens that it names, which has to be
reached as safely. Source: the token authentication of the distribution project; RFC 9110, 11.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from edge.errors import RefusedError, ServerError
from edge.oci.registry.credentials import Login
from edge.oci.registry.endpoint import Endpoint
from edge.oci.registry.link import Ask, Link, address, require_no_trouble, shown

_CHALLENGE = re.compile(
    r"(?P<scheme>[A-Za-z]+)\s+(?P<words>(?:[\w-]+\s*=\s*(?:\"[^\"]*\"|[^\s,\"]+)\s*,?\s*)+)"
)
_WORD = re.compile(r"([\w-]+)\s*=\s*(?:\"([^\"]*)\"|([^\s,\"]+))")
_TOKEN_BYTES: Final = 1 << 20
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Challenge:
    """How a server wants it proved: `basic`, or `bearer` with a token of `realm`."""

    scheme: str
    realm: str = ""
    service: str = ""
    scope: str = ""


def challenges(headers: Sequence[str]) -> Iterator[Challenge]:
    """Give what WWW-Authenticate asks for, as far as it is known here."""
    for header in headers:
        for found in _CHALLENGE.finditer(header):
            words = {key.lower(): one or two for key, one, two in _WORD.findall(found["words"])}
            known = {key: words[key] for key in ("realm", "service", "scope") if key in words}
            yield Challenge(found["scheme"].lower(), **known)


@dataclass(slots=True)
class Access:
    """What one repository of a server is shown; asked for once and kept.

    Attributes:
        endpoint: The repository.
        known: Gives who we are there, None for anybody; asked when the server asks.
        link: Sends requests.
        actions: What is wanted of the repository: `pull`, or `pull,push`.
    """

    endpoint: Endpoint
    known: Callable[[], Login | None]
    link: Link
    actions: str = "pull"
    _header: str = field(default="", repr=False)

    def secret(self) -> dict[str, str]:
        """Return the header that proves it, if one is known."""
        return {"Authorization": self._header} if self._header else {}

    def answer(self, asked: Sequence[str]) -> bool:
        """Have a header that answers what the server asks; say whether there is one.

        Raises:
            ServerError: The server of tokens refuses.
            RefusedError: The token would have to be fetched without TLS.
        """
        found = {one.scheme: one for one in challenges(asked)}
        before, self._header = self._header, ""
        if bearer := found.get("bearer"):
            self._header = f"Bearer {self._token(bearer)}"
        elif "basic" in found:
            login = self.known()
            self._header = login.basic if login and not login.refresh_token else ""
        return bool(self._header) and self._header != before

    def _token(self, asked: Challenge) -> str:
        ask = self._ask(asked)

        def fetched() -> bytes:
            with self.link.send(ask) as response:
                require_no_trouble(response)
                if response.status != _OK:
                    raise ServerError(
                        f"{shown(ask.url)}: no token for {self.endpoint.host}: {response.status}",
                        hint=f"log in: docker login {self.endpoint.host}",
                    )
                return b"".join(self.link.pieces(response, most_bytes=_TOKEN_BYTES))

        return _token_of(self.link.tried(shown(ask.url), fetched, lambda: 0), shown(ask.url))

    def _ask(self, asked: Challenge) -> Ask:
        parts = address(asked.realm)
        if parts.scheme != "https" and (parts.scheme, self.endpoint.scheme) != ("http", "http"):
            raise RefusedError(
                f"{self.endpoint.host}: its tokens are at {asked.realm!r}: not https"
            )
        scope = asked.scope or f"repository:{self.endpoint.repository}:{self.actions}"
        query = [*parse_qsl(parts.query), ("service", asked.service), ("scope", scope)]
        login = self.known()
        if login and login.refresh_token:
            form = [*query, ("grant_type", "refresh_token"), ("client_id", "edge")]
            form.append(("refresh_token", login.refresh_token))
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            return Ask("POST", asked.realm, kind, body=urlencode(form).encode(), may_move=False)
        secret = {"Authorization": login.basic} if login else {}
        return Ask("GET", replace_query(asked.realm, query), secret=secret)


def replace_query(url: str, query: Sequence[tuple[str, str]]) -> str:
    """Return an address with another query."""
    return urlsplit(url)._replace(query=urlencode(query), fragment="").geturl()


def _token_of(data: bytes, name: str) -> str:
    try:
        found = json.loads(data)
        token = found.get("token") or found.get("access_token")
    except (ValueError, AttributeError, RecursionError) as error:
        raise ServerError(f"{name}: what it gives is no token") from error
    if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]+", token):
        raise ServerError(f"{name}: what it gives is no token")
    return token
