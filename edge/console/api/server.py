"""The API as an application: tokens, scopes, bodies, and the answers of the endpoints."""

import asyncio
import functools
import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from typing import Final

from aiohttp import web
from pydantic import ValidationError

from edge.console import tokens
from edge.console.api import (
    administration,
    campaign_details,
    campaigns,
    commands,
    contents,
    ddi,
    deployments,
    devices,
    enrolment,
    errors,
    factory,
    filters,
    groups,
    guard,
    history,
    hooks,
    imports,
    overview,
    people,
    reach,
    releases,
    repository,
    sboms,
    terminals,
)
from edge.console.api.document import PREFIX, document
from edge.console.api.endpoint import Call, Endpoint, Rooms
from edge.console.api.errors import WrongWordsError
from edge.console.api.own_page import require_own_page
from edge.console.api.repeats import HEADER, Answer, Repeats
from edge.console.api.session import SessionRoutes
from edge.console.api.stream import Stream
from edge.console.api.views import Words
from edge.console.audit import Actor
from edge.console.devices import listing
from edge.console.office import Office
from edge.console.overviews import Overviews
from edge.console.pages.routes import Pages
from edge.console.repeating import repeating
from edge.console.tokens import Scope
from edge.console.visitor import ClosedDoor, Door, Visitor
from edge.errors import InputError

ENDPOINTS: Final = (
    *devices.ENDPOINTS,
    *history.ENDPOINTS,
    *factory.ENDPOINTS,
    *filters.ENDPOINTS,
    *groups.ENDPOINTS,
    *imports.ENDPOINTS,
    *enrolment.ENDPOINTS,
    *releases.ENDPOINTS,
    *repository.ENDPOINTS,
    *contents.ENDPOINTS,
    *sboms.ENDPOINTS,
    *deployments.ENDPOINTS,
    *campaigns.ENDPOINTS,
    *campaign_details.ENDPOINTS,
    *overview.ENDPOINTS,
    *ddi.ENDPOINTS,
    *commands.ENDPOINTS,
    *terminals.ENDPOINTS,
    *administration.ENDPOINTS,
    *hooks.ENDPOINTS,
    *people.ENDPOINTS,
)
BODY_MOST_BYTES: Final = 1 << 20
_JSON: Final = "application/json"
_OVERVIEWS_S: Final = 60.0
_NO_STORE: Final = {"Cache-Control": "no-store"}


def app(
    office: Office,
    *,
    incoming: Path,
    door: Door | None = None,
    sessions: SessionRoutes | None = None,
) -> web.Application:
    """Return the application.

    Args:
        office: The acts.
        incoming: The folder of uploads.
        door: Knows people; without it there are only programs with tokens.
        sessions: Lets people in and out.
    """
    door = door or ClosedDoor()
    overviews = Overviews(office.database, office.now_s)
    api = _Api(Rooms(office, incoming, overviews, office.now_s()), door)
    stream = Stream(office, api.reader)
    pages = Pages(door)
    made = web.Application(
        client_max_size=BODY_MOST_BYTES,
        middlewares=[errors.answering, guard.guarding, pages.missing],
    )
    made.on_response_prepare.append(guard.add_headers)
    made.on_response_prepare.append(api.count)
    for one in ENDPOINTS:
        made.router.add_route(one.method, f"{PREFIX}{one.path}", api.handler(one))
    if sessions is not None:
        sessions.add_to(made)
    made.router.add_get(f"{PREFIX}/openapi.json", api.give_document)
    made.router.add_get("/healthz", api.give_health)
    made.router.add_get("/readyz", api.give_readiness)
    made.router.add_get("/metrics", api.give_metrics)
    made.router.add_get(f"{PREFIX}/stream", stream.give)
    made.on_shutdown.append(stream.end)
    made.cleanup_ctx.append(functools.partial(_keeping, overviews))
    made.add_routes(pages.routes())
    return made


async def _keeping(overviews: Overviews, _app: web.Application) -> AsyncIterator[None]:
    """Count what nobody has asked for yet, from the start on."""
    async with repeating(_OVERVIEWS_S, overviews.keep, name="overviews"):
        yield


@functools.cache
def _document() -> str:
    """Return the document of the interface; it takes a third of a second to make."""
    return json.dumps(document(ENDPOINTS, version("edge-os")))


