"""Files of orders over DDI: by Range, with the hashes that updaters ask for."""

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from edge.console.ddi import actions, documents
from edge.console.ddi.answers import said
from edge.console.ddi.desk import DdiDesk
from edge.console.ddi.documents import Action, Place
from edge.console.ddi.machine import State
from edge.console.desk import Caller
from edge.console.http import file_answer
from edge.errors import ThingNotFoundError

_MD5SUM: Final = ".MD5SUM"


class Downloads:
    """What devices that speak DDI fetch: the file of an order that is under way, and no other.

    Args:
        desk: What is known of orders, and where files lie.
        caller: Returns who asks.
        place: Returns where its things are.
    """

    def __init__(
        self,
        desk: DdiDesk,
        caller: Callable[[web.Request], Awaitable[Caller]],
        place: Callable[[web.Request], Place],
    ) -> None:
        self._desk = desk
        self._caller = caller
        self._place = place

    async def give_list(self, request: web.Request) -> web.StreamResponse:
        """Answer with the files of an order."""
        _caller, action = await self._ordered(request)
        return said(request, documents.artifacts(self._place(request), action))

    async def give(self, request: web.Request) -> web.StreamResponse:
        """Answer with a file, or what `md5sum` says of it."""
        caller, action = await self._ordered(request)
        file, asked = action.file, request.match_info["file"]
        if asked == f"{file.name}{_MD5SUM}":
            return web.Response(text=f"{file.md5}  {file.name}", content_type="text/plain")
        if asked != file.name:
            raise ThingNotFoundError(f"order {action.number} has no such file")
        headers = {
            "Content-Disposition": f"attachment;filename={file.name}",
            "X-Content-Type-Options": "nosniff",
        }
        path = self._desk.path(caller, file)
        return await file_answer.unchanging(request, path, f'"{file.sha1}"', headers)

    async def _ordered(self, request: web.Request) -> tuple[Caller, Action]:
        caller, number = await self._caller(request), int(request.match_info["number"])
        found = await self._desk.read(lambda one: actions.get(one, caller, number))
        if found.state is not State.RUNNING:
            raise ThingNotFoundError(f"order {number} is {found.state}")
        return caller, found
