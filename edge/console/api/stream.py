"""What changes, told to pages at once as server-sent events: which thing, never its content.

A stream says only what its visitor can reach, asks now and then whether he may still listen, and
ends when he may not. Who listens is bounded: each stream holds a connection.
Source: WHATWG HTML, 9.2 Server-sent events.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from edge.console.campaigns import scope
from edge.console.devices import reach
from edge.console.notices import Ear, Notice, Topic
from edge.console.office import Office
from edge.console.tokens import Scope
from edge.console.visitor import Visitor

Who = Callable[[web.Request], Awaitable[Visitor]]

HEARTBEAT_S: Final = 15.0
# A page that is gone is not told by anybody: it is looked for.
_GONE_S: Final = 2.0
# Notices of a busy fleet are told together.
APART_S: Final = 0.4
OF_ONE_MOST: Final = 12
MOST: Final = 2_000
_RETRY_S: Final = "10"
_NEEDED: Final = {
    Topic.DEVICE: Scope.DEVICES_READ,
    Topic.GROUP: Scope.DEVICES_READ,
    Topic.RELEASE: Scope.RELEASES_READ,
    Topic.HOOK: Scope.HOOKS_WRITE,
    Topic.ENROLMENT: Scope.DEVICES_WRITE,
    Topic.PERSON: Scope.PEOPLE_WRITE,
    Topic.CAMPAIGN: Scope.DEVICES_READ,
    Topic.FACTORY: Scope.DEVICES_READ,
    Topic.AUDIT: Scope.AUDIT_READ,
}
# It is about all devices of a tenant: nothing for who is limited to groups.
_OF_ALL: Final = (Topic.FACTORY,)
_HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    # Proxies that keep answers back would keep these for ever.
    "X-Accel-Buffering": "no",
}


class Stream:
    """The streams of one console, for the thread of its event loop.

    Args:
        office: Where things change.
        who: Returns who asks, if he may read devices; raises as the API does.
        heartbeat_s: How often something is sent, and the visitor is asked for anew.
    """

    def __init__(self, office: Office, who: Who, *, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._office = office
        self._who = who
        self._heartbeat_s = heartbeat_s
        self._open: Counter[tuple[str, str]] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    async def give(self, request: web.Request) -> web.StreamResponse:
        """Answer with a stream that lasts until somebody ends it.

        Raises:
            HTTPForbidden: The page of somebody else asks.
            HTTPTooManyRequests: There are too many streams.
        """
        _require_same_origin(request)
        visitor = await self._who(request)
        with self._counted(visitor), self._office.notices.listening(visitor.actor.tenant) as ear:
            response = web.StreamResponse(headers=_HEADERS)
            await response.prepare(request)
            telling = asyncio.create_task(self._tell(request, response, visitor, ear))
            self._tasks.add(telling)
            try:
                with suppress(ConnectionError, asyncio.CancelledError):
                    await telling
            finally:
                telling.cancel()
                self._tasks.discard(telling)
        return response

    async def end(self, _app: web.Application) -> None:
        """End all streams: the console ends."""
        for task in tuple(self._tasks):
            task.cancel()

    async def _tell(
        self, request: web.Request, response: web.StreamResponse, visitor: Visitor, ear: Ear
    ) -> None:
        await response.write(_event("hello", {"heartbeat_s": self._heartbeat_s}))
        async for notices in self._heard(request, ear):
            if not notices:
                now = await self._still(request, visitor)
                if now is None:
                    await response.write(_event("bye", {}))
                    return
                visitor = now
                await response.write(b": still here\n\n")
                continue
            told = await self._reached(visitor, notices)
            if told:
                await response.write(_event("change", [[one.topic, one.subject] for one in told]))

    async def _heard(self, request: web.Request, ear: Ear) -> AsyncIterator[list[Notice]]:
        """Give what changes; nothing when it is time for a heartbeat, however busy the fleet is."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._heartbeat_s
        while request.transport is not None and not request.transport.is_closing():
            try:
                async with asyncio.timeout_at(min(due, loop.time() + _GONE_S)):
                    heard = await ear.hear()
            except TimeoutError:
                heard = []
            if heard:
                yield heard
                await asyncio.sleep(APART_S)
            if loop.time() >= due:
                yield []
                due = loop.time() + self._heartbeat_s

    async def _still(self, request: web.Request, before: Visitor) -> Visitor | None:
        """Return the visitor if he may still listen."""
        try:
            found = await self._who(request)
        except web.HTTPException:
            return None
        same = found.actor.tenant == before.actor.tenant and found.actor.name == before.actor.name
        return found if same else None

    async def _reached(self, visitor: Visitor, notices: Iterable[Notice]) -> list[Notice]:
        allowed = [one for one in notices if _NEEDED[one.topic] in visitor.scopes]
        if visitor.groups is not None:
            allowed = [one for one in allowed if one.topic not in _OF_ALL]
        if visitor.groups is None:
            return allowed
        found = {
            Topic.DEVICE: await self._found(visitor, allowed, Topic.DEVICE),
            Topic.CAMPAIGN: await self._found(visitor, allowed, Topic.CAMPAIGN),
        }
        return [
            one
            for one in allowed
            if one.topic not in found or not one.subject or one.subject in found[one.topic]
        ]

    async def _found(self, visitor: Visitor, notices: Iterable[Notice], topic: Topic) -> set[str]:
        """Return the devices or campaigns of notices that somebody reaches who is limited."""
        ids = [one.subject for one in notices if one.topic is topic and one.subject]
        names, tenant = visitor.groups, visitor.actor.tenant
        if not ids or names is None:
            return set()
        if topic is Topic.DEVICE:
            return await self._office.database.read(lambda one: reach.reached(one, visitor, ids))
        return await self._office.database.read(lambda one: scope.seen_of(one, tenant, names, ids))

    @contextmanager
    def _counted(self, visitor: Visitor) -> Iterator[None]:
        key = visitor.actor.tenant, visitor.actor.name
        if self._open[key] >= OF_ONE_MOST or self._open.total() >= MOST:
            raise web.HTTPTooManyRequests(
                text="too many pages listen for changes", headers={"Retry-After": _RETRY_S}
            )
        self._open[key] += 1
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]


def _event(name: str, data: object) -> bytes:
    # JSON has no line ends of its own, so that nothing can begin another event.
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


def _require_same_origin(request: web.Request) -> None:
    """Refuse the pages of others; programs say neither."""
    site = request.headers.get("Sec-Fetch-Site", "none")
    origin = request.headers.get("Origin", "")
    if site not in ("same-origin", "none") or (origin and urlsplit(origin).netloc != request.host):
        raise web.HTTPForbidden(text="the page of another site asks")
