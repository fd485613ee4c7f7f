"""Who calls over DDI: by the certificate that TLS has verified, else by a token.

A certificate that is shown decides alone. Nobody is told more than that he is not let in.
"""

import re
from collections.abc import Callable
from typing import Final

from aiohttp import web

from edge.console import tenants
from edge.console.ddi.desk import DdiDesk
from edge.console.desk import Caller
from edge.console.devices import certificates
from edge.console.devices.states import State
from edge.errors import InputError, RefusedError
from edge_signing.errors import FormatError
from edge_signing.trust.names import check_device

_TOKEN: Final = re.compile(r"[A-Za-z0-9]{1,128}")


class Access:
    """Lets devices in.

    Args:
        desk: What is known of devices.
        shown: Returns the verified certificate of a request, in DER.
        note: Told who calls at once, so that he can be shut out from then on.
    """

    def __init__(
        self,
        desk: DdiDesk,
        shown: Callable[[web.Request], bytes | None],
        note: Callable[[web.Request, Caller], None],
    ) -> None:
        self._desk = desk
        self._shown = shown
        self._note = note

    async def caller(self, request: web.Request) -> Caller:
        """Return who asks, for its own things only.

        Raises:
            HTTPUnauthorized: Nothing that is known was shown.
            HTTPForbidden: It is not let in, or these are the things of another device.
        """
        tenant, device = request.match_info["tenant"].lower(), request.match_info["device"]
        try:
            check_device(device)
        except FormatError as error:
            raise web.HTTPUnauthorized(text="") from error
        if not tenants.NAME.fullmatch(tenant):
            raise web.HTTPUnauthorized(text="")
        shown = self._shown(request)
        if shown:
            found = await self._by_certificate(shown, tenant, device)
        else:
            found = await self._by_token(request, tenant, device)
        self._note(request, found)
        try:
            await self._desk.join(found)
        except RefusedError as error:
            raise web.HTTPForbidden(text=str(error)) from error
        return found

    async def _by_certificate(self, shown: bytes, tenant: str, device: str) -> Caller:
        try:
            certificate = certificates.of_device(shown)
        except InputError as error:
            raise web.HTTPForbidden(text=str(error)) from error
        if certificate.device != device:
            raise web.HTTPForbidden(text="the certificate is that of another device")
        found = await self._desk.by_certificate(certificate, tenant)
        if found is None:
            raise web.HTTPForbidden(text=f"{device} is not let in")
        return found

    async def _by_token(self, request: web.Request, tenant: str, device: str) -> Caller:
        kind, _blank, token = request.headers.get("Authorization", "").partition(" ")
        found: Caller | State | None = None
        if not _TOKEN.fullmatch(token):
            raise web.HTTPUnauthorized(text="")
        if kind == "TargetToken":
            found = await self._desk.by_token(tenant, device, token)
        elif kind == "GatewayToken":
            found = await self._desk.by_gateway(tenant, device, token)
        if found is None:
            raise web.HTTPUnauthorized(text="")
        if isinstance(found, State):
            raise web.HTTPForbidden(text=f"{device} is {found}")
        return found