class _Api:
    def __init__(self, rooms: Rooms, door: Door) -> None:
        self._rooms = rooms
        self._door = door
        self._repeats = Repeats(rooms.office.database)
        self._answered: Counter[tuple[str, int]] = Counter()

    def handler(self, one: Endpoint) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Return what handles the requests of an endpoint."""

        async def handle(request: web.Request) -> web.StreamResponse:
            visitor = await self._who(request, one.scope)
            query = _query(one, request)
            sent = b"" if one.is_upload else await request.read()
            call = Call(self._rooms, visitor, request, query, _body(one, sent))
            await reach.require(one, call)
            if one.is_download:
                return await _given(one, call)
            key = request.headers.get(HEADER)
            if key is not None and one.tells_secret:
                raise InputError(f"{HEADER}: not taken here, for the answer is not stored")
            if key is None or not one.is_repeatable:
                answer = await _done(one, call)
            else:
                digest = hashlib.sha256(_named(call) + sent).hexdigest()
                answer = await self._repeats.once(call.actor, key, digest, lambda: _done(one, call))
            return web.Response(
                status=answer.status,
                body=answer.body or None,
                content_type=_JSON if answer.body else None,
                headers=_NO_STORE,
            )

        return handle

    async def give_document(self, _request: web.Request) -> web.Response:
        text = await asyncio.to_thread(_document)
        return web.Response(text=text, content_type=_JSON)

    async def give_health(self, _request: web.Request) -> web.Response:
        """Say that the process answers."""
        return web.json_response({"status": "ok"})

    async def give_readiness(self, _request: web.Request) -> web.Response:
        """Say that the database answers, and whether the broker is there: HTTP goes on without."""
        office = self._rooms.office
        await office.database.read(lambda one: tokens.list_(one, ""))
        mqtt = "off" if office.mqtt is None else "there" if office.mqtt.is_there else "lost"
        return web.json_response({"status": "ok", "mqtt": mqtt})

    async def give_metrics(self, request: web.Request) -> web.Response:
        """Give figures of the tenant's devices and of the requests, for Prometheus."""
        visitor = await self._who(request, Scope.METRICS_READ)
        tenant, own = visitor.actor.tenant, Call(self._rooms, visitor, request).own()
        database = self._rooms.office.database
        counts = await database.read(lambda one: listing.counts(one, tenant, own))
        lines = ["# TYPE edge_devices gauge"]
        lines += [f'edge_devices{{state="{state}"}} {count}' for state, count in counts.items()]
        lines += ["# TYPE edge_api_requests_total counter"]
        lines += [
            f'edge_api_requests_total{{method="{method}",status="{status}"}} {count}'
            for (method, status), count in sorted(self._answered.items())
        ]
        lines += ["# TYPE edge_store_batches_total counter"]
        lines += [f"edge_store_batches_total {database.batches}"]
        lines += _mqtt_figures(self._rooms.office)
        text = "\n".join(lines) + "\n"
        return web.Response(
            text=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )

    async def count(self, request: web.Request, response: web.StreamResponse) -> None:
        """Count an answer."""
        self._answered[request.method, response.status] += 1

    async def reader(self, request: web.Request) -> Visitor:
        """Return who asks, if he may read devices; raises as `_who`."""
        return await self._who(request, Scope.DEVICES_READ)

    async def _who(self, request: web.Request, scope: Scope) -> Visitor:
        """Return who asks, if he may do this.

        Raises:
            HTTPUnauthorized: It is nobody who is known.
            HTTPForbidden: He may not, or not from where he asks.
        """
        if "Authorization" in request.headers:
            found = await self._with_token(request.headers["Authorization"])
        else:
            found = await self._door.visitor(request)
        if found is None:
            raise web.HTTPUnauthorized(text="no token that holds was sent, and nobody is logged in")
        if scope not in found.scopes:
            raise web.HTTPForbidden(text=f"{found.name} may not do this: {scope}")
        if found.own_page and request.method not in guard.SAFE:
            require_own_page(request, found.own_page)
        return found

    async def _with_token(self, said: str) -> Visitor | None:
        kind, _blank, text = said.partition(" ")
        if kind.lower() != "bearer":
            return None
        now_s = self._rooms.office.now_s()
        database = self._rooms.office.database
        found = await database.read(lambda one: tokens.check(one, text.strip(), now_s))
        if found is None:
            return None
        actor = Actor(found.tenant, f"token:{found.token}", now_s)
        return Visitor(actor, f"the token {found.name!r}", found.scopes)


def _mqtt_figures(office: Office) -> list[str]:
    lines = []
    if office.mqtt is not None:
        lines += ["# TYPE edge_mqtt_up gauge", f"edge_mqtt_up {int(office.mqtt.is_there)}"]
        lines += ["# TYPE edge_mqtt_starts_total counter"]
        lines += [f"edge_mqtt_starts_total {office.mqtt.starts}"]
        lines += ["# TYPE edge_mqtt_shut_out gauge", f"edge_mqtt_shut_out {office.mqtt.shut_out}"]
    ends = office.lists_end()
    if ends is not None:
        lines += ["# TYPE edge_device_crl_ends_timestamp_seconds gauge"]
        lines += [f"edge_device_crl_ends_timestamp_seconds {int(ends.timestamp())}"]
    return lines


def _named(call: Call) -> bytes:
    """Return what an answer is of, beside what was sent: also whose devices could be in it."""
    groups = call.visitor.groups
    reached = "" if groups is None else " ".join(sorted(groups)) + "\n"
    return f"{call.request.method} {call.request.path_qs}\n{reached}".encode()


async def _given(one: Endpoint, call: Call) -> web.StreamResponse:
    found = await one.act(call)
    assert isinstance(found, web.StreamResponse)
    return found


async def _done(one: Endpoint, call: Call) -> Answer:
    found = await one.act(call)
    assert not isinstance(found, web.StreamResponse)
    return Answer(one.status, b"" if found is None else found.model_dump_json().encode())


def _query(one: Endpoint, request: web.Request) -> Words | None:
    model = one.query or Words
    for name in request.query:
        if len(request.query.getall(name)) > 1:
            raise WrongWordsError(f"query.{name}: said twice", f"query.{name}")
    try:
        found = model.model_validate(dict(request.query))
    except ValidationError as error:
        raise errors.wrong_words(error, "query") from error
    return found if one.query else None


def _body(one: Endpoint, sent: bytes) -> Words | None:
    if one.body is None:
        if sent.strip() not in (b"", b"{}"):
            raise WrongWordsError("body: none is taken here", "body")
        return None
    try:
        return one.body.model_validate_json(sent, strict=True)
    except ValidationError as error:
        raise errors.wrong_words(error, "body") from error
