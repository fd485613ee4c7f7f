"""The session of a browser: in by password or link, out again. Routes for the page alone.

They are no endpoints: a token has no session, and there is nobody yet whose scopes could be asked.
"""

from typing import Final, Protocol, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from edge.console.api import errors, guard
from edge.console.api.addresses import address
from edge.console.api.document import PREFIX
from edge.console.api.errors import WrongWordsError
from edge.console.api.own_page import require_own_page
from edge.console.api.session_views import (
    LoginBody,
    PasswordBody,
    ProviderView,
    SessionView,
    WaysView,
    WelcomeBody,
)
from edge.console.people import sessions
from edge.console.people.door import COOKIE, Inside, PeopleDoor, secret_of
from edge.console.people.entrance import Caller, Entered, Entrance
from edge.console.people.people import Person

M = TypeVar("M", bound=BaseModel)

_NO_STORE: Final = {"Cache-Control": "no-store"}
_JSON: Final = "application/json"


class OtherWay(Protocol):
    """Routes by which people come in at a provider.

    Attributes:
        name: What people call it.
    """

    name: str

    def add_to(self, app: web.Application) -> None:
        """Add the routes to an application."""


class SessionRoutes:
    """The routes below `/api/v1/session`.

    Args:
        entrance: Lets people in.
        door: Knows who is in.
        oidc: Lets people in by a provider; None where there is none.
    """

    def __init__(self, entrance: Entrance, door: PeopleDoor, oidc: OtherWay | None = None) -> None:
        self._entrance = entrance
        self._door = door
        self._oidc = oidc

    def add_to(self, app: web.Application) -> None:
        """Add the routes to an application."""
        path = f"{PREFIX}/session"
        app.router.add_post(path, self.log_in)
        app.router.add_get(path, self.show)
        app.router.add_delete(path, self.log_out)
        app.router.add_post(f"{path}/welcome", self.welcome)
        app.router.add_put(f"{path}/password", self.change_password)
        app.router.add_get(f"{path}/ways", self.ways)
        if self._oidc is not None:
            self._oidc.add_to(app)

    async def log_in(self, request: web.Request) -> web.Response:
        """Let somebody in by name and password."""
        body = await _read(LoginBody, request)
        guard.require_origin(request)
        entered = await self._entrance.log_in(body.name, body.password, caller(request))
        return _entered(entered)

    async def welcome(self, request: web.Request) -> web.Response:
        """Let somebody in by a link."""
        body = await _read(WelcomeBody, request)
        guard.require_origin(request)
        entered = await self._entrance.welcome(
            body.secret, body.name, body.password, body.shown_name, caller(request)
        )
        return _entered(entered)

    async def show(self, request: web.Request) -> web.Response:
        """Say who is logged in."""
        found = await self._inside(request)
        return _said(_view(found.person, found.visitor.own_page))

    async def change_password(self, request: web.Request) -> web.Response:
        """Set another password; the session is a new one afterwards."""
        body = await _read(PasswordBody, request)
        found = await self._inside(request)
        require_own_page(request, found.visitor.own_page)
        entered = await self._entrance.change_password(
            found.person, body.old, body.new, caller(request)
        )
        return _entered(entered)

    async def log_out(self, request: web.Request) -> web.Response:
        """End the session at once."""
        found = await self._door.inside(request)
        if found is not None:
            require_own_page(request, found.visitor.own_page)
            await self._entrance.log_out(found.session, found.person)
        answer = web.Response(status=204, headers=_NO_STORE)
        answer.del_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="Lax")
        return answer

    async def ways(self, _request: web.Request) -> web.Response:
        """Say how one can log in."""
        provider = ProviderView(name=self._oidc.name) if self._oidc else None
        is_first = await self._entrance.is_first()
        return _said(WaysView(password=True, oidc=provider, first=is_first))

    async def _inside(self, request: web.Request) -> Inside:
        found = await self._door.inside(request)
        if found is None:
            raise web.HTTPUnauthorized(text="nobody is logged in")
        return found


def caller(request: web.Request) -> Caller:
    """Return from where a request comes."""
    browser = request.headers.get("User-Agent", "")
    return Caller(address(request), browser, secret_of(request))


def give_cookie(answer: web.Response, secret: str) -> None:
    """Give a browser the secret of its session."""
    answer.set_cookie(COOKIE, secret, path="/", secure=True, httponly=True, samesite="Lax")


def _entered(entered: Entered) -> web.Response:
    answer = _said(_view(entered.person, sessions.own_page(entered.secret)))
    give_cookie(answer, entered.secret)
    return answer


def _view(person: Person, own_page: str) -> SessionView:
    return SessionView(
        person=person.person,
        name=person.shown_name or person.person,
        role=person.role,
        scopes=sorted(person.scopes),
        groups=None if person.groups is None else sorted(person.groups),
        way=person.way,
        own_page=own_page,
    )


def _said(view: BaseModel) -> web.Response:
    return web.Response(text=view.model_dump_json(), content_type=_JSON, headers=_NO_STORE)


async def _read(model: type[M], request: web.Request) -> M:
    # A form of another page can not send this type without asking first.
    if request.content_type != _JSON:
        raise WrongWordsError(f"Content-Type: {request.content_type!r} is not {_JSON}", "body")
    try:
        return model.model_validate_json(await request.read(), strict=True)
    except ValidationError as error:
        raise errors.wrong_words(error, "body") from error
