"""Logging in at a provider of OpenID Connect: the browser is sent there, and comes back.

Source: OpenID Connect Core 1.0 §3.1, the authorization code flow, with PKCE.
"""

import logging
from types import MappingProxyType
from typing import Final
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy import Connection

from edge.console.api.addresses import address
from edge.console.api.session import caller, give_cookie
from edge.console.people.entrance import Entered, Entrance
from edge.console.people.oidc import id_token, identity
from edge.console.people.oidc.attempts import HOLDS_S, Attempt, Attempts
from edge.console.people.oidc.provider import CALLBACK, START, OidcError, Provider
from edge.console.people.oidc.remote import Remote
from edge.console.people.refusals import Refusals
from edge.console.people.throttle import Bucket
from edge.console.store.database import Database

COOKIE: Final = "__Host-edge-oidc"
# The page that says why; its words are those of `OidcError`.
_REFUSED: Final = "/login?oidc="
_SCOPE: Final = "openid profile email"
# How often a provider is asked for the sake of others.
_BURST: Final = 30
_PER_S: Final = 2.0
_NO_STORE: Final = MappingProxyType({"Cache-Control": "no-store"})

logger = logging.getLogger(__name__)


class OidcRoutes:
    """The routes below `/auth/oidc`.

    Attributes:
        name: What people call the provider.

    Args:
        provider: Who is asked.
        remote: Asks it.
        attempts: Those under way.
        entrance: Lets people in.
        refusals: The log of failures.
        database: Where people are stored.
        tenant: Whose people they are.
    """

    def __init__(
        self,
        provider: Provider,
        remote: Remote,
        attempts: Attempts,
        *,
        entrance: Entrance,
        refusals: Refusals,
        database: Database,
        tenant: str,
    ) -> None:
        self.name = provider.name
        self._provider = provider
        self._remote = remote
        self._attempts = attempts
        self._entrance = entrance
        self._refusals = refusals
        self._database = database
        self._tenant = tenant
        self._asked = Bucket(_BURST, _PER_S)

    def add_to(self, app: web.Application) -> None:
        """Add the routes to an application."""
        app.router.add_get(START, self.start)
        app.router.add_get(CALLBACK, self.call_back)

    async def start(self, request: web.Request) -> web.Response:
        """Send a browser to the provider."""
        attempt, cookie = self._attempts.begin(request.query.get("next", "/"))
        try:
            answer = _to(await self._where(attempt))
        except OidcError as error:
            return await self._refused(request, error)
        answer.set_cookie(
            COOKIE, cookie, path="/", max_age=HOLDS_S, secure=True, httponly=True, samesite="Lax"
        )
        return answer

    async def call_back(self, request: web.Request) -> web.Response:
        """Let somebody in whom the provider has sent back."""
        try:
            attempt = self._attempts.end(
                request.cookies.get(COOKIE, ""), request.query.get("state", "")
            )
            entered = await self._entered(request, attempt)
        except OidcError as error:
            return _without_attempt(await self._refused(request, error))
        answer = _to(attempt.path)
        give_cookie(answer, entered.secret)
        return _without_attempt(answer)

    async def _where(self, attempt: Attempt) -> str:
        places = await self._remote.places()
        words = {
            "response_type": "code",
            "client_id": self._provider.client_id,
            "redirect_uri": self._provider.redirect_uri,
            "scope": _SCOPE,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        mark = "&" if "?" in places.authorization else "?"
        return f"{places.authorization}{mark}{urlencode(words)}"

    async def _entered(self, request: web.Request, attempt: Attempt) -> Entered:
        code = await self._code(request)
        token = await self._remote.token(code, attempt.verifier)
        keys = await self._remote.keys(id_token.key_id(token))
        now_s = self._entrance.now_s()
        claims = id_token.verified(token, keys, self._provider, nonce=attempt.nonce, now_s=now_s)

        def step(connection: Connection) -> Entered:
            person = identity.known(connection, claims, self._provider, self._tenant, now_s)
            return self._entrance.admit(connection, person, caller(request), "oidc")

        return await self._database.write(step)

    async def _code(self, request: web.Request) -> str:
        """Return the code in the answer of the provider.

        Raises:
            OidcError: It has none, or is that of another provider.
        """
        query = request.query
        if "error" in query:
            raise OidcError("denied", f"the provider says {query['error'][:100]!r}")
        places = await self._remote.places()
        says_other = query.get("iss", self._provider.issuer) != self._provider.issuer
        if says_other or (places.says_issuer and "iss" not in query):
            raise OidcError("state", "iss: the answer of another provider")
        if not query.get("code"):
            raise OidcError("denied", "no code")
        if not self._asked.takes(self._entrance.now_s()):
            raise OidcError("busy", "too many at once")
        return query["code"]

    async def _refused(self, request: web.Request, error: OidcError) -> web.Response:
        logger.warning("OpenID Connect: %s", error)
        await self._refusals.tell(None, address=address(request), oidc=error.word, why=str(error))
        return _to(f"{_REFUSED}{error.word}")


def _to(place: str) -> web.Response:
    return web.Response(status=303, headers={**_NO_STORE, "Location": place})


def _without_attempt(answer: web.Response) -> web.Response:
    answer.del_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="Lax")
    return answer
