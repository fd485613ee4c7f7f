"""The pages as routes: a shell for who is logged in, the ways in, and the files.

The shell holds no data but who looks; what it shows it asks of the API, as any program would.
"""

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from aiohttp import web
from aiohttp.typedefs import Handler
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from edge.console.pages import files
from edge.console.visitor import Door, Visitor

# What programs ask: they get errors as JSON, whoever asks.
_PROGRAMS: Final = ("/api/", "/auth/", "/static/")
# Paths below which the shell decides what there is to see.
SCREENS: Final = ("devices", "campaigns", "releases", "factory", "audit", "settings")
_NO_STORE: Final = {"Cache-Control": "no-store"}
_FOR_EVER: Final = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Vary": "Accept-Encoding",
}
_HTML: Final = "text/html"


class Pages:
    """The pages of one console.

    Args:
        door: Knows people.
    """

    def __init__(self, door: Door) -> None:
        self._door = door
        self._files = files.own()
        self._templates = Environment(
            autoescape=True,
            loader=FileSystemLoader(files.HERE / "templates"),
            undefined=StrictUndefined,
        )
        self._templates.globals |= {
            "static": f"/static/{self._files.digest}",
            "has_charts": self._files.has_charts,
        }

    def routes(self) -> Sequence[web.RouteDef]:
        """Return all routes."""
        screens = [
            web.get(path, self.give_shell)
            for name in SCREENS
            for path in (f"/{name}", f"/{name}/{{rest:.+}}")
        ]
        return [
            web.get("/", self.give_shell),
            *screens,
            web.get("/login", self.give_login),
            web.get("/welcome", self.give_welcome),
            web.get("/static/{digest}/{name:.+}", self.give_file),
        ]

    async def give_shell(self, request: web.Request) -> web.Response:
        """Give the page to who is logged in; the others are sent to where they can."""
        visitor = await self._door.visitor(request)
        if visitor is None:
            wanted = "" if request.path_qs == "/" else f"?next={quote(request.path_qs)}"
            return _sent_to(f"/login{wanted}")
        return self._page("shell.html", visitor=_facts(visitor))

    async def give_login(self, request: web.Request) -> web.Response:
        """Give the page to log in by."""
        wanted = own_path(request.query.get("next", ""))
        if await self._door.visitor(request) is not None:
            return _sent_to(wanted)
        return self._page("login.html", wanted=wanted)

    async def give_welcome(self, _request: web.Request) -> web.Response:
        """Give the page of invitations; who is invited stands behind the `#`, and is not sent."""
        return self._page("welcome.html")

    async def give_file(self, request: web.Request) -> web.Response:
        """Give a file of the page.

        Raises:
            HTTPNotFound: There is none, or it was one of another version.
        """
        found = self._files.by_name.get(request.match_info["name"])
        if found is None or request.match_info["digest"] != self._files.digest:
            raise web.HTTPNotFound
        is_packed = "gzip" in request.headers.get("Accept-Encoding", "")
        coding = {"Content-Encoding": "gzip"} if is_packed else {}
        return web.Response(
            body=found.packed if is_packed else found.data,
            headers={**_FOR_EVER, "Content-Type": found.kind, **coding},
        )

    @web.middleware
    async def missing(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a browser that asks for a page that is not there with one that says so."""
        try:
            return await handler(request)
        except web.HTTPNotFound:
            if not _wants_page(request):
                raise
            return self._page("missing.html", status=HTTPStatus.NOT_FOUND)

    def _page(
        self, template: str, *, status: HTTPStatus = HTTPStatus.OK, **words: object
    ) -> web.Response:
        text = self._templates.get_template(template).render(**words)
        return web.Response(status=status, text=text, content_type=_HTML, headers=_NO_STORE)


def own_path(said: str) -> str:
    """Return where to go after the login, if it is a path of this server; else its first page."""
    is_own = said.startswith("/") and not said.startswith(("//", "/\\"))
    # Browsers leave some letters out, and read `\\` as `/`.
    return said if is_own and said.isprintable() and "\\" not in said else "/"


def _wants_page(request: web.Request) -> bool:
    is_read = request.method in ("GET", "HEAD")
    accepts = request.headers.get("Accept", "")
    return is_read and _HTML in accepts and not request.path.startswith(_PROGRAMS)


def _sent_to(path: str) -> web.Response:
    headers = {**_NO_STORE, "Location": path}
    return web.Response(status=HTTPStatus.SEE_OTHER, headers=headers)


def _facts(visitor: Visitor) -> str:
    return json.dumps(
        {
            "name": visitor.name,
            "scopes": sorted(visitor.scopes),
            "groups": None if visitor.groups is None else sorted(visitor.groups),
            "own_page": visitor.own_page,
        }
    )
