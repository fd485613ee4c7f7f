"""The link by DDI: requests of devices that poll, as hawkBit takes them.

Every request asks anew who calls. What comes in is limited in size and, for each device, in rate;
downloads are not, for updaters give up at a 429 there.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final
from weakref import WeakKeyDictionary

from aiohttp import web

from edge.console.ddi import actions, config_data, documents, feedback, reporting, words
from edge.console.ddi.access import Access
from edge.console.ddi.answers import answering, done, said
from edge.console.ddi.desk import DdiDesk
from edge.console.ddi.documents import Place
from edge.console.ddi.downloads import Downloads
from edge.console.ddi.feedback import Channel
from edge.console.ddi.machine import State
from edge.console.desk import Caller
from edge.console.mqtt.inbox import Bucket
from edge.errors import ThingNotFoundError
from edge_signing.errors import FormatError

POLL_S: Final = 300
_BASE: Final = "/{tenant}/controller/v1/{device}"
_NUMBER: Final = "{number:[0-9]{1,15}}"
_BODY_S: Final = 30
# What an updater says of one installation fits into the burst.
_SAID_PER_S: Final = 5
_SAID_MOST: Final = 200
_BUCKETS_MOST: Final = 100_000
_HISTORY_MOST: Final = 50


class DdiLink:
    """The requests of devices that speak DDI.

    Args:
        desk: What is known of devices.
        shown: Returns the verified certificate of a request, in DER.
        poll_s: How long devices are to wait between two polls, below a day.
        monotonic_s: A clock that never goes back.
    """

    def __init__(
        self,
        desk: DdiDesk,
        shown: Callable[[web.Request], bytes | None],
        *,
        poll_s: int = POLL_S,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._desk = desk
        self._access = Access(desk, shown, self._note)
        self._poll_s = poll_s
        self._monotonic_s = monotonic_s
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._open: WeakKeyDictionary[asyncio.Transport, Caller] = WeakKeyDictionary()
        desk.office.desk.on_shut_out.append(self._break)

    def add_to(self, app: web.Application) -> None:
        """Add the paths of DDI to an application that is served to devices."""
        downloads = Downloads(self._desk, self._access.caller, self._place)
        add = app.router.add_route
        act = f"{_BASE}/{{channel:deploymentBase|cancelAction}}/{_NUMBER}/feedback"
        confirming = f"{_BASE}/confirmationBase"
        artifacts = f"{_BASE}/softwaremodules/{_NUMBER}/artifacts"
        for method, path, handle in (
            ("GET", _BASE, self._give_root),
            ("GET", f"{_BASE}/deploymentBase/{_NUMBER}", self._give_deployment),
            ("GET", f"{_BASE}/cancelAction/{_NUMBER}", self._give_cancel),
            ("GET", f"{_BASE}/installedBase/{_NUMBER}", self._give_installed),
            ("POST", act, self._take_feedback),
            ("PUT", f"{_BASE}/configData", self._take_data),
            ("GET", confirming, self._give_consent),
            ("GET", f"{confirming}/{_NUMBER}", self._give_confirmation),
            ("POST", f"{confirming}/{_NUMBER}/feedback", self._take_confirmation),
            ("POST", f"{confirming}/activateAutoConfirm", self._take_consent),
            ("POST", f"{confirming}/deactivateAutoConfirm", self._end_consent),
            ("GET", artifacts, downloads.give_list),
            ("GET", f"{artifacts}/{{file}}", downloads.give),
            ("HEAD", f"{artifacts}/{{file}}", downloads.give),
        ):
            add(method, path, answering(handle))

    async def _give_root(self, request: web.Request) -> web.StreamResponse:
        caller = await self._access.caller(request)
        agenda = await self._desk.agenda(caller)
        return said(request, documents.root(self._place(request), agenda))

    async def _give_deployment(self, request: web.Request) -> web.StreamResponse:
        caller = await self._access.caller(request)
        found = await self._desk.retrieve(caller, _number(request))
        return await self._document(request, caller, found)

    async def _give_installed(self, request: web.Request) -> web.StreamResponse:
        caller, number = await self._access.caller(request), _number(request)
        found = await self._desk.read(lambda one: actions.done(one, caller, number))
        return await self._document(request, caller, found)

    async def _give_cancel(self, request: web.Request) -> web.StreamResponse:
        caller, number = await self._access.caller(request), _number(request)
        found = await self._desk.read(lambda one: actions.get(one, caller, number))
        if found.state is not State.CANCELLING:
            raise ThingNotFoundError(f"order {number} was not asked back")
        return said(request, documents.cancel(found))

    async def _take_feedback(self, request: web.Request) -> web.StreamResponse:
        caller, number = await self._access.caller(request), _number(request)
        channel = Channel(request.match_info["channel"])
        told, now_s = feedback.read(await self._body(request, caller)), self._desk.now_s()
        await self._desk.write(
            caller, lambda one: reporting.take_feedback(one, caller, number, channel, told, now_s)
        )
        return done()

    async def _take_data(self, request: web.Request) -> web.StreamResponse:
        caller = await self._access.caller(request)
        told, now_s = config_data.read(await self._body(request, caller)), self._desk.now_s()
        await self._desk.write(caller, lambda one: reporting.take_data(one, caller, told, now_s))
        return done()

    async def _give_consent(self, request: web.Request) -> web.StreamResponse:
        caller = await self._access.caller(request)
        consent = await self._desk.read(
            lambda one: actions.consent(one, caller.tenant, caller.device)
        )
        current = (await self._desk.agenda(caller)).current
        waiting = current if current is not None and current.state is State.WAITING else None
        return said(request, documents.confirmation_base(self._place(request), consent, waiting))

    async def _give_confirmation(self, request: web.Request) -> web.StreamResponse:
        caller, number = await self._access.caller(request), _number(request)
        found = await self._desk.read(lambda one: actions.get(one, caller, number))
        if found.state is not State.WAITING:
            raise ThingNotFoundError(f"order {number} does not wait")
        return await self._document(request, caller, found, name="confirmation")

    async def _take_confirmation(self, request: web.Request) -> web.StreamResponse:
        caller, number = await self._access.caller(request), _number(request)
        told = words.opened(await self._body(request, caller))
        answer = words.text(told, "confirmation")
        if answer not in ("confirmed", "denied"):
            raise FormatError("confirmation: neither confirmed nor denied")
        text, now_s = " ".join(words.texts(told, "details"))[:500], self._desk.now_s()
        is_agreed = answer == "confirmed"
        await self._desk.write(
            caller,
            lambda one: reporting.confirm(
                one, caller, number, is_agreed=is_agreed, text=text, now_s=now_s
            ),
        )
        return done()

    async def _take_consent(self, request: web.Request) -> web.StreamResponse:
        caller = await self._access.caller(request)
        told = words.opened(await self._body(request, caller) or b"{}")
        by, remark = words.text(told, "initiator"), words.text(told, "remark")
        now_s = self._desk.now_s()
        await self._desk.write(
            caller, lambda one: reporting.set_consent(one, caller, by, remark, now_s)
        )
        return done()

    async def _end_consent(self, request: web.Request) -> web.StreamResponse:
        caller, now_s = await self._access.caller(request), self._desk.now_s()
        await self._body(request, caller)
        await self._desk.write(caller, lambda one: reporting.remove_consent(one, caller, now_s))
        return done()

    async def _document(
        self,
        request: web.Request,
        caller: Caller,
        action: documents.Action,
        *,
        name: str = "deployment",
    ) -> web.StreamResponse:
        most = _history_most(request)
        history = await self._desk.read(
            lambda one: actions.history(one, caller, action, most) if most else []
        )
        place = self._place(request)
        return said(request, documents.deployment(place, action, name=name, history=history))

    def _note(self, request: web.Request, caller: Caller) -> None:
        if request.transport is not None:
            self._open[request.transport] = caller

    async def _body(self, request: web.Request, caller: Caller) -> bytes:
        """Return what a device says, if it has not said too much of late."""
        name, now_s = (caller.tenant, caller.device), self._monotonic_s()
        if len(self._buckets) > _BUCKETS_MOST:
            self._buckets.clear()
        full = Bucket(_SAID_PER_S, _SAID_MOST, _SAID_MOST, now_s)
        bucket = self._buckets.setdefault(name, full)
        if bucket.wait_s(now_s):
            raise reporting.QuotaError(f"{caller.device} says too much: wait")
        bucket.take(1)
        try:
            async with asyncio.timeout(_BODY_S):
                return await request.read()
        except TimeoutError as error:
            raise web.HTTPRequestTimeout(text="") from error

    def _place(self, request: web.Request) -> Place:
        tenant, device = request.match_info["tenant"], request.match_info["device"]
        origin = f"{request.scheme}://{request.host}"
        url = f"{origin}/{tenant}/controller/v1/{device}"
        return Place(url, self._poll_s, self._desk.now_s())

    def _break(self, tenant: str, device: str) -> None:
        for transport, caller in list(self._open.items()):
            if (caller.tenant, caller.device) == (tenant, device):
                transport.abort()


def _number(request: web.Request) -> int:
    return int(request.match_info["number"])


def _history_most(request: web.Request) -> int:
    """Return how many messages of an order a device wants to see; below 0 means all."""
    try:
        most = int(request.query.get("actionHistory", "0")[:10])
    except ValueError:
        return 0
    return _HISTORY_MOST if most < 0 else min(most, _HISTORY_MOST)
