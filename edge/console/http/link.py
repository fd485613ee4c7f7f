"""The link by HTTP: orders, events and states of devices, and their repository.

A device is whose certificate TLS has verified. Every request asks anew whether it is let in, also
on a connection that was made before; who is shut out loses its connections at once.
"""

import asyncio
import hashlib
import logging
import ssl
from collections.abc import Callable
from typing import Final
from weakref import WeakKeyDictionary

from aiohttp import web
from aiohttp.typedefs import Handler
from cryptography import x509

from edge.console.desk import Caller, Via
from edge.console.devices import certificates
from edge.console.front_desk import FrontDesk
from edge.console.http import file_answer
from edge.console.http.terminal import TerminalRoutes
from edge.console.repository.vaults import Vaults
from edge.console.store.database import StoreError
from edge.console.terminal.switchboard import Switchboard
from edge.errors import EdgeError, InputError, ThingNotFoundError
from edge_signing import commands, messages, topics
from edge_signing.commands import REPLY_MOST_BYTES, Reply
from edge_signing.errors import FormatError
from edge_signing.messages import MESSAGE_MOST_BYTES, Status
from edge_signing.repository_file import check_file

# Longer than a device waits between two polls, so that a handshake is not paid for each.
KEEP_ALIVE_S: Final = 960
_BODY_S: Final = 30
_RETRY_S: Final = "5"

logger = logging.getLogger(__name__)


