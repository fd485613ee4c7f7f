"""What the terminal of a device asks and tells by HTTP: requests that wait for what comes."""

import re
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from edge.console.desk import Caller
from edge.console.terminal.switchboard import WAIT_MOST_S, Switchboard
from edge.errors import ThingNotFoundError
from edge_signing.errors import FormatError
from edge_signing.terminal import parcels
from edge_signing.terminal.grant import SESSION

_NUMBER: Final = re.compile(r"-1|[0-9]{1,15}")
_WAIT: Final = re.compile(r"[0-9]{1,3}")
WhoCalls = Callable[[web.Request], Awaitable[Caller]]


class TerminalRoutes:
    """The requests of terminals.

    Args:
        terminals: The sessions.
        who: Returns the device that asks, or raises.
    """

    def __init__(self, terminals: Switchboard, who: WhoCalls) -> None:
        self._terminals, self._who = terminals, who

    def add_to(self, app: web.Application, path: str) -> None:
        """Add the routes below the path of a device."""
        app.router.add_get(f"{path}/terminal", self._give, allow_head=False)
        app.router.add_post(f"{path}/terminal", self._take)

    async def _give(self, request: web.Request) -> web.StreamResponse:
        caller = await self._who(request)
        session, after, wait_s = _words(request)
        if not session:
            found = self._terminals.wanted_of(caller)
        else:
            try:
                found = await self._terminals.given(caller, session, after=after, wait_s=wait_s)
            except ThingNotFoundError as error:
                return web.Response(status=404, text=str(error))
        if not found:
            return web.Response(status=204)
        return web.Response(body=parcels.pack(found), content_type="application/json")

    async def _take(self, request: web.Request) -> web.StreamResponse:
        caller = await self._who(request)
        longer = request.clone(client_max_size=parcels.MESSAGE_MOST_BYTES)
        said = parcels.unpack(await longer.read())
        try:
            await self._terminals.take(caller, said)
        except ThingNotFoundError as error:
            return web.Response(status=404, text=str(error))
        return web.Response(status=204)


def _words(request: web.Request) -> tuple[str, int, int]:
    """Return session, number and seconds of a request.

    Raises:
        FormatError: They are none.
    """
    said = {name: request.query.get(name, "") for name in ("session", "after", "wait_s")}
    is_session = not said["session"] or SESSION.fullmatch(said["session"])
    is_rest = _NUMBER.fullmatch(said["after"]) and _WAIT.fullmatch(said["wait_s"])
    if not (is_session and is_rest):
        raise FormatError("terminal: session, after, wait_s are not said")
    return said["session"], int(said["after"]), min(int(said["wait_s"]), WAIT_MOST_S)