class HttpLink:
    """The requests of devices.

    Args:
        desk: What messages mean.
        vaults: The repositories.
        shown: Returns the verified certificate of a request, in DER; that of TLS when None.
        terminals: Of the devices; None for none.
    """

    def __init__(
        self,
        desk: FrontDesk,
        vaults: Vaults,
        *,
        shown: Callable[[web.Request], bytes | None] | None = None,
        terminals: Switchboard | None = None,
    ) -> None:
        self._desk = desk
        self._vaults = vaults
        self._shown = shown or shown_by_tls
        self._terminals = terminals
        self._open: WeakKeyDictionary[asyncio.Transport, Caller] = WeakKeyDictionary()
        desk.on_shut_out.append(self._break)

    def app(self) -> web.Application:
        """Return the application, to be served with TLS that asks for certificates."""
        made = web.Application(client_max_size=MESSAGE_MOST_BYTES, middlewares=[_answering])
        path = "/v1/devices/{device}"
        made.router.add_get(f"{path}/desired", self._give_desired, allow_head=False)
        made.router.add_post(f"{path}/events", self._take_events)
        made.router.add_put(f"{path}/state", self._take_state)
        made.router.add_get(f"{path}/commands", self._give_commands, allow_head=False)
        made.router.add_post(f"{path}/replies", self._take_reply)
        if self._terminals is not None:
            TerminalRoutes(self._terminals, self._caller).add_to(made, path)
        made.router.add_get("/repository/{file:.+}", self._give_file, allow_head=False)
        return made

    async def _give_desired(self, request: web.Request) -> web.StreamResponse:
        caller = await self._caller(request)
        boot_id = request.headers.get(topics.BOOT_HEADER, "")
        if messages.ID.fullmatch(boot_id):
            await self._hear(request, caller, boot_id)
        message = await self._desk.desired(caller)
        said = {topics.ASKED_HEADER: "1"} if self._desk.has_commands(caller) else {}
        if self._terminals is not None and self._terminals.wanted_of(caller):
            said[topics.TERMINAL_HEADER] = "1"
        if message is None:
            return web.Response(status=204, headers=said)
        said["ETag"] = f'"{hashlib.sha256(message).hexdigest()[:32]}"'
        if request.headers.get("If-None-Match") == said["ETag"]:
            return web.Response(status=304, headers=said)
        return web.Response(body=message, headers=said, content_type="application/json")

    async def _take_events(self, request: web.Request) -> web.StreamResponse:
        caller = await self._caller(request)
        events = messages.unpack_events(await _body(request))
        stored = await self._desk.take_events(caller, events)
        return web.Response(body=messages.pack_stored(stored), content_type="application/json")

    async def _take_state(self, request: web.Request) -> web.StreamResponse:
        caller = await self._caller(request)
        status = Status.unpack(await _body(request))
        await self._hear(request, caller, status.boot_id)
        await self._desk.take_status(caller, status)
        return web.Response(status=204)

    async def _give_commands(self, request: web.Request) -> web.StreamResponse:
        found = await self._desk.commands(await self._caller(request))
        if not found:
            return web.Response(status=204)
        return web.Response(body=commands.pack_commands(found), content_type="application/json")

    async def _take_reply(self, request: web.Request) -> web.StreamResponse:
        caller = await self._caller(request)
        longer = request.clone(client_max_size=REPLY_MOST_BYTES)
        reply = Reply.unpack(await _body(longer))
        try:
            await self._desk.take_reply(caller, reply)
        except ThingNotFoundError as error:
            return web.Response(status=404, text=str(error))
        return web.Response(status=204)

    async def _give_file(self, request: web.Request) -> web.StreamResponse:
        caller = await self._caller(request)
        try:
            name = check_file(request.match_info["file"])
        except FormatError:
            return web.Response(status=404)
        return await file_answer.answer(
            request, self._vaults.of(caller.tenant).repository.folder / name
        )

    async def _caller(self, request: web.Request) -> Caller:
        """Return who asks, for its own things only."""
        transport, shown = request.transport, self._shown(request)
        if transport is None or not shown:
            raise web.HTTPForbidden(text="no certificate of a device was shown")
        try:
            certificate = certificates.of_device(shown)
        except InputError as error:
            raise web.HTTPForbidden(text=str(error)) from error
        if request.match_info.get("device", certificate.device) != certificate.device:
            raise web.HTTPForbidden(text="the certificate is that of another device")
        caller = await self._desk.meet(certificate, Via.HTTP, lambda: between(request))
        if caller is None:
            raise web.HTTPForbidden(text=f"{certificate.device} is not let in")
        self._open[transport] = caller
        return caller

    async def _hear(self, request: web.Request, caller: Caller, boot_id: str) -> None:
        if not await self._desk.hear(caller, boot_id, request.remote or ""):
            raise web.HTTPForbidden(text=f"{caller.device}: two devices have its key")

    def _break(self, tenant: str, device: str) -> None:
        for transport, caller in list(self._open.items()):
            if (caller.tenant, caller.device) == (tenant, device):
                transport.abort()


def between(request: web.Request) -> list[x509.Certificate]:
    """Return what TLS has verified between the certificate of a device and an authority."""
    transport = request.transport
    secure = transport.get_extra_info("ssl_object") if transport is not None else None
    # From Python 3.13 on it has a method for that; until then what that calls.
    chain = secure._sslobj.get_verified_chain() if secure is not None else []
    ders = [ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in chain or ()]
    return [x509.load_der_x509_certificate(der) for der in ders[1:-1]]


def shown_by_tls(request: web.Request) -> bytes | None:
    """Return the certificate that TLS has verified, in DER."""
    transport = request.transport
    secure = transport.get_extra_info("ssl_object") if transport is not None else None
    found: bytes | None = secure.getpeercert(True) if secure is not None else None
    return found


async def _body(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(_BODY_S):
            return await request.read()
    except TimeoutError as error:
        raise web.HTTPRequestTimeout from error


@web.middleware
async def _answering(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except FormatError as error:
        return web.Response(status=400, text=str(error))
    except StoreError as error:
        logger.warning("%s %s: %s", request.method, request.path, error)
        return web.Response(status=503, headers={"Retry-After": _RETRY_S})
    except EdgeError as error:
        logger.warning("%s %s: %s", request.method, request.path, error)
        return web.Response(status=500)
